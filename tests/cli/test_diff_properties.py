"""Whatever was done in between: a diff tells all of it and nothing else, and can be drawn."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.cli.index.diff_view import SideBySide, diff_row, print_diff
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.diff import IndexDiff, diff
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
        lambda: index.add_labels([Label(LABELS[5], "f")]),
        lambda: index.load_tree(
            Tree("flat", parts, ((0, 1), (0, 2)), tuple((1, id_) for id_ in index.label_ids()))
        ),
        lambda: index.rename_labels({LABELS[other % 5]: f"called {one % 3}"}),
        lambda: index.undo(),
    ]
    try:
        calls[kind]()
    except (InputError, NotFoundError):
        return


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), numbers, numbers), max_size=8))
def test_a_diff_tells_all_and_can_be_drawn(steps: list[tuple[int, int, int]]) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        start(index)
        before = index.snapshot()
        for each in steps:
            step(index, *each)
        after = index.snapshot()
        for one, other in ((before, after), (after, before)):
            found = diff(one, other)
            rows = list(SideBySide(found, one, other).rows())
            assert len(rows) > 1 or not found.inserted + found.removed
            diff_row(found)
            print_diff(found)
            there = dict(found.matched) if found.replaced else {id_: id_ for id_ in one.nodes}
            gone = {entry.node.id for entry in found.removed} | {entry.node.id for entry in found.merged}
            assert gone == set(one.nodes) - {id_ for id_ in there if there[id_] in other.nodes}
            assert all(split.into and split.labels for split in found.split)
            assert {node.id for node in found.inserted} == set(other.nodes) - set(there.values())
            assert placed(found, one.nodes_of, there) == {
                key: set(nodes) for key, nodes in other.nodes_of.items()
            }
        assert diff(after, after).is_empty


def placed(found: IndexDiff, nodes_of: Any, there: dict[Any, Any]) -> dict[LabelId, set[int]]:
    """Carry a diff's label changes out on the placements before it."""
    lost = {(label.id, node.id) for label in (*found.labels_moved, *found.labels_gone) for node in label.lost}
    now = {id_: {there[node] for node in nodes if (id_, node) not in lost} for id_, nodes in nodes_of.items()}
    for label in (*found.labels_moved, *found.labels_inserted):
        now.setdefault(label.id, set()).update(node.id for node in label.gained)
    return {id_: nodes for id_, nodes in now.items() if nodes}
