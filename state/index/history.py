"""The event log, and the tree after any event: the current one with later events reversed in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taxonaut.state.db.connection import Database, fetch_by_number, next_ids
from taxonaut.state.db.json_codec import dump, load, unpack
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.operations import OperationResult
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.index.view import LABEL_COLUMNS, label_from_row
from taxonaut.state.label_mappings import LabelMapping
from taxonaut.state.records import Change, Event, Node

_COLUMNS = "id, made, operation, payload, inverse, undone_by, coalesce(change, id), coalesce(note, '')"
_CHANGES = """
SELECT max(id), min(id), min(made), histogram(operation), arg_min(payload, id), coalesce(max(note), ''),
    count(undone_by), max(undone_by)
FROM events
WHERE $3 IS NULL OR coalesce(change, id) IN (
    SELECT coalesce(change, id) FROM events
    WHERE contains(payload, $3) OR ($4 <> '' AND regexp_matches(payload, $4))
)
GROUP BY coalesce(change, id) HAVING max(id) < $2 OR $2 IS NULL ORDER BY max(id) DESC LIMIT $1
"""


class Events:
    """The event log of the index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        operation: str,
        done: OperationResult,
        tree: int | None,
        change: EventId | None = None,
        note: str = "",
    ) -> Event:
        """Write an event. `tree` is the tree it acted on, if any.

        `change` is the first event of the change it belongs to; None starts a new change.
        """
        inverse = {"operation": done.inverse.operation, "arguments": done.inverse.arguments}
        with self._database.write() as connection:
            id_ = EventId(next_ids(connection, "event"))
            connection.execute(
                "INSERT INTO events (id, operation, tree, payload, inverse, change, note) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [id_, operation, tree, dump(done.payload), dump(inverse), change or id_, note],
            )
            return self.get(id_)

    def get(self, event: EventId) -> Event:
        """Return an event. Raises NotFoundError for an unknown id."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM events WHERE id = ?", [event])
        if not rows:
            raise NotFoundError(f"no event {event!r} in the index; `taxonaut index log` lists them")
        return _event(rows[0])

    def last_active(self) -> Event:
        """Return the last event that is neither undone nor an undo. Raises InputError if there is none."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE undone_by IS NULL AND operation <> 'undo' "
            "ORDER BY id DESC LIMIT 1"
        )
        rows = self._database.rows(sql)
        if not rows:
            raise InputError("nothing to undo; the index is as it was when it was created")
        return _event(rows[0])

    def tree_of(self, event: EventId) -> int | None:
        """Return the tree an event acted on, None if it acted on none."""
        rows = self._database.rows("SELECT tree FROM events WHERE id = ?", [event])
        return None if rows[0][0] is None else int(rows[0][0])

    def active_after(self, event: EventId) -> Iterator[Event]:
        """Yield the later events that are neither undone nor an undo, latest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE id > ? AND undone_by IS NULL AND operation <> 'undo' "
            "ORDER BY id DESC"
        )
        return map(_event, self._database.rows(sql, [event]))

    def mark(self, event: EventId, undone_by: EventId | None) -> None:
        """Mark an event as undone by another; None marks it as active again."""
        with self._database.write() as connection:
            connection.execute("UPDATE events SET undone_by = ? WHERE id = ?", [undone_by, event])

    def has_change(self, change: EventId) -> bool:
        """Return whether a change has events; one that was rolled back has none."""
        return bool(self._database.rows("SELECT 1 FROM events WHERE id = ? AND change = id", [change]))

    def of_change(self, change: EventId) -> "list[Event]":
        """Return the events of a change that are not undone, latest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE id >= ? AND coalesce(change, id) = ? "
            "AND undone_by IS NULL ORDER BY id DESC"
        )
        return [_event(row) for row in self._database.rows(sql, [change, change])]

    def since(self, event: EventId) -> "list[Event]":
        """Return the events after one, latest first."""
        sql = f"SELECT {_COLUMNS} FROM events WHERE id > ? ORDER BY id DESC"
        return [_event(row) for row in self._database.rows(sql, [event])]

    def changes(
        self,
        most: int | None = None,
        *,
        before: EventId | None = None,
        label: LabelId | None = None,
        nodes: Sequence[NodeId] = (),
    ) -> "list[Change]":
        """Return the latest changes, newest first; `before`: those older than this one.

        `label`: only those that name this label, or one of `nodes`.
        """
        named = None if label is None else dump(label)
        those = rf'"(node|child)":({"|".join(str(int(node)) for node in nodes)})\b' if nodes else ""
        return [
            Change(
                id=EventId(last),
                first=EventId(first),
                at=made.isoformat(timespec="seconds"),
                operations=dict(operations),
                payload=load(payload),
                note=note,
                undone=undone,
                undone_by=None if undone_by is None else EventId(undone_by),
            )
            for last, first, made, operations, payload, note, undone, undone_by in self._database.rows(
                _CHANGES, [most, before, named, those]
            )
        ]

    def list(self, after: EventId | None = None, most: int | None = None) -> "list[Event]":
        """Return the events after one, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?"
        return [_event(row) for row in self._database.rows(sql, [after or 0, most])]


def _event(row: tuple[Any, ...]) -> Event:
    id_, made, operation, payload, inverse, undone_by, change, note = row
    return Event(
        id=EventId(id_),
        at=made.isoformat(timespec="seconds"),
        operation=operation,
        payload=load(payload),
        inverse=load(inverse),
        undone_by=None if undone_by is None else EventId(undone_by),
        change=EventId(change),
        note=note,
    )


_NODES = "SELECT id, name, description, includes, excludes, label, examples FROM nodes WHERE tree = $1"
_LABELS = f"SELECT {LABEL_COLUMNS} FROM labels"
_LISTS = frozenset({"includes", "excludes", "examples"})

Pairs = dict[tuple[int, int], int]
"""Pairs (parent, child) or (node, label), each with its position."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the index: nodes with all their ancestors, and labels by their import numbers."""

    nodes: frozenset[int]
    labels: frozenset[int]


class _TreeModel:
    """One tree of the file, or a part of it, in memory; labels are import numbers."""

    def __init__(self, database: Database, tree: int, ids: Mapping[int, LabelId], part: Part | None) -> None:
        within = None if part is None else sorted(part.nodes)
        labels = None if part is None else sorted(part.labels)
        self.nodes: dict[int, Node] = {
            row[0]: Node(
                NodeId(row[0]),
                row[1],
                row[2],
                unpack(row[3]),
                unpack(row[4]),
                None if row[5] is None else ids.get(row[5], LabelId("")),
                unpack(row[6]),
            )
            for row in _some(database, _NODES, tree, id=within)
        }
        self.nodes.pop(ROOT, None)
        edges = "SELECT parent, child, position FROM edges WHERE tree = $1"
        places = "SELECT node, label, position FROM placements WHERE tree = $1"
        self.edges = _pairs(_some(database, edges, tree, parent=within, child=within))
        self.placements = _pairs(_some(database, places, tree, node=within, label=labels))
        self.method = str(database.rows("SELECT method FROM trees WHERE id = ?", [tree])[0][0])


class History:
    """Reverses events on a copy of the index in memory; the index itself is only read.

    With `part` the copy holds that part only, which must include everything the events name.
    """

    def __init__(
        self,
        database: Database,
        events: Events,
        mappings: Mapping[LabelId, LabelMapping],
        part: Part | None = None,
    ) -> None:
        self._database = database
        self._events = events
        self._part = part
        self._trees: dict[int, _TreeModel] = {}
        rows = (
            database.rows(_LABELS)
            if part is None
            else fetch_by_number(database, LABEL_COLUMNS, "labels", "number", sorted(part.labels))
        )
        self._labels = {row[0]: label_from_row(row) for row in rows}
        self._numbers = {label.id: number for number, label in self._labels.items()}
        self._mappings = dict(mappings)
        self._current = int(database.rows("SELECT id FROM current_tree")[0][0])
        row = database.rows(
            "SELECT name, description, includes, excludes, examples FROM nodes WHERE id = ?", [ROOT]
        )[0]
        self._root = Node(NodeId(ROOT), row[0], row[1], unpack(row[2]), unpack(row[3]), None, unpack(row[4]))

    def at(self, event: EventId) -> Snapshot:
        """Return the tree after an event; 0 is before the first."""
        if event != 0:
            self._check(event)
        self._go_back(self._events.since(event))
        return self._snapshot(event)

    def before_and_after(
        self, later: Sequence[Event], event: EventId, now: EventId
    ) -> tuple[Snapshot, Snapshot]:
        """Return the tree before the given latest events (latest first), and the one after event `now`."""
        self._go_back([each for each in later if each.id > now])
        present = self._snapshot(now)
        self._go_back([each for each in later if each.id <= now])
        return self._snapshot(event), present

    def _go_back(self, events: Sequence[Event]) -> None:
        for later in events:
            operation = str(later.inverse["operation"])
            _BACK[operation](self, later.inverse["arguments"])

    def _check(self, event: EventId) -> None:
        newest = int(self._database.rows("SELECT coalesce(max(id), 0) FROM events")[0][0])
        if not 0 <= event <= newest:
            raise NotFoundError(
                f"no event {event!r} in the index; they are 0 (the beginning) to {newest}: "
                "`taxonaut index log` lists them"
            )

    @property
    def _tree(self) -> _TreeModel:
        """The current tree at this point of the log.

        It is read from the file as it is now. That is correct: a later event that changed it happened while it was
        the current tree, so it was read then already and that event has been reversed.
        """
        if self._current not in self._trees:
            ids = {number: label.id for number, label in self._labels.items()}
            self._trees[self._current] = _TreeModel(self._database, self._current, ids, self._part)
        return self._trees[self._current]

    def _snapshot(self, event: EventId) -> Snapshot:
        tree = self._tree
        labels = {self._labels[number].id: self._labels[number] for number in sorted(self._labels)}
        return Snapshot(
            version=event,
            tree=self._current,
            method=tree.method,
            nodes={NodeId(ROOT): self._root, **{NodeId(id_): tree.nodes[id_] for id_ in sorted(tree.nodes)}},
            labels={id_: label for id_, label in labels.items() if id_ not in self._mappings},
            retired={id_: label for id_, label in labels.items() if id_ in self._mappings},
            mappings=dict(self._mappings),
            edges=tuple((NodeId(one), NodeId(other)) for one, other in _ordered(tree.edges)),
            placements=tuple(
                (NodeId(node), self._labels[number].id) for node, number in _ordered(tree.placements)
            ),
        )

    def _add_nodes(self, rows: list[Mapping[str, Any]]) -> None:
        for row in rows:
            self._tree.nodes[row["id"]] = Node(
                NodeId(row["id"]),
                row["name"],
                row["description"],
                tuple(row["includes"]),
                tuple(row["excludes"]),
                row["label"],
                tuple(row["examples"]),
            )

    def _create_node(self, given: Mapping[str, Any]) -> None:
        id_ = given["node"]["id"]
        self._add_nodes([given["node"]])
        self._tree.edges.update({(parent, id_): place for parent, place in given["parents"]})
        self._tree.edges.update({(id_, child): place for child, place in given["children"]})
        self._tree.placements.update(
            {(id_, self._numbers[label]): place for label, place in given["placements"]}
        )

    def _remove_node(self, given: Mapping[str, Any]) -> None:
        tree, id_ = self._tree, given["node"]
        tree.nodes.pop(id_)
        tree.edges = {edge: place for edge, place in tree.edges.items() if id_ not in edge}
        tree.placements = {pair: place for pair, place in tree.placements.items() if pair[0] != id_}

    def _edit_node(self, given: Mapping[str, Any]) -> None:
        id_ = given["node"]
        if id_ == ROOT:
            self._root = _edited(self._root, given["fields"])
        else:
            self._tree.nodes[id_] = _edited(self._tree.nodes[id_], given["fields"])

    def _add_edge(self, given: Mapping[str, Any]) -> None:
        self._tree.edges[given["parent"], given["child"]] = given["position"]

    def _remove_edge(self, given: Mapping[str, Any]) -> None:
        self._tree.edges.pop((given["parent"], given["child"]))

    def _place(self, given: Mapping[str, Any]) -> None:
        number = self._numbers[given["label"]]
        self._tree.placements.update({(node, number): place for node, place in given["nodes"]})

    def _unplace(self, given: Mapping[str, Any]) -> None:
        for node in given["nodes"]:
            self._tree.placements.pop((node, self._numbers[given["label"]]))

    def _patch(self, given: Mapping[str, Any]) -> None:
        tree = self._tree
        for edge in given["remove_edges"]:
            tree.edges.pop(tuple(edge))
        for pair in given["remove_placements"]:
            tree.placements.pop(tuple(pair))
        for id_ in given["remove_nodes"]:
            tree.nodes.pop(id_)
        self._add_nodes(given["add_nodes"])
        tree.edges.update({(parent, child): place for parent, child, place in given["add_edges"]})
        tree.placements.update({(node, label): place for node, label, place in given["add_placements"]})

    def _add_labels(self, given: Mapping[str, Any]) -> None:
        for row in given["labels"]:
            self._labels[row[0]] = label_from_row(row)
            self._numbers[LabelId(row[1])] = row[0]

    def _drop_labels(self, given: Mapping[str, Any]) -> None:
        for number in [each for each in self._labels if given["first"] <= each <= given["last"]]:
            self._numbers.pop(self._labels.pop(number).id)

    def _describe_labels(self, given: Mapping[str, Any]) -> None:
        for label, text in given["descriptions"]:
            number = self._numbers[label]
            self._labels[number] = replace(self._labels[number], description=text)

    def _rename_labels(self, given: Mapping[str, Any]) -> None:
        for label, name in given["names"]:
            number = self._numbers[label]
            self._labels[number] = replace(self._labels[number], name=name)

    def _set_alternatives(self, given: Mapping[str, Any]) -> None:
        for label, names in given["alternatives"]:
            number = self._numbers[label]
            self._labels[number] = replace(self._labels[number], alternatives=tuple(names))

    def _map_labels(self, given: Mapping[str, Any]) -> None:
        for old in given["remove"]:
            self._mappings.pop(old)
        for old, new in given["ids"]:
            number = self._numbers.pop(old)
            self._labels[number] = replace(self._labels[number], id=LabelId(new))
            self._numbers[LabelId(new)] = number
            for tree in self._trees.values():
                tree.nodes.update(
                    {
                        id_: replace(node, label_id=LabelId(new))
                        for id_, node in tree.nodes.items()
                        if node.label_id == old
                    }
                )
        for row in given["add"]:
            mapping = LabelMapping.of_row(row)
            self._mappings[mapping.old] = mapping

    def _switch_tree(self, given: Mapping[str, Any]) -> None:
        self._current = int(given["tree"])
        self._root = _edited(self._root, given["root"])


_BACK: dict[str, Callable[[History, Mapping[str, Any]], None]] = {
    "create_node": History._create_node,
    "remove_node": History._remove_node,
    "edit_node": History._edit_node,
    "add_edge": History._add_edge,
    "remove_edge": History._remove_edge,
    "place": History._place,
    "unplace": History._unplace,
    "patch": History._patch,
    "add_labels": History._add_labels,
    "drop_labels": History._drop_labels,
    "switch_tree": History._switch_tree,
    "describe_labels": History._describe_labels,
    "rename_labels": History._rename_labels,
    "set_alternatives": History._set_alternatives,
    "map_labels": History._map_labels,
}


def _edited(node: Node, fields: Mapping[str, Any]) -> Node:
    texts: dict[str, Any] = {
        "label_id" if name == "label" else name: tuple(value) if name in _LISTS else value
        for name, value in fields.items()
    }
    return replace(node, **texts)


def _some(database: Database, sql: str, tree: int, **within: list[int] | None) -> list[tuple[Any, ...]]:
    """Return the rows of a tree whose columns are in the given sorted lists of numbers; None does not filter."""
    parameters: list[object] = [tree]
    for column, numbers in within.items():
        if numbers is not None:
            least, most = (numbers[0], numbers[-1]) if numbers else (1, 0)
            place = len(parameters) + 1
            sql += (
                f" AND {column} BETWEEN ${place} AND ${place + 1}"
                f" AND {column} IN (SELECT unnest(${place + 2}::BIGINT[]))"
            )
            parameters += [least, most, numbers]
    return database.rows(sql, parameters)


def _pairs(rows: list[tuple[Any, ...]]) -> Pairs:
    return {(one, other): place for one, other, place in rows}


def _ordered(pairs: Pairs) -> list[tuple[int, int]]:
    return sorted(pairs, key=lambda pair: pairs[pair])
