"""The index: labels in a tree of nodes, read from memory, changed by events that can be undone."""

from collections.abc import Callable, Sequence

from taxonaut.state import bulk_operations, operations
from taxonaut.state.database import Database
from taxonaut.state.editor import Editor
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.events import Events
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index_read import IndexReader
from taxonaut.state.operations import Arguments, Done, Operation, Step, node_row
from taxonaut.state.records import Event, Label, Tree
from taxonaut.state.undo_rules import rests_on

_OPERATIONS: dict[str, Operation] = {
    "create_node": operations.create_node,
    "remove_node": operations.remove_node,
    "edit_node": operations.edit_node,
    "add_edge": operations.add_edge,
    "remove_edge": operations.remove_edge,
    "place": operations.place,
    "unplace": operations.unplace,
    "add_labels": bulk_operations.add_labels,
    "drop_labels": bulk_operations.drop_labels,
    "switch_tree": bulk_operations.switch_tree,
}
_WITHOUT_TREE = frozenset({"add_labels", "drop_labels"})


class Index(IndexReader):
    """A directed acyclic graph of nodes below one root, and labels placed in them.

    Whatever is called in whatever order: no cycle, no node that the root does not reach, no placed label
    that loses its last place, and `undo` restores exactly. Each change is one transaction and one event.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.events = Events(database)

    def add_labels(self, labels: Sequence[Label]) -> None:
        """Add labels, placed nowhere yet. Raises InputError for an id given twice or known, or no name."""
        if labels:
            self._change("add_labels", lambda editor: bulk_operations.new_labels(editor, labels))

    def load_tree(self, tree: Tree, *, allow_unplaced: bool = False) -> EventId:
        """Replace the whole tree by another.

        Raises CycleError for a cycle, InputError for an orphan, an unknown label or (unless
        `allow_unplaced`) a label of the index without a place in the tree.
        """
        event = self._record(
            "load_tree", lambda editor: bulk_operations.load_tree(editor, tree, allow_unplaced)
        )
        return event.id

    def create_node(
        self,
        parent: NodeId,
        name: str,
        description: str = "",
        includes: Sequence[str] = (),
        excludes: Sequence[str] = (),
        *,
        label_id: LabelId | None = None,
        examples: Sequence[str] = (),
    ) -> NodeId:
        """Make a node under `parent`, after its other children. Its label, if any, is not placed by this."""
        if not name.strip():
            raise InputError(f"a node was given the name {name!r}; give it one with letters")

        def arguments(editor: Editor) -> Arguments:
            id_ = NodeId(editor.give_out("node"))
            row = node_row(
                id_, name, description, tuple(includes), tuple(excludes), label_id, tuple(examples)
            )
            at = editor.give_out("position")
            return {"node": row, "parents": [[parent, at]], "children": [], "placements": []}

        event = self._change("create_node", arguments)
        return NodeId(event.payload["node"]["id"])

    def remove_node(self, node: NodeId) -> None:
        """Remove a node. Raises InputError if that orphans a node or loses a label, or for the root."""
        self._change("remove_node", lambda _: {"node": node})

    def edit_node(
        self,
        node: NodeId,
        *,
        name: str | None = None,
        description: str | None = None,
        includes: Sequence[str] | None = None,
        excludes: Sequence[str] | None = None,
        examples: Sequence[str] | None = None,
    ) -> None:
        """Change the texts of a node that are given."""
        lists = {"includes": includes, "excludes": excludes, "examples": examples}
        fields: Arguments = {"name": name, "description": description}
        fields |= {key: None if value is None else list(value) for key, value in lists.items()}
        fields = {key: value for key, value in fields.items() if value is not None}
        if fields:
            self._change("edit_node", lambda _: {"node": node, "fields": fields})

    def rename_node(self, node: NodeId, name: str) -> None:
        """Give a node another name."""
        self.edit_node(node, name=name)

    def add_edge(self, parent: NodeId, child: NodeId) -> None:
        """Put `child` under one more parent. Raises CycleError if `parent` is below `child` or is it."""
        self._change(
            "add_edge",
            lambda editor: {"parent": parent, "child": child, "position": editor.give_out("position")},
        )

    def remove_edge(self, parent: NodeId, child: NodeId) -> None:
        """Take `child` from under a parent. Raises InputError if that is its last parent."""
        self._change("remove_edge", lambda _: {"parent": parent, "child": child})

    def place(self, label: LabelId, nodes: Sequence[NodeId]) -> None:
        """Place a label in nodes; those that have it already are passed over."""
        there = set(self.placements_of(label))
        new = [node for node in dict.fromkeys(nodes) if node not in there]
        if not new:
            return

        def arguments(editor: Editor) -> Arguments:
            first = editor.give_out("position", len(new))
            return {"label": label, "nodes": [[node, first + place] for place, node in enumerate(new)]}

        self._change("place", arguments)

    def unplace(self, label: LabelId, node: NodeId) -> None:
        """Take a label out of a node. Raises InputError if that is its last place."""
        self._change("unplace", lambda _: {"label": label, "nodes": [node], "may_lose": False})

    def undo(self, event: EventId | None = None) -> Event:
        """Take back an event, the last that stands if none is given, and return the event that did.

        Undoing an undo does its event again. Raises InputError if later changes rest on the event.
        """
        with self._database.write():
            target = self.events.last_standing() if event is None else self.events.get(event)
            if target.undone_by is not None:
                raise InputError(f"event {target.id!r} was undone by event {target.undone_by!r} already")
            try:
                done = self._take_back(target)
            except NotFoundError as error:
                raise InputError(f"event {target.id!r} cannot be undone any more: {error}") from error
            self.events.mark(target.id, done.id)
            if target.operation == "undo":
                self.events.mark(EventId(target.payload["event"]), None)
            return done

    def _take_back(self, target: Event) -> Event:
        inverse = Step(target.inverse["operation"], dict(target.inverse["arguments"]))
        if inverse.operation == "unplace":
            inverse.arguments["may_lose"] = target.operation == "place"
        self._check_undoable(target, inverse)
        return self._record("undo", lambda editor: _undone(target, inverse, editor), inverse.operation)

    def _check_undoable(self, target: Event, inverse: Step) -> None:
        numbers = self._view.labels.numbers
        for later in self.events.standing_after(target.id):
            if rests_on(later, target, numbers.get):
                raise InputError(
                    f"event {target.id!r} cannot be undone before event {later.id!r}, which may rest on it; "
                    "undo that first"
                )
        tree, current = self.events.tree_of(target.id), self._view.shape.tree
        if tree is None:
            return
        if tree != current:
            raise InputError(
                f"event {target.id!r} changed a tree that does not stand now; "
                "take back the later load_tree or undo first"
            )
        if inverse.operation == "edit_node":
            self._check_not_edited_again(target)

    def _check_not_edited_again(self, target: Event) -> None:
        node = self.node(NodeId(target.payload["node"]))
        for name, value in target.payload["fields"].items():
            now = getattr(node, name)
            if (list(now) if isinstance(now, tuple) else now) != value:
                raise InputError(
                    f"the {name} of node {node.id!r} was changed after event {target.id!r}; undo that first"
                )

    def _change(self, operation: str, arguments: Callable[[Editor], Arguments]) -> Event:
        return self._record(operation, lambda editor: _OPERATIONS[operation](editor, arguments(editor)))

    def _record(self, name: str, step: Callable[[Editor], Done], operation: str = "") -> Event:
        with self._database.write() as connection:
            done = step(Editor(self._database, self._view, connection))
            tree = None if (operation or name) in _WITHOUT_TREE else self._view.shape.tree
            return self.events.add(name, done, tree)


def _undone(target: Event, inverse: Step, editor: Editor) -> Done:
    done = _OPERATIONS[inverse.operation](editor, inverse.arguments)
    return Done({**done.payload, "event": target.id, "operation": inverse.operation}, done.inverse)
