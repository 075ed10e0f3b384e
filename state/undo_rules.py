"""Which later changes must be undone before an earlier one can be.

Changes that do not touch each other may be undone in any order: one node of a hundred that were made, one
label of a hundred that were placed. Where a later change could rest on the earlier one, it goes first; so
undoing from the last to the first never fails, whatever was undone in between.
"""

from collections.abc import Callable, Mapping
from typing import Any

from taxonaut.state.ids import LabelId
from taxonaut.state.records import Event

_ON_EDGES = frozenset({"add_edge", "remove_edge", "create_node"})
"""Inverses that change edges between nodes that stay: whole paths, and so cycles and orphans, hang on them."""


def rests_on(later: Event, event: Event, number: Callable[[LabelId], int | None]) -> bool:
    """Say whether `later` must be undone before `event`; `number` gives a label's import number."""
    operation, arguments = _inverse(event)
    if operation == "remove_node":
        return arguments["node"] in _nodes_of(later)
    if operation == "edit_node":
        return _inverse(later)[0] == "edit_node" and _inverse(later)[1]["node"] == arguments["node"]
    if operation in ("place", "unplace"):
        return arguments["label"] in _labels_of(later)
    if operation == "drop_labels":
        first, last = arguments["first"], arguments["last"]
        return any(first <= (number(label) or 0) <= last for label in _labels_of(later))
    if operation == "switch_tree":
        return _inverse(later)[0] not in ("add_labels", "drop_labels")
    return operation in _ON_EDGES and _inverse(later)[0] in _ON_EDGES


def _inverse(event: Event) -> tuple[str, Mapping[str, Any]]:
    return event.inverse["operation"], event.inverse["arguments"]


def _nodes_of(event: Event) -> set[int]:
    nodes: set[int] = set()
    for arguments in (event.payload, event.inverse["arguments"]):
        named = [arguments.get(key) for key in ("node", "parent", "child")]
        nodes.update(
            value["id"] if isinstance(value, dict) else value for value in named if value is not None
        )
        for key in ("parents", "children", "nodes"):
            nodes.update(row[0] if isinstance(row, list) else row for row in _rows(arguments, key))
    return nodes


def _labels_of(event: Event) -> set[LabelId]:
    labels: set[LabelId] = set()
    for arguments in (event.payload, event.inverse["arguments"]):
        node = arguments.get("node")
        named = [arguments.get("label"), node["label"] if isinstance(node, dict) else None]
        labels.update(LabelId(label) for label in named if label is not None)
        labels.update(LabelId(row[0]) for row in _rows(arguments, "placements"))
    return labels


def _rows(arguments: Mapping[str, Any], key: str) -> list[Any]:
    value = arguments.get(key)
    return value if isinstance(value, list) else []
