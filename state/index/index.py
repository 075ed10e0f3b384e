"""The label index: labels in a DAG of nodes, read from memory, changed by undoable events."""

from collections.abc import Mapping, Sequence

from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index import bulk_operations, node_operations
from taxonaut.state.index.label_operations import LabelIndex
from taxonaut.state.index.operations import Arguments, Editor, node_row
from taxonaut.state.records import Label, Tree, TreeNode


class Index(LabelIndex):
    """A directed acyclic graph of nodes below one root, and labels placed in them.

    Invariants after any sequence of calls: no cycle, every node is reachable from the root, a placed label keeps at
    least one place, and `undo` restores exactly. Each call is one transaction and one event; `change` groups several
    into one change.
    """

    def add_labels(self, labels: Sequence[Label]) -> None:
        """Add labels without placing them. Raises InputError for a repeated or known id, or an empty name."""
        if labels:
            self._change("add_labels", lambda editor: bulk_operations.number_labels(editor, labels))

    def describe_labels(self, descriptions: Mapping[LabelId, str]) -> None:
        """Change descriptions of labels, as one event; unchanged ones are skipped."""
        known = self.labels(list(descriptions))
        new = {
            label.id: descriptions[label.id] for label in known if label.description != descriptions[label.id]
        }
        if new:
            rows = [[label, text] for label, text in new.items()]
            self._change("describe_labels", lambda _: {"descriptions": rows})

    def rename_labels(self, names: Mapping[LabelId, str]) -> None:
        """Rename labels, with whitespace collapsed, as one event; unchanged ones are skipped.

        A node that is one of the labels keeps its name. Raises InputError for an empty name.
        """
        clean = {label: " ".join(name.split()) for label, name in names.items()}
        nameless = next((label for label, name in clean.items() if not name), None)
        if nameless is not None:
            raise InputError(f"label name must not be empty: {names[nameless]!r} was given for {nameless!r}")
        rows = [
            [label.id, clean[label.id]] for label in self.labels(list(clean)) if label.name != clean[label.id]
        ]
        if rows:
            self._change("rename_labels", lambda _: {"names": rows})

    def load_tree(self, tree: Tree, *, allow_unplaced: bool = False) -> EventId:
        """Replace the whole tree.

        Raises CycleError for a cycle, InputError for an orphan, an unknown label or (unless `allow_unplaced`) a label
        of the index that is not placed in the tree.
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
        """Create a node as the last child of `parent`. Its label, if any, is not placed by this."""
        if not name.strip():
            raise InputError(f"node name must not be empty: {name!r} was given")

        def arguments(editor: Editor) -> Arguments:
            id_ = NodeId(editor.next_ids("node"))
            row = node_row(
                id_, name, description, tuple(includes), tuple(excludes), label_id, tuple(examples)
            )
            at = editor.next_ids("position")
            return {"node": row, "parents": [[parent, at]], "children": [], "placements": []}

        event = self._change("create_node", arguments)
        return NodeId(event.payload["node"]["id"])

    def create_nodes(self, pairs: Sequence[tuple[NodeId, TreeNode]]) -> list[NodeId]:
        """Create many nodes as one event, each as the last child of its parent; return their ids in order."""
        if not pairs:
            return []
        nameless = next((node for _, node in pairs if not node.name.strip()), None)
        if nameless is not None:
            raise InputError(f"node name must not be empty: {nameless.name!r} was given")
        event = self._record("create_nodes", lambda editor: node_operations.create_nodes(editor, pairs))
        first = int(event.payload["first"])
        return [NodeId(first + row) for row in range(len(pairs))]

    def remove_node(self, node: NodeId) -> None:
        """Remove a node. Raises InputError for the root, or if a node would be orphaned or a label lost."""
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
        """Change the given texts of a node."""
        lists = {"includes": includes, "excludes": excludes, "examples": examples}
        fields: Arguments = {"name": name, "description": description}
        fields |= {key: None if value is None else list(value) for key, value in lists.items()}
        fields = {key: value for key, value in fields.items() if value is not None}
        if fields:
            self._change("edit_node", lambda _: {"node": node, "fields": fields})

    def rename_node(self, node: NodeId, name: str) -> None:
        """Rename a node."""
        self.edit_node(node, name=name)

    def add_edge(self, parent: NodeId, child: NodeId) -> None:
        """Add a parent to `child`. Raises CycleError if `parent` is `child` or below it."""
        self._change(
            "add_edge",
            lambda editor: {"parent": parent, "child": child, "position": editor.next_ids("position")},
        )

    def remove_edge(self, parent: NodeId, child: NodeId) -> None:
        """Remove a parent from `child`. Raises InputError if that is its last parent."""
        self._change("remove_edge", lambda _: {"parent": parent, "child": child})

    def place(self, label: LabelId, nodes: Sequence[NodeId]) -> None:
        """Place a label in nodes; existing placements are skipped."""
        there = set(self.placements_of(label))
        new = [node for node in dict.fromkeys(nodes) if node not in there]
        if not new:
            return

        def arguments(editor: Editor) -> Arguments:
            first = editor.next_ids("position", len(new))
            return {"label": label, "nodes": [[node, first + place] for place, node in enumerate(new)]}

        self._change("place", arguments)

    def unplace(self, label: LabelId, node: NodeId) -> None:
        """Remove a label from a node. Raises InputError if that is its last place."""
        self._change("unplace", lambda _: {"label": label, "nodes": [node], "may_lose": False})

    def place_many(self, pairs: Sequence[tuple[LabelId, NodeId]]) -> None:
        """Place many labels as one event; existing placements are skipped."""
        with self._database.write() as connection:
            new = node_operations.missing_placements(Editor(self._database, self._view, connection), pairs)
            if new:
                self._record("place_many", lambda editor: node_operations.place_many(editor, new))

    def move_node(self, node: NodeId, to: NodeId, from_: NodeId | None = None) -> None:
        """Move a node with its subtree from one parent to another, as the last child.

        `from_` is the parent it leaves, required if it has several. Raises CycleError if `to` is the node or below
        it, InputError if the node is there already.
        """
        self._record("move_node", lambda editor: node_operations.move_node(editor, node, to, from_))

    def merge_nodes(self, keep: NodeId, away: NodeId) -> None:
        """Move the children and labels of `away` to `keep`, and remove `away`.

        `keep` keeps its position and texts; if it is a child of `away`, it takes its position. Raises CycleError if
        another child of `away` has `keep` below it.
        """
        self._record("merge_nodes", lambda editor: node_operations.merge_nodes(editor, keep, away))

    def dissolve_node(self, node: NodeId) -> None:
        """Remove a node; its children and labels move to each of its parents."""
        self._record("dissolve_node", lambda editor: node_operations.dissolve_node(editor, node))

    def graft(self, node: NodeId, tree: Tree) -> None:
        """Move the labels placed in a node into a subtree below it, whose key 0 is the node.

        The tree's placements must cover exactly the labels at the node; a label may stay in it (key 0). The node
        keeps its texts. The cost depends on the size of the subtree, not of the index. Raises InputError for a
        missing or foreign label, and the errors of `load_tree`.
        """
        self._record("graft", lambda editor: node_operations.graft(editor, node, tree))

    def graft_many(self, trees: Mapping[NodeId, Tree]) -> None:
        """Graft subtrees below several nodes, as one event; see `graft`."""
        if trees:
            self._record("graft_many", lambda editor: node_operations.graft_many(editor, trees))
