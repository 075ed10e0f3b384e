"""Dependencies between events: which later ones must be undone before an earlier one.

Independent events may be undone in any order: one of a hundred created nodes, one of a hundred placed labels. A later
event that could depend on an earlier one must be undone first; so undoing from last to first never fails, whatever
was undone in between.
"""

from collections.abc import Callable, Mapping
from typing import Any

from taxonaut.state.ids import LabelId
from taxonaut.state.records import Event

_ON_EDGES = frozenset({"add_edge", "remove_edge", "create_node"})
"""Inverses that change edges between remaining nodes; paths, and so cycles and orphans, depend on them."""

LABEL_TEXTS = {"describe_labels": ("descriptions", "description"), "rename_labels": ("names", "name")}
"""Operations that change texts of labels: the key of the rows in their payload, and the label's field."""

WITHOUT_TREE = frozenset({"add_labels", "drop_labels", *LABEL_TEXTS})
"""Operations on labels, independent of the current tree."""

Number = Callable[[LabelId], int | None]
"""Maps a label to its import number, None for a removed label."""


def depends_on(later: Event, event: Event, number: Number) -> bool:
    """Return whether `later` must be undone before `event`."""
    operation, arguments = _inverse(event)
    texts = labels_edited_by(later, number)
    if operation in LABEL_TEXTS:
        return _inverse(later)[0] == operation and bool(texts & labels_edited_by(event, number))
    if texts and operation != "drop_labels":
        return False
    if operation == "remove_node":
        return arguments["node"] in nodes_in(later)
    if operation == "edit_node":
        return _inverse(later)[0] == "edit_node" and _inverse(later)[1]["node"] == arguments["node"]
    if operation in ("place", "unplace"):
        return number(LabelId(arguments["label"])) in labels_in(later, number)
    if operation == "drop_labels":
        first, last = arguments["first"], arguments["last"]
        return any(first <= label <= last for label in texts | labels_in(later, number))
    if operation == "switch_tree":
        return _inverse(later)[0] not in WITHOUT_TREE
    if operation == "patch":
        return _meet(later, event, number)
    return _on_edges(event) and _on_edges(later)


def _meet(later: Event, event: Event, number: Number) -> bool:
    """Return whether two events share a label, both change edges, or one names a node the other made or removed."""
    return bool(
        _made(event) & nodes_in(later)
        or _made(later) & nodes_in(event)
        or labels_in(event, number) & labels_in(later, number)
        or (_on_edges(event) and _on_edges(later))
    )


def _inverse(event: Event) -> tuple[str, Mapping[str, Any]]:
    return event.inverse["operation"], event.inverse["arguments"]


def _on_edges(event: Event) -> bool:
    operation, arguments = _inverse(event)
    if operation != "patch":
        return operation in _ON_EDGES
    made = set(arguments["remove_nodes"])
    return bool(arguments["add_edges"]) or any(not made & set(edge) for edge in arguments["remove_edges"])


def _made(event: Event) -> set[int]:
    """Return the nodes that an event added or removed."""
    operation, arguments = _inverse(event)
    if operation == "patch":
        return {node["id"] for node in arguments["add_nodes"]} | set(arguments["remove_nodes"])
    if operation == "remove_node":
        return {arguments["node"]}
    return {arguments["node"]["id"]} if operation == "create_node" else set()


def nodes_in(event: Event) -> set[int]:
    """Return the nodes that an event names."""
    nodes: set[int] = set()
    for arguments in (event.payload, event.inverse["arguments"]):
        named = [arguments.get(key) for key in ("node", "parent", "child")]
        nodes.update(
            value["id"] if isinstance(value, dict) else value for value in named if value is not None
        )
        for key in ("parents", "children", "nodes"):
            nodes.update(row[0] if isinstance(row, list) else row for row in _rows(arguments, key))
    operation, arguments = _inverse(event)
    if operation == "patch":
        nodes |= _made(event)
        for key in ("add_edges", "remove_edges"):
            nodes.update(end for edge in arguments[key] for end in edge[:2])
        for key in ("add_placements", "remove_placements"):
            nodes.update(row[0] for row in arguments[key])
    return nodes


def labels_in(event: Event, number: Number) -> set[int]:
    """Return the import numbers of the labels that an event names."""
    labels: set[LabelId] = set()
    for arguments in (event.payload, event.inverse["arguments"]):
        node = arguments.get("node")
        named = [arguments.get("label"), node["label"] if isinstance(node, dict) else None]
        labels.update(LabelId(label) for label in named if label is not None)
        labels.update(LabelId(row[0]) for row in _rows(arguments, "placements"))
    numbers = {known for label in labels if (known := number(label)) is not None}
    operation, arguments = _inverse(event)
    if operation == "patch":
        for key in ("add_placements", "remove_placements"):
            numbers.update(row[1] for row in arguments[key])
        nodes = [node["label"] for node in arguments["add_nodes"] if node["label"] is not None]
        numbers.update(known for label in nodes if (known := number(LabelId(label))) is not None)
    return numbers


def labels_edited_by(event: Event, number: Number) -> set[int]:
    """Return the import numbers of the labels whose names or descriptions an event changed."""
    operation, arguments = _inverse(event)
    if operation not in LABEL_TEXTS:
        return set()
    rows = arguments[LABEL_TEXTS[operation][0]]
    return {known for label, _ in rows if (known := number(LabelId(label))) is not None}


def _rows(arguments: Mapping[str, Any], key: str) -> list[Any]:
    value = arguments.get(key)
    return value if isinstance(value, list) else []
