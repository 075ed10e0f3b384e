"""What changed since an event is the same whether the whole index is compared or only what was touched."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.diff import diff
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

pytestmark = pytest.mark.slow

LABELS = [LabelId(id_) for id_ in "abcdef"]
PARENTS = [0, 0, 1, 1, 2]
numbers = st.integers(0, 10**6)


def start(index: Index) -> None:
    index.add_labels([Label(id_, id_) for id_ in LABELS[:5]])
    nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, 6))
    edges = tuple((parent, key) for key, parent in enumerate(PARENTS, start=1))
    index.load_tree(Tree("made", nodes, edges, tuple((key, id_) for key, id_ in enumerate(LABELS[:5]))))


def step(index: Index, kind: int, one: int, other: int) -> None:
    nodes = list(index.snapshot().nodes)
    here, there = nodes[one % len(nodes)], nodes[other % len(nodes)]
    labels = index.labels_under([here])[here]
    parts = (TreeNode(1, "x"), TreeNode(2, "y"))
    subtree = Tree("t", parts, ((0, 1), (1, 2)), tuple((at % 3, id_) for at, id_ in enumerate(labels)))
    calls: list[Any] = [
        lambda: index.create_node(here, "new"),
        lambda: index.rename_node(here, f"called {other % 5}"),
        lambda: index.move_node(here, there),
        lambda: index.merge_nodes(here, there),
        lambda: index.dissolve_node(here),
        lambda: index.graft(here, subtree),
        lambda: index.place(LABELS[other % 5], [here]),
        lambda: index.unplace(LABELS[other % 5], here),
        lambda: index.add_edge(here, there),
        lambda: index.remove_edge(here, there),
        lambda: index.add_labels([Label(LABELS[5], "f")]),
        lambda: index.describe_labels({LABELS[other % 5]: f"text {one % 3}"}),
        lambda: index.rename_labels({LABELS[other % 5]: f"called {one % 3}"}),
        lambda: index.undo(),
        lambda: index.undo(EventId(1 + other % index.version())),
        lambda: index.load_tree(
            Tree("flat", parts, ((0, 1), (0, 2)), tuple((1, id_) for id_ in index.label_ids()))
        ),
    ]
    try:
        calls[kind]()
    except (InputError, NotFoundError):
        return


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), numbers, numbers), max_size=6), numbers)
def test_what_was_touched_tells_all(steps: list[tuple[int, int, int]], since: int) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        start(index)
        for each in steps:
            step(index, *each)
        event = EventId(since % (index.version() + 1))
        assert index.diff_since(event) == diff(index.snapshot(event), index.snapshot())


def test_inside_a_transaction_it_tells_what_is_not_written_yet(index: Index, database: Database) -> None:
    start(index)
    before = index.version()
    try:
        with database.write():
            index.rename_node(NodeId(2), "Garments")
            found = index.diff_since(before)
            raise RuntimeError
    except RuntimeError:
        assert [edit.texts for edit in found.edited] == [{"name": ("n1", "Garments")}]
    assert index.diff_since(before).is_empty
    assert index.node(NodeId(2)).name == "n1"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), numbers, numbers), max_size=4), st.integers(0, 3))
def test_a_trial_leaves_the_index_as_it_was(steps: list[tuple[int, int, int]], before: int) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        start(index)
        for each in steps[:before]:
            step(index, *each)
        known = seen(index)
        with index.preserve_cache(), suppress(ZeroDivisionError), database.write():
            for each in steps[before:]:
                step(index, *each)
            raise ZeroDivisionError
        assert seen(index) == known == seen(Index(database))
        index.create_node(index.root(), "after it")
        assert seen(index) == seen(Index(database))


def seen(index: Index) -> dict[str, Any]:
    nodes = list(index.snapshot().nodes)
    labels = index.label_ids()
    return {
        "version": index.version(),
        "children": index.children_of(nodes),
        "parents": {node: index.parents(node) for node in nodes},
        "labels": index.labels(labels),
        "places": {label: index.placements_of(label) for label in labels},
        "paths": index.paths_of(labels),
        "under": index.labels_under(nodes),
    }
