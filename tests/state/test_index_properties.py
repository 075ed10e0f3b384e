"""Whatever the sequence of operations: no cycle, no orphan, no lost label, and undo restores exactly."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from taxonaut.state.database import Database
from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

pick = st.integers(0, 10**6)
names = st.sampled_from(["a", "b, c", 'say "x"', "two\nlines", "🍏", "שלום"])


def dump(index: Index) -> dict[str, Any]:
    """Return everything the index says about itself, orders included."""
    nodes: dict[NodeId, Any] = {}
    waiting = [index.root()]
    while waiting:
        id_ = waiting.pop()
        if id_ in nodes:
            continue
        children = [node.id for node in index.children(id_)]
        nodes[id_] = (
            index.node(id_),
            children,
            [node.id for node in index.parents(id_)],
            index.labels_at(id_),
        )
        waiting.extend(children)
    labels = index.all_labels()
    ids = [label.id for label in labels]
    return {
        "nodes": nodes,
        "labels": labels,
        "placements": {id_: index.placements_of(id_) for id_ in ids},
        "paths": index.paths_of(ids),
        "node_paths": index.node_paths(list(nodes)),
        "stats": index.stats(),
    }


class IndexMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.database = Database.in_memory()
        self.index = Index(self.database)
        self.next_label = 0
        self.before: list[tuple[EventId, dict[str, Any] | None]] = []
        self.now = dump(self.index)

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()

    def node(self, at: int) -> NodeId:
        ids = sorted(self.now["nodes"])
        return NodeId(ids[at % len(ids)])

    def label(self, at: int) -> LabelId:
        ids = sorted(self.now["placements"])
        return LabelId(ids[at % len(ids)])

    def placed(self) -> set[LabelId]:
        return {label for label, nodes in self.now["placements"].items() if nodes}

    def change(self, call: Any, *arguments: Any, **keywords: Any) -> None:
        """Carry out a change, which may be refused, but then changes nothing."""
        former, version, placed = self.now, self.index.version(), self.placed()
        try:
            call(*arguments, **keywords)
        except InputError:
            assert self.index.version() == version
        self.now = dump(self.index)
        if self.index.version() == version:
            assert self.now == former
        else:
            self.before.append((self.index.version(), former))
            if call != self.index.load_tree:
                assert placed <= self.placed()

    @rule(count=st.integers(1, 3), name=names)
    def add_labels(self, count: int, name: str) -> None:
        labels = [Label(LabelId(f"l{self.next_label + place}"), name) for place in range(count)]
        self.next_label += count
        self.change(self.index.add_labels, labels)

    @rule(parent=pick, name=names, words=st.lists(names, max_size=2))
    def create_node(self, parent: int, name: str, words: list[str]) -> None:
        self.change(self.index.create_node, self.node(parent), name, "why", words, words)

    @precondition(lambda self: self.now["labels"])
    @rule(parent=pick, label=pick)
    def create_label_node(self, parent: int, label: int) -> None:
        self.change(self.index.create_node, self.node(parent), "own", label_id=self.label(label))

    @rule(node=pick)
    def remove_node(self, node: int) -> None:
        self.change(self.index.remove_node, self.node(node))

    @rule(node=pick, name=names)
    def rename_node(self, node: int, name: str) -> None:
        self.change(self.index.rename_node, self.node(node), name)

    @rule(parent=pick, child=pick)
    def add_edge(self, parent: int, child: int) -> None:
        self.change(self.index.add_edge, self.node(parent), self.node(child))

    @rule(parent=pick, child=pick)
    def remove_edge(self, parent: int, child: int) -> None:
        child_id = self.node(child)
        parents = self.now["nodes"][child_id][2]
        self.change(self.index.remove_edge, parents[parent % len(parents)] if parents else child_id, child_id)

    @precondition(lambda self: self.now["labels"])
    @rule(label=pick, nodes=st.lists(pick, min_size=1, max_size=3))
    def place(self, label: int, nodes: list[int]) -> None:
        self.change(self.index.place, self.label(label), [self.node(at) for at in nodes])

    @precondition(lambda self: self.placed())
    @rule(label=pick, node=pick)
    def unplace(self, label: int, node: int) -> None:
        labels = sorted(self.placed())
        label_id = labels[label % len(labels)]
        nodes = self.now["placements"][label_id]
        self.change(self.index.unplace, label_id, nodes[node % len(nodes)])

    @rule(
        parents=st.lists(st.lists(pick, min_size=1, max_size=2), max_size=5),
        places=st.lists(st.tuples(pick, pick), max_size=6),
        unplaced=st.booleans(),
    )
    def load_tree(self, parents: list[list[int]], places: list[tuple[int, int]], unplaced: bool) -> None:
        nodes = tuple(TreeNode(key, f"n{key}", examples=("x",)) for key in range(1, len(parents) + 1))
        edges = {(above % key, key): None for key, some in enumerate(parents, start=1) for above in some}
        labels = sorted(self.now["placements"])
        placements = [(node % (len(nodes) + 1), labels[at % len(labels)]) for node, at in places if labels]
        if not unplaced:
            placements += [(0, label) for label in labels]
        tree = Tree("drawn", nodes, tuple(edges), tuple(dict.fromkeys(placements)))
        self.change(self.index.load_tree, tree, allow_unplaced=unplaced)

    @precondition(lambda self: self.before)
    @rule()
    def undo_last(self) -> None:
        event, former = self.before.pop()
        undone = self.index.undo()
        self.now = dump(self.index)
        assert (undone.operation, undone.payload["event"]) == ("undo", event)
        assert former is None or self.now == former

    @precondition(lambda self: self.before)
    @rule()
    def undo_and_redo(self) -> None:
        undone = self.index.undo()
        self.index.undo(undone.id)
        assert dump(self.index) == self.now

    @precondition(lambda self: len(self.before) > 1)
    @rule(at=pick)
    def undo_any(self, at: int) -> None:
        place = at % (len(self.before) - 1)
        event = self.before[place][0]
        placed, operation = self.placed(), self.index.events.get(event).operation
        try:
            self.index.undo(event)
        except InputError:
            assert dump(self.index) == self.now
            return
        self.now = dump(self.index)
        del self.before[place]
        self.before[place:] = [(later, None) for later, _ in self.before[place:]]
        if operation not in ("load_tree", "place"):
            assert placed <= self.placed()

    @invariant()
    def what_is_kept_in_memory_is_what_the_file_says(self) -> None:
        if hasattr(self, "index"):
            assert dump(Index(self.database)) == self.now

    @invariant()
    def no_cycle_and_no_orphan(self) -> None:
        if not hasattr(self, "index"):
            return
        nodes = self.now["nodes"]
        assert self.now["stats"].nodes == len(nodes) - 1
        done: set[NodeId] = set()
        while len(done) < len(nodes):
            ready = {id_ for id_ in nodes if id_ not in done and set(nodes[id_][2]) <= done}
            assert ready, "a cycle"
            done |= ready


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
