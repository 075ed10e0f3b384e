"""The tool `propose_change`: change descriptors for items that none fits (AgenticTagger, algorithm 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from taxonaut.state.descriptors import ChangeKind
from taxonaut.state.errors import ToolError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.records import ToolSpec
from taxonaut.tools.write.propose_category import MOST_LISTED, SHORT_TEXT, category_name, descriptor_schema

LONGEST_PROBLEM = 200
"""Maximum characters of the description of a cluster."""


@dataclass(frozen=True, slots=True)
class DescriptorChange:
    """A change of descriptors: `create` has a new `centre`; `expand` has the new text of the one at `at`."""

    kind: ChangeKind
    problem: str = ""
    centre: Centre | None = None
    at: int | None = None


def propose_change(
    arguments: Mapping[str, Any], parent: str, centres: Sequence[Centre], order: Sequence[int]
) -> DescriptorChange:
    """Read a call of the tool. `order[n - 1]` is the index of descriptor number n. Raises ToolError for bad names.

    An expanded descriptor keeps its name, and its definition unless a new one is given; new includes and excludes
    are appended to the existing ones.
    """
    kind: ChangeKind = arguments["change"]
    problem = single_line(arguments.get("problem", ""), LONGEST_PROBLEM)
    if kind == "ignore":
        return DescriptorChange(kind, problem)
    description = single_line(arguments.get("description", ""), SHORT_TEXT)
    includes, excludes = (short_texts(arguments.get(key, ())) for key in ("includes", "excludes"))
    if kind == "create":
        name = category_name(str(arguments["name"]), parent, [centre.name for centre in centres])
        return DescriptorChange(kind, problem, Centre(name, description, (), includes, excludes))
    number = int(arguments["descriptor"])
    if not 1 <= number <= len(order):
        raise ToolError(f"descriptor {number} is not there; expand one of 1 to {len(order)}")
    at = order[number - 1]
    old = centres[at]
    merged = Centre(
        old.name,
        description or old.description,
        old.examples,
        tuple(dict.fromkeys((*old.includes, *includes)))[: 3 * MOST_LISTED],
        tuple(dict.fromkeys(e for e in (*old.excludes, *excludes) if e not in includes))[: 3 * MOST_LISTED],
    )
    return DescriptorChange(kind, problem, merged, at)


def propose_change_spec(count: int) -> ToolSpec:
    """Return the tool with a schema for `count` descriptors; number 0 means a new one or none."""
    descriptor = descriptor_schema()["properties"]
    properties: dict[str, Any] = {
        "problem": {"type": "string", "maxLength": LONGEST_PROBLEM, "description": "What the items are."},
        "change": {"type": "string", "enum": list(get_args(ChangeKind))},
        "descriptor": {
            "type": "integer",
            "minimum": 0,
            "maximum": count,
            "description": "expand: its number; else 0.",
        },
        "name": {**descriptor["name"], "minLength": 0, "description": "create: its name; else empty."},
        **{key: descriptor[key] for key in ("description", "includes", "excludes")},
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    description = (
        "Say what to do about items that no descriptor fits: create a descriptor, expand one that is there, "
        "or ignore them as outliers."
    )
    return ToolSpec("propose_change", description, schema)


def single_line(text: object, most: int) -> str:
    """Return a model's text on one line, of at most `most` characters."""
    return " ".join(str(text).split())[:most]


def short_texts(texts: object) -> tuple[str, ...]:
    """Return a model's list as at most MOST_LISTED short texts without repeats."""
    found = (single_line(text, SHORT_TEXT) for text in texts) if isinstance(texts, Sequence) else ()
    return tuple(dict.fromkeys(text for text in found if text))[:MOST_LISTED]
