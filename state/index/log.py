"""Log every change to the index as an event: grouping, undo, redo, snapshots and diffs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index import bulk_operations, operations
from taxonaut.state.index.diff import IndexDiff, diff
from taxonaut.state.index.history import Events, History, Part
from taxonaut.state.index.operations import Arguments, Editor, Operation, OperationCall, OperationResult
from taxonaut.state.index.patches import patch
from taxonaut.state.index.reader import IndexReader
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.index.undo import (
    LABEL_TEXTS,
    WITHOUT_TREE,
    depends_on,
    labels_edited_by,
    labels_in,
    labels_mapped_by,
    nodes_in,
)
from taxonaut.state.index.view import IndexView
from taxonaut.state.records import Event

_OPERATIONS: dict[str, Operation] = {
    "create_node": operations.create_node,
    "remove_node": operations.remove_node,
    "edit_node": operations.edit_node,
    "add_edge": operations.add_edge,
    "remove_edge": operations.remove_edge,
    "place": operations.place,
    "unplace": operations.unplace,
    "patch": patch,
    "add_labels": bulk_operations.add_labels,
    "drop_labels": bulk_operations.drop_labels,
    "switch_tree": bulk_operations.switch_tree,
    "describe_labels": bulk_operations.describe_labels,
    "rename_labels": bulk_operations.rename_labels,
    "set_alternatives": bulk_operations.set_alternatives,
    "map_labels": bulk_operations.map_labels,
}


class IndexLog(IndexReader):
    """The half of `Index` that keeps its event log."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.events = Events(database)
        self._group: _Group | None = None

    @contextmanager
    def change(self, note: str = "") -> Iterator[None]:
        """Group all events written through this index in the block, by any thread, into one change.

        A nested block joins the outer one. Each event is a separate transaction: if the block is interrupted, its
        finished events remain, as one change. Hold `database.write()` around the block to make it atomic.
        """
        if self._group is not None:
            yield
            return
        self._group = _Group(note)
        try:
            yield
        finally:
            self._group = None

    def undo(self, event: EventId | None = None) -> Event:
        """Undo the last active change, or one event. Return the (last) undo event.

        Undoing an undo redoes its event. Raises InputError if later changes depend on the event.
        """
        if event is None:
            return self.undo_change(self.events.last_active().change)[-1]
        with self._database.write():
            target = self.events.get(event)
            if target.undone_by is not None:
                raise InputError(f"event {target.id!r} was already undone by event {target.undone_by!r}")
            try:
                done = self._take_back(target)
            except NotFoundError as error:
                raise InputError(f"event {target.id!r} cannot be undone any more: {error}") from error
            self.events.mark(target.id, done.id)
            if target.operation == "undo":
                self.events.mark(EventId(target.payload["event"]), None)
            return done

    def undo_change(self, change: EventId) -> list[Event]:
        """Undo all active events of a change, from last to first, in one transaction.

        `change` is the id of any of its events. Undoing a change of undos redoes it. Returns the undo events, which
        are one change.
        """
        with self._database.write(), self.change():
            named = self.events.get(change)
            standing = self.events.of_change(named.change)
            if not standing:
                raise InputError(
                    f"change {change!r} was already undone by event {named.undone_by!r}; undo that to redo it"
                )
            return [self.undo(event.id) for event in standing]

    def snapshot(self, event: EventId | None = None) -> Snapshot:
        """Return the tree after an event (0: before the first), by default the current one.

        Reads the whole tree and the events since. Raises NotFoundError for an unknown event.
        """
        with self._database.lock:
            history = History(self._database, self.events, self._view.labels.mappings)
            return history.at(self.version() if event is None else event)

    def diff_since(self, event: EventId, until: EventId | None = None) -> IndexDiff:
        """Return the changes since an event, optionally only those until another.

        The cost depends on what was changed, not on the size of the index, unless the tree was replaced.
        """
        with self._database.lock:
            later = self.events.since(event)
            part = affected_part(self._view, later)
            history = History(self._database, self.events, self._view.labels.mappings, part)
            now = self.version() if until is None else until
            return diff(*history.before_and_after(later, event, now))

    def replaced_since(self, event: EventId) -> bool:
        """Return whether the whole tree was replaced since an event."""
        return any(later.inverse["operation"] == "switch_tree" for later in self.events.since(event))

    @contextmanager
    def preserve_cache(self) -> Iterator[None]:
        """Keep the cache in memory over changes that are made and rolled back in the block; locks the index."""
        with self._database.lock, self._view.preserve_over_rollback():
            yield

    def _take_back(self, target: Event) -> Event:
        inverse = OperationCall(target.inverse["operation"], dict(target.inverse["arguments"]))
        if inverse.operation == "unplace":
            inverse.arguments["may_lose"] = target.operation == "place"
        self._check_undoable(target, inverse)
        return self._record("undo", lambda editor: _undone(target, inverse, editor), inverse.operation)

    def _check_undoable(self, target: Event, inverse: OperationCall) -> None:
        find = self._view.labels.find
        for later in self.events.active_after(target.id):
            if depends_on(later, target, find):
                raise InputError(
                    f"event {target.id!r} cannot be undone before event {later.id!r}, which may depend on it; "
                    "undo that first"
                )
        if inverse.operation in LABEL_TEXTS:
            self._check_label_texts(target, *LABEL_TEXTS[inverse.operation])
        tree, current = self.events.tree_of(target.id), self._view.shape.tree
        if tree is None:
            return
        if tree != current:
            raise InputError(
                f"event {target.id!r} changed a tree that is not the current one; "
                "undo the later load_tree or undo first"
            )
        if inverse.operation == "edit_node":
            self._check_not_edited_again(target)

    def _check_not_edited_again(self, target: Event) -> None:
        node = self.node(NodeId(target.payload["node"]))
        for name, value in target.payload["fields"].items():
            now = getattr(node, "label_id" if name == "label" else name)
            if (list(now) if isinstance(now, tuple) else now) != value:
                raise InputError(
                    f"the {name} of node {node.id!r} was changed after event {target.id!r}; undo that first"
                )

    def _check_label_texts(self, target: Event, rows: str, field: str) -> None:
        given = {LabelId(label): text for label, text in target.payload[rows]}
        for label in self.labels(list(given)):
            now = getattr(label, field)
            if (list(now) if isinstance(now, tuple) else now) != given[label.id]:
                raise InputError(
                    f"the {field} of label {label.id!r} was changed after event {target.id!r}; undo that first"
                )

    def _change(self, operation: str, arguments: Callable[[Editor], Arguments]) -> Event:
        return self._record(operation, lambda editor: _OPERATIONS[operation](editor, arguments(editor)))

    def _record(self, name: str, step: Callable[[Editor], OperationResult], operation: str = "") -> Event:
        with self._database.write() as connection:
            done = step(Editor(self._database, self._view, connection))
            tree = None if (operation or name) in WITHOUT_TREE else self._view.shape.tree
            group = self._group or _Group("")
            event = self.events.add(name, done, tree, group.number(self.events), group.note)
            group.first = event.change
            self._view.record_event(event.id)
            return event


class _Group:
    """The change that a block of events makes; its id is known once its first event is written."""

    def __init__(self, note: str) -> None:
        self.note = note
        self.first: EventId | None = None

    def number(self, events: Events) -> EventId | None:
        return self.first if self.first is not None and events.has_change(self.first) else None


def _undone(target: Event, inverse: OperationCall, editor: Editor) -> OperationResult:
    done = _OPERATIONS[inverse.operation](editor, inverse.arguments)
    return OperationResult({**done.payload, "event": target.id, "operation": inverse.operation}, done.inverse)


def affected_part(view: IndexView, events: Sequence[Event]) -> Part | None:
    """Return the part that events changed, with neighbours and ancestors; None if one changed the whole tree.

    Hold `database.lock` around it.
    """
    nodes: set[int] = set()
    labels: set[int] = set()
    shape, find = view.shape, view.labels.find
    for event in events:
        operation, arguments = event.inverse["operation"], event.inverse["arguments"]
        if operation == "switch_tree":
            return None
        nodes |= nodes_in(event)
        labels |= labels_in(event, find) | labels_edited_by(event, find) | labels_mapped_by(event, find)
        if operation == "drop_labels":
            labels.update(range(arguments["first"], arguments["last"] + 1))
    standing = [node for node in nodes if shape.has(node)]
    nodes.update(child for node in standing for child in shape.children[node])
    labels.update(label for node in standing for label in shape.labels_at[node])
    nodes.update(node for label in labels for node in shape.nodes_of[label])
    waiting = [node for node in nodes if shape.has(node)]
    while waiting:
        for parent in shape.parents[waiting.pop()]:
            if parent not in nodes:
                nodes.add(parent)
                waiting.append(parent)
    return Part(frozenset(nodes), frozenset(labels))
