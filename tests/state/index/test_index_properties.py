"""Whatever the sequence of operations: no cycle, no orphan, no lost label, and undo restores exactly.

And a snapshot of any earlier moment shows what the index showed then.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from index_changes import dump, label_changes

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import Label, Tree, TreeNode

pytestmark = pytest.mark.slow

pick = st.integers(0, 10**6)
names = st.sampled_from(["a", "b, c", 'say "x"', "two\nlines", "🍏", "שלום"])


def shown(index: Index) -> dict[str, Any]:
    """Return of `dump` what a snapshot has, too."""
    whole = dump(index)
    return {
        "nodes": {
            id_: (node, children, parents) for id_, (node, children, parents, _) in whole["nodes"].items()
        },
        "labels_at": {id_: [label.id for label in labels] for id_, (*_, labels) in whole["nodes"].items()},
        "labels": whole["labels"],
        "retired": whole["retired"],
        "mappings": whole["mappings"],
        "nodes_of": whole["placements"],
    }


def seen(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as `shown` returns an index."""
    return {
        "nodes": {
            id_: (node, list(snapshot.children.get(id_, ())), list(snapshot.parents.get(id_, ())))
            for id_, node in snapshot.nodes.items()
        },
        "labels_at": {id_: list(snapshot.labels_at.get(id_, ())) for id_ in snapshot.nodes},
        "labels": list(snapshot.labels.values()),
        "retired": list(snapshot.retired.values()),
        "mappings": dict(snapshot.mappings),
        "nodes_of": {id_: list(snapshot.nodes_of.get(id_, ())) for id_ in snapshot.labels},
    }


STEPS: list[Any] = [
    lambda index, one, other: index.create_node(one, "new"),
    lambda index, one, other: index.create_nodes([(one, TreeNode(0, "n1")), (other, TreeNode(0, "n2"))]),
    lambda index, one, other: index.rename_node(one, "renamed"),
    lambda index, one, other: index.move_node(one, other),
    lambda index, one, other: index.merge_nodes(one, other),
    lambda index, one, other: index.dissolve_node(one),
    lambda index, one, other: index.add_edge(one, other),
    lambda index, one, other: index.place_many([(id_, one) for id_ in index.label_ids()]),
    lambda index, one, other: index.rename_labels(dict.fromkeys(index.label_ids()[:1], f"called {other}")),
]


class IndexMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.database = Database.in_memory()
        self.index = Index(self.database)
        self.next_label = 0
        self.before: list[tuple[EventId, dict[str, Any] | None]] = []
        self.now = dump(self.index)
        self.moments = {EventId(0): shown(self.index)}

    def teardown(self) -> None:
        if hasattr(self, "database"):
            for event, then in self.moments.items():
                assert seen(self.index.snapshot(event)) == then, event
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
            change = self.index.events.get(self.index.version()).change
            self.before.append((change, former))
            self.moments[self.index.version()] = shown(self.index)
            if call != self.index.load_tree:
                assert {label for label in placed if self.index.has_label(label)} <= self.placed()
            assert all(self.index.knows_id(label.id) for label in (*former["labels"], *former["retired"]))
            assert former["mappings"].keys() <= self.now["mappings"].keys() | set(self.index.label_ids())

    @rule(count=st.integers(1, 3), name=names)
    def add_labels(self, count: int, name: str) -> None:
        labels = [Label(LabelId(f"l{self.next_label + place}"), name) for place in range(count)]
        self.next_label += count
        self.change(self.index.add_labels, labels)

    @precondition(lambda self: self.now["labels"])
    @rule(labels=st.lists(pick, min_size=1, max_size=3), text=names)
    def describe_labels(self, labels: list[int], text: str) -> None:
        self.change(self.index.describe_labels, {self.label(each): text for each in labels})

    @precondition(lambda self: self.now["labels"])
    @rule(labels=st.lists(pick, min_size=1, max_size=3), name=names)
    def rename_labels(self, labels: list[int], name: str) -> None:
        self.change(self.index.rename_labels, {self.label(each): name for each in labels})

    @rule(parent=pick, name=names, words=st.lists(names, max_size=2))
    def create_node(self, parent: int, name: str, words: list[str]) -> None:
        self.change(self.index.create_node, self.node(parent), name, "why", words, words)

    @rule(parents=st.lists(pick, max_size=4), name=names, words=st.lists(names, max_size=2))
    def create_nodes(self, parents: list[int], name: str, words: list[str]) -> None:
        node = TreeNode(0, name, "why", None, tuple(words), tuple(words), tuple(words))
        self.change(self.index.create_nodes, [(self.node(parent), node) for parent in parents])

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

    @rule(node=pick, to=pick, parent=pick, named=st.booleans())
    def move_node(self, node: int, to: int, parent: int, named: bool) -> None:
        id_ = self.node(node)
        parents = self.now["nodes"][id_][2]
        from_ = parents[parent % len(parents)] if named and parents else None
        self.change(self.index.move_node, id_, self.node(to), from_)

    @rule(keep=pick, away=pick)
    def merge_nodes(self, keep: int, away: int) -> None:
        self.change(self.index.merge_nodes, self.node(keep), self.node(away))

    @rule(node=pick)
    def dissolve_node(self, node: int) -> None:
        self.change(self.index.dissolve_node, self.node(node))

    @precondition(lambda self: self.now["labels"])
    @rule(pairs=st.lists(st.tuples(pick, pick), min_size=1, max_size=6))
    def place_many(self, pairs: list[tuple[int, int]]) -> None:
        self.change(self.index.place_many, [(self.label(label), self.node(node)) for label, node in pairs])

    @rule(
        node=pick,
        parents=st.lists(st.lists(pick, min_size=1, max_size=2), max_size=4),
        places=st.lists(st.lists(pick, min_size=1, max_size=2), min_size=6, max_size=6),
        whole=st.booleans(),
    )
    def graft(self, node: int, parents: list[list[int]], places: list[list[int]], whole: bool) -> None:
        id_ = self.node(node)
        labels = [label.id for label in self.now["nodes"][id_][3]]
        nodes = tuple(
            TreeNode(key, f"g{key}", includes=("in",), excludes=("out",))
            for key in range(1, len(parents) + 1)
        )
        edges = {(above % key, key): None for key, some in enumerate(parents, start=1) for above in some}
        placements = [
            (key % (len(nodes) + 1), label)
            for at, label in enumerate(labels[: None if whole else 2])
            for key in places[at % len(places)]
        ]
        self.change(
            self.index.graft, id_, Tree("drawn", nodes, tuple(edges), tuple(dict.fromkeys(placements)))
        )

    @precondition(lambda self: self.now["labels"])
    @rule(kind=st.integers(0, 5), one=pick, other=pick, node=pick)
    def change_labels(self, kind: int, one: int, other: int, node: int) -> None:
        """Retire, restore, merge, split or move a label, or give it another id."""
        call = label_changes(self.index, one, other, self.node(node))[kind]
        self.change(call)

    @invariant()
    def each_id_leads_to_labels_that_are_answered(self) -> None:
        if hasattr(self, "index"):
            live = {label.id for label in self.now["labels"]}
            assert not live & self.now["mappings"].keys()
            for label in self.now["retired"]:
                assert not self.index.placements_of(label.id)
            for old in self.now["mappings"]:
                found = self.index.resolve(old)
                assert found.steps
                assert set(found.labels) <= live

    @rule(steps=st.lists(st.tuples(st.sampled_from(STEPS), pick, pick), min_size=1, max_size=4))
    def several_at_once(self, steps: list[tuple[Any, int, int]]) -> None:
        """Make one change of several steps, some of which may be refused."""

        def carry_out() -> None:
            with self.index.change("several"):
                for step, one, other in steps:
                    nodes = sorted(dump(self.index)["nodes"])
                    try:
                        step(self.index, nodes[one % len(nodes)], nodes[other % len(nodes)])
                    except (InputError, NotFoundError):
                        continue
                    self.moments[self.index.version()] = shown(self.index)

        self.change(carry_out)

    @precondition(lambda self: self.before)
    @rule(at=pick)
    def broken_off(self, at: int) -> None:
        """What is rolled back in the middle leaves nothing, in memory neither."""
        try:
            with self.database.write(), self.index.change("broken off"):
                self.index.create_node(self.node(at), "never")
                self.index.undo()
                self.index.dissolve_node(self.node(at))
                raise ZeroDivisionError
        except (ZeroDivisionError, InputError):
            assert dump(self.index) == self.now

    @precondition(lambda self: self.before)
    @rule()
    def undo_last(self) -> None:
        change, former = self.before.pop()
        undone = self.index.undo()
        self.now = dump(self.index)
        assert (undone.operation, self.index.events.get(undone.payload["event"]).change) == ("undo", change)
        assert former is None or self.now == former
        self.moments[self.index.version()] = shown(self.index)

    @precondition(lambda self: self.before)
    @rule()
    def undo_and_redo(self) -> None:
        undone = self.index.undo()
        self.moments[self.index.version()] = shown(self.index)
        self.index.undo_change(undone.id)
        assert dump(self.index) == self.now
        self.moments[self.index.version()] = shown(self.index)

    @precondition(lambda self: len(self.before) > 1)
    @rule(at=pick)
    def undo_any(self, at: int) -> None:
        place = at % (len(self.before) - 1)
        change = self.before[place][0]
        events = self.index.events.of_change(change)
        placed, operations = self.placed(), {event.operation for event in events}
        try:
            self.index.undo_change(change)
        except InputError:
            assert dump(self.index) == self.now
            return
        self.now = dump(self.index)
        del self.before[place]
        self.before[place:] = [(later, None) for later, _ in self.before[place:]]
        self.moments[self.index.version()] = shown(self.index)
        if not operations & {"load_tree", "place", "place_many", "put_back_label"}:
            assert {label for label in placed if self.index.has_label(label)} <= self.placed()

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
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
