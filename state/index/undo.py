"""Dependencies between events: which later ones must be undone before an earlier one.

Independent events may be undone in any order: one of a hundred created nodes, one of a hundred placed labels. A later
event that could depend on an earlier one must be undone first; so undoing from last to first never fails, whatever
was undone in between.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from taxonaut.state.ids import LabelId
from taxonaut.state.records import Event

_ON_EDGES = frozenset({"add_edge", "remove_edge", "create_node"})
"""Inverses that change edges between remaining nodes; paths, and so cycles and orphans, depend on them."""

LABEL_TEXTS = {
    "describe_labels": ("descriptions", "description"),
    "rename_labels": ("names", "name"),
    "set_alternatives": ("alternatives", "alternatives"),
}
"""Operations that change texts of labels: the key of the rows in their payload, and the label's field."""

MAP = "map_labels"
"""The operation that retires labels, restores them, and changes their ids."""

WITHOUT_TREE = frozenset({"add_labels", "drop_labels", MAP, *LABEL_TEXTS})
"""Operations on labels, independent of the current tree."""

Number = Callable[[LabelId], int | None]
"""Maps a label's present or former id to its import number, None for a removed label."""


def depends_on(later: Event, event: Event, number: Number) -> bool:
    """Return whether `later` must be undone before `event`."""
    operation, arguments = _inverse(event)
    if MAP in (operation, _inverse(later)[0]):
        return _meet_in_mappings(later, event, number)
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


def _meet_in_mappings(later: Event, event: Event, number: Number) -> bool:
    """Return whether one of two events, at least one of them of mappings, must be undone before the other."""
    operation, arguments = _inverse(event)
    if operation == MAP == _inverse(later)[0]:
        return not _ids_mapped_by(later).isdisjoint(_ids_mapped_by(event))
    if operation == MAP:
        named = labels_in(later, number) | (labels_edited_by(later, number) if arguments["ids"] else set())
        return not named.isdisjoint(_numbers(_ids_mapped_by(event, targets=False), number))
    if operation == "switch_tree":
        return True
    if operation == "drop_labels":
        first, last = arguments["first"], arguments["last"]
        return any(first <= label <= last for label in labels_mapped_by(later, number))
    if operation == "add_labels":
        return not {row[1] for row in arguments["labels"]}.isdisjoint(_ids_mapped_by(later))
    if operation in LABEL_TEXTS:
        other_ids = {label for pair in _inverse(later)[1]["ids"] for label in pair}
        return any(label in other_ids for label, _ in arguments[LABEL_TEXTS[operation][0]])
    left = _numbers(_ids_mapped_by(later, targets=False), number)
    return not left.isdisjoint(labels_in(event, number))


def _ids_mapped_by(event: Event, *, targets: bool = True) -> set[str]:
    """Return the ids that an event's mappings name; without `targets` only those that stopped or began to be live."""
    operation, arguments = _inverse(event)
    if operation != MAP:
        return set()
    ids = {id_ for pair in arguments["ids"] for id_ in pair} | set(arguments["remove"])
    ids |= {id_ for row in arguments["add"] for id_ in (row[0], *(row[1] if targets else ()))}
    return ids | {id_ for row in event.payload["mapped"] if targets for id_ in row}


def labels_mapped_by(event: Event, number: Number) -> set[int]:
    """Return the import numbers of the labels that an event's mappings name, on either side."""
    return _numbers(_ids_mapped_by(event), number)


def _numbers(ids: Iterable[str], number: Number) -> set[int]:
    return {known for id_ in ids if (known := number(LabelId(id_))) is not None}


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
    if _inverse(event)[0] == MAP:
        return nodes
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
        fields = arguments.get("fields")
        named.append(fields.get("label") if isinstance(fields, dict) else None)
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
