"""Shared by the tools that edit the index: schemas, name checks, and errors translated to ToolError."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from taxonaut.state.errors import InputError, NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.tools.write.propose_category import LONGEST_NAME, fold_name

NODE: dict[str, Any] = {"type": "integer", "description": "The id of the node."}
LABEL: dict[str, Any] = {"type": "string", "description": "The id of the label."}
LABELS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "The ids of the labels.",
}
REASON: dict[str, Any] = {"type": "string", "description": "Why, in a few words."}


@contextmanager
def as_tool_errors() -> Iterator[None]:
    """Translate InputError and NotFoundError of the index into ToolError."""
    try:
        yield
    except (InputError, NotFoundError) as error:
        raise ToolError(str(error)) from error


def call_schema(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Return the JSON schema of a call with these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def checked_name(what: str, name: str) -> str:
    """Return a name for `what` with whitespace collapsed; ToolError for an empty or too long one."""
    clean = " ".join(name.split())
    if not clean:
        raise ToolError(f"{what} name must not be empty: {name!r} was given")
    if len(clean) > LONGEST_NAME:
        raise ToolError(f"a {what}'s name has 1 to {LONGEST_NAME} characters; {len(clean)} were given")
    return clean


def check_name_is_free(
    index: Index, above: Sequence[NodeId], name: str, nodes: Collection[NodeId], label: LabelId | None
) -> None:
    """Raise ToolError if a child or label of one of `above`, other than `nodes` and `label`, has this name."""
    for parent in above:
        own = {label, index.node(parent).label_id}
        siblings: list[tuple[str, NodeId | LabelId]] = [
            (child.name, child.id) for child in index.children(parent) if child.id not in nodes
        ]
        siblings += [(each.name, each.id) for each in index.labels_at(parent) if each.id not in own]
        for twin, id_ in siblings:
            if fold_name(twin) == fold_name(name):
                hint = ", or merge the two" if isinstance(id_, int) and nodes else ""
                raise ToolError(f"its sibling {twin!r} ({id_}) has this name; name what is different{hint}")
