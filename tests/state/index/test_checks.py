"""A tree that would break the index is refused, and the message names the place."""

import pytest

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

A, B, X = LabelId("a"), LabelId("b"), LabelId("x")
ONE, TWO, THREE = TreeNode(1, "one"), TreeNode(2, "two"), TreeNode(3, "three")
ALL = ((0, A), (0, B))

BROKEN = {
    "two keys": (
        Tree("t", (ONE, TreeNode(1, "again")), ((0, 1),), ALL),
        "the tree has two nodes with key 1; give each node a unique key",
    ),
    "no name": (
        Tree("t", (TreeNode(1, " "),), ((0, 1),), ALL),
        "node 1 of the tree has no name; give each node a name",
    ),
    "unknown node": (
        Tree("t", (ONE,), ((0, 1), (7, 1)), ALL),
        "the tree names node 7, which is not among its nodes; add it",
    ),
    "edge twice": (
        Tree("t", (ONE,), ((0, 1), (0, 1)), ALL),
        "the tree has the edge (0, 1) twice; give each edge once",
    ),
    "orphan": (
        Tree("t", (ONE, TWO), ((0, 1),), ALL),
        "node 'two' of the tree has no parent; put it under another node or the root",
    ),
    "unknown label": (
        Tree("t", (TreeNode(1, "one", label_id=X),), ((0, 1),), ALL),
        "the tree names 1 labels that the index does not have: 'x'; add them first",
    ),
    "lost label": (
        Tree("t", (ONE,), ((0, 1),), ((1, A),)),
        "the tree has no place for 1 of the index's labels: 'b'; "
        "place each label in at least one node, or load it with allow_unplaced=True",
    ),
}
CYCLES = {
    "of three": (
        Tree("t", (ONE, TWO, THREE), ((0, 1), (1, 2), (2, 3), (3, 2)), ALL),
        "parents lead back to themselves: 'two' > 'three' > 'two'; remove one of these edges",
    ),
    "of itself": (
        Tree("t", (ONE,), ((0, 1), (1, 1)), ALL),
        "parents lead back to themselves: 'one' > 'one'; remove one of these edges",
    ),
    "through the root": (
        Tree("t", (ONE,), ((0, 1), (1, 0)), ALL),
        "parents lead back to themselves: 'root' > 'one' > 'root'; remove one of these edges",
    ),
}


@pytest.fixture
def labelled(index: Index) -> Index:
    index.add_labels([Label(A, "A"), Label(B, "B")])
    return index


@pytest.mark.parametrize("case", BROKEN)
def test_broken_trees(labelled: Index, case: str) -> None:
    tree, message = BROKEN[case]
    with pytest.raises(InputError) as caught:
        labelled.load_tree(tree)
    assert (str(caught.value), labelled.version()) == (message, 1)


@pytest.mark.parametrize("case", CYCLES)
def test_cycles(labelled: Index, case: str) -> None:
    tree, message = CYCLES[case]
    with pytest.raises(CycleError) as caught:
        labelled.load_tree(tree)
    assert (str(caught.value), labelled.version()) == (message, 1)


def test_labels_may_be_left_out_on_request(labelled: Index) -> None:
    labelled.load_tree(Tree("t", (ONE,), ((0, 1),), ((1, A), (1, A))), allow_unplaced=True)
    assert (labelled.placements_of(A), labelled.placements_of(B)) == ([2], [])
    assert labelled.stats().labels_unplaced == 1


def test_many_lost_labels_are_counted_and_some_are_named(index: Index) -> None:
    index.add_labels([Label(LabelId(f"l{number}"), "x") for number in range(9)])
    with pytest.raises(InputError) as caught:
        index.load_tree(Tree("t", (), (), ()))
    assert str(caught.value).startswith(
        "the tree has no place for 9 of the index's labels: 'l0', 'l1', 'l2', 'l3', 'l4', …; place each"
    )
