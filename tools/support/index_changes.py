"""What the tools that change the index share: a refusal of the index becomes one that tells the model why."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from taxonaut.state.errors import InputError, NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.tools.write.propose_category import LONGEST_NAME, fold_name

NODE: dict[str, Any] = {"type": "integer", "description": "The id of the node."}


@contextmanager
def as_tool_errors() -> Iterator[None]:
    """Turn what the index refuses into a ToolError; nothing was changed then."""
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
    """Return the name that `what` gets, with its blanks put in order; ToolError for one without signs or too long."""
    clean = " ".join(name.split())
    if not clean:
        raise ToolError(f"a {what} was given the name {name!r}; give it one with letters")
    if len(clean) > LONGEST_NAME:
        raise ToolError(f"a {what}'s name has 1 to {LONGEST_NAME} characters; {len(clean)} were given")
    return clean


def check_name_is_free(
    index: Index, above: Sequence[NodeId], name: str, nodes: Collection[NodeId], label: LabelId | None
) -> None:
    """Refuse a name that something right below one of `above` has, but for the `nodes` and the `label` renamed."""
    for parent in above:
        own = {label, index.node(parent).label_id}
        beside: list[tuple[str, NodeId | LabelId]] = [
            (child.name, child.id) for child in index.children(parent) if child.id not in nodes
        ]
        beside += [(each.name, each.id) for each in index.labels_at(parent) if each.id not in own]
        for twin, id_ in beside:
            if fold_name(twin) == fold_name(name):
                hint = ", or merge the two" if isinstance(id_, int) and nodes else ""
                raise ToolError(f"{twin!r} ({id_}) stands beside it already; name what is different{hint}")
