"""The tool `assign_label`: place a label under every node it fits (AssignCenter of XMC-Agent, algorithm 1)."""

from collections.abc import Sequence

from taxonaut.state.errors import NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec
from taxonaut.tools.support.offers import NONE_ID, choice_schema

FIELD = "centres"
WHY = "why"

LONGEST_REPORT = 200
"""Maximum characters of an annotator's remark on why nothing fits."""


def assign_label(index: Index, label: LabelId, nodes: Sequence[NodeId]) -> list[NodeId]:
    """Place a label under all centres it belongs to; it may belong to several. Returns where it stands now."""
    try:
        index.label(label)
        index.nodes(nodes)
    except NotFoundError as error:
        raise ToolError(f"{error}; assign labels and centres that are on offer") from None
    there = set(index.placements_of(label))
    new = [node for node in dict.fromkeys(nodes) if node not in there]
    if new:
        index.place(label, new)
    return index.placements_of(label)


def assign_label_spec(count: int, most: int) -> ToolSpec:
    """Return the tool with a schema for one set of centres: numbers 1 to `count`, at most `most` of them."""
    schema = choice_schema(FIELD, count, most, "all centres the label belongs to")
    return ToolSpec("assign_label", assign_label.__doc__ or "", schema)


def assign_items_spec(items: int, count: int, most: int) -> ToolSpec:
    """Return the tool for several items in one call: as for labels, with `why` for items that nothing fits."""
    spec = assign_labels_spec(items, count, most)
    why = {
        "type": "string",
        "maxLength": LONGEST_REPORT,
        "description": "What the items with [0] are and why nothing fits them, in a sentence; else empty.",
    }
    schema = {**spec.parameters, "properties": {**spec.parameters["properties"], WHY: why}}
    schema["required"] = [*spec.parameters["required"], WHY]
    description = (
        f"Give each item, by its number, the numbers of at most {most} descriptors that fit it, the best first; "
        "[0] if none fits."
    )
    return ToolSpec("assign_label", description, schema)


def assign_labels_spec(labels: int, count: int, most: int) -> ToolSpec:
    """Return the tool for several labels in one call: a property for each, "1" to `labels`, its centres in order."""
    one = {
        "type": "array",
        "items": {"type": "integer", "minimum": NONE_ID, "maximum": count},
        "minItems": 1,
        "maxItems": most,
    }
    numbers = [str(number) for number in range(1, labels + 1)]
    parameters = {
        "type": "object",
        "properties": dict.fromkeys(numbers, one),
        "required": numbers,
        "additionalProperties": False,
    }
    description = (
        "Give each label, by its number, the numbers of all centres it belongs to; [0] if none fits."
    )
    return ToolSpec("assign_label", description, parameters)
