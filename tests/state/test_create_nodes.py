"""Many nodes made as one event: where they stand, what is kept of it, and undo."""

from typing import Any

import pytest

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, Tree, TreeNode

ROOT, PENS, PAPER = NodeId(1), NodeId(2), NodeId(3)
GEL = TreeNode(0, "Gel pens", "gel ink", None, ("Pilot G2",), ("rollerballs",), ("ink",))
MADE = [(PENS, GEL), (ROOT, TreeNode(9, "Tape")), (PENS, TreeNode(9, "Fountain pens"))]


@pytest.fixture
def index(index: Index) -> Index:
    """Root > Pens, Paper."""
    index.load_tree(Tree("vocabulary", (TreeNode(1, "Pens"), TreeNode(2, "Paper")), ((0, 1), (0, 2)), ()))
    return index


def shown(index: Index) -> Any:
    """A snapshot without its version."""
    snapshot = index.snapshot()
    return snapshot.tree, snapshot.method, snapshot.nodes, snapshot.edges


def names(index: Index, node: NodeId) -> list[str]:
    return [child.name for child in index.children(node)]


def test_nodes_stand_behind_their_parents_other_children_in_order(index: Index) -> None:
    assert index.create_nodes(MADE) == [4, 5, 6]
    assert names(index, ROOT) == ["Pens", "Paper", "Tape"]
    assert names(index, PENS) == ["Gel pens", "Fountain pens"]
    assert index.node(NodeId(4)) == Node(
        NodeId(4), "Gel pens", "gel ink", ("rollerballs",), ("ink",), None, ("Pilot G2",)
    )
    assert index.snapshot().edges == ((1, 2), (1, 3), (2, 4), (1, 5), (2, 6))
    index.create_node(PENS, "Crayons")
    assert names(index, PENS) == ["Gel pens", "Fountain pens", "Crayons"]


def test_it_is_one_event_and_undone_and_done_again_as_one(index: Index) -> None:
    before, version = shown(index), index.version()
    index.create_nodes(MADE)
    after = shown(index)
    (event,) = index.events.list(version)
    assert (event.id, event.operation) == (version + 1, "create_nodes")
    assert event.payload == {"parents": [2, 1], "first": 4, "count": 3}
    undone = index.undo()
    assert shown(index) == before
    index.undo(undone.id)
    assert shown(index) == after
    assert index.snapshot(version).nodes == before[2]
    assert index.snapshot(EventId(version + 1)).nodes == after[2]


def test_numbers_are_not_given_out_twice(index: Index) -> None:
    assert index.create_nodes(MADE) == [4, 5, 6]
    index.undo()
    assert index.create_nodes(MADE[:1]) == [7]


def test_undo_is_refused_while_something_rests_on_them(index: Index) -> None:
    index.create_nodes(MADE)
    made = index.events.list(index.version() - 1)[0]
    index.create_node(NodeId(4), "Fine")
    with pytest.raises(InputError, match=r"^event 2 cannot be undone before event 3"):
        index.undo_change(made.change)
    assert names(index, PENS) == ["Gel pens", "Fountain pens"]


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([(ROOT, TreeNode(0, " "))], InputError, "node name must not be empty: ' ' was given"),
        ([*MADE, (NodeId(99), GEL)], NotFoundError, "no node 99 in the index"),
        ([(NodeId(4), GEL), (ROOT, GEL)], NotFoundError, "no node 4 in the index"),
    ],
)
def test_all_or_nothing(index: Index, pairs: Any, error: type[Exception], message: str) -> None:
    before, version = shown(index), index.version()
    with pytest.raises(error) as caught:
        index.create_nodes(pairs)
    assert str(caught.value).startswith(message)
    assert (shown(index), index.version()) == (before, version)


def test_nothing_to_make_is_no_event(index: Index) -> None:
    version = index.version()
    assert index.create_nodes([]) == []
    assert index.version() == version
