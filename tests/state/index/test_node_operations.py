"""Moving, merging, dissolving, grafting and placing many: one event each, refused with a reason, undone exactly."""

from typing import Any

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import CycleError, InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Node, Tree, TreeNode

A, B, C, D, X = (LabelId(id_) for id_ in "abcdx")
ONE, TWO, THREE, FOUR = (NodeId(id_) for id_ in (2, 3, 4, 5))
TREE = Tree(
    "made",
    (TreeNode(1, "one"), TreeNode(2, "two"), TreeNode(3, "three"), TreeNode(4, "four", label_id=D)),
    ((0, 1), (0, 2), (1, 3), (2, 4), (3, 4)),
    ((3, A), (3, B), (2, C), (2, A), (4, D)),
)
START = "root\n  one\n    three [a, b]\n      four [d]\n  two [c, a]\n    four [d]"


@pytest.fixture
def made(index: Index) -> Index:
    index.add_labels([Label(id_, id_.upper()) for id_ in (A, B, C, D)])
    index.load_tree(TREE)
    return index


def drawn(index: Index) -> str:
    def lines(node: Node, depth: int) -> list[str]:
        own = ", ".join(label.id for label in index.labels_at(node.id))
        text = "  " * depth + node.name + (f" [{own}]" if own else "")
        return [text, *(line for child in index.children(node.id) for line in lines(child, depth + 1))]

    return "\n".join(lines(index.node(index.root()), 0))


def done(index: Index, call: Any, *arguments: Any) -> str:
    """Carry out one change and see that it is one event, read alike from the file, and undone exactly."""
    before, version = index.snapshot(), index.version()
    call(*arguments)
    after = drawn(index)
    assert index.version() == version + 1
    assert drawn(Index(index._database)) == after
    index.undo()
    assert (drawn(index), index.version()) == (START, version + 2)
    now = index.snapshot()
    assert (now.nodes, now.edges, now.placements) == (before.nodes, before.edges, before.placements)
    index.undo(index.version())
    assert drawn(index) == after
    return after


def test_a_node_moves_with_all_below_it(made: Index) -> None:
    assert done(made, made.move_node, THREE, TWO) == (
        "root\n  one\n  two [c, a]\n    four [d]\n    three [a, b]\n      four [d]"
    )


def test_a_node_of_two_parents_leaves_the_one_that_is_named(made: Index) -> None:
    with pytest.raises(InputError, match=r"node 5 has 2 parents, \[3, 4\]; name the one it is to leave"):
        made.move_node(FOUR, ONE)
    assert done(made, made.move_node, FOUR, ONE, THREE) == (
        "root\n  one\n    three [a, b]\n    four [d]\n  two [c, a]\n    four [d]"
    )


def test_moving_to_a_second_parent_leaves_the_first(made: Index) -> None:
    assert done(made, made.move_node, FOUR, TWO, THREE) == (
        "root\n  one\n    three [a, b]\n  two [c, a]\n    four [d]"
    )


def test_merging_joins_children_and_labels_once(made: Index) -> None:
    assert done(made, made.merge_nodes, TWO, THREE) == "root\n  one\n  two [c, a, b]\n    four [d]"


def test_merging_into_the_node_above(made: Index) -> None:
    assert done(made, made.merge_nodes, ONE, THREE) == (
        "root\n  one [a, b]\n    four [d]\n  two [c, a]\n    four [d]"
    )


def test_merging_a_node_into_its_child_puts_the_child_in_its_place(made: Index) -> None:
    assert done(made, made.merge_nodes, THREE, ONE) == (
        "root\n  two [c, a]\n    four [d]\n  three [a, b]\n    four [d]"
    )


def test_a_dissolved_node_leaves_all_to_its_parents(made: Index) -> None:
    assert done(made, made.dissolve_node, FOUR) == "root\n  one\n    three [a, b, d]\n  two [c, a, d]"
    made.undo()
    assert done(made, made.dissolve_node, ONE) == (
        "root\n  two [c, a]\n    four [d]\n  three [a, b]\n    four [d]"
    )


def test_a_graft_takes_the_labels_of_a_node_into_a_subtree(made: Index) -> None:
    subtree = Tree(
        "kmeans",
        (
            TreeNode(7, "left", "why", None, ("A",), ("in",), ("out",)),
            TreeNode(8, "right"),
            TreeNode(9, "low"),
        ),
        ((0, 7), (0, 8), (8, 9), (7, 9)),
        ((7, A), (9, B), (9, A), (0, B)),
    )
    assert done(made, made.graft, THREE, subtree) == (
        "root\n  one\n    three [b]\n      four [d]\n      left [a]\n        low [b, a]\n      right\n"
        "        low [b, a]\n  two [c, a]\n    four [d]"
    )
    left = made.children(THREE)[1]
    assert left == Node(left.id, "left", "why", ("in",), ("out",), None, ("A",))
    assert made.placements_of(A) == [TWO, left.id, NodeId(left.id + 2)]


def test_many_labels_are_placed_at_once(made: Index) -> None:
    pairs = [(A, ONE), (C, TWO), (D, ONE), (A, ONE), (B, TWO)]
    assert done(made, made.place_many, pairs) == (
        "root\n  one [a, d]\n    three [a, b]\n      four [d]\n  two [c, a, b]\n    four [d]"
    )
    version = made.version()
    made.place_many(pairs)
    made.place_many([])
    assert made.version() == version


def test_labels_placed_for_the_first_time_are_unplaced_by_undo(made: Index) -> None:
    made.add_labels([Label(X, "X")])
    made.place_many([(X, ONE), (X, TWO)])
    made.undo()
    assert (made.placements_of(X), drawn(made)) == ([], START)


def refusals(index: Index) -> list[tuple[Any, type[Exception], str]]:
    root, gone = index.root(), NodeId(99)
    some = Tree("t", (TreeNode(1, "n"),), ((0, 1),), ((1, A),))
    more = Tree("t", (TreeNode(1, "n"),), ((0, 1),), ((1, A), (1, B), (1, C)))
    ring = Tree("t", (TreeNode(1, "n"), TreeNode(2, "m")), ((0, 1), (1, 2), (2, 1)), ((1, A), (1, B)))
    return [
        (
            lambda: index.move_node(ONE, THREE),
            CycleError,
            "the nodes 'one' (2) and 'three' (4) would each be",
        ),
        (lambda: index.move_node(ONE, ONE), CycleError, "would each be below the other"),
        (lambda: index.move_node(THREE, ONE), InputError, "node 4 is under node 2 already; nothing to move"),
        (lambda: index.move_node(root, ONE), InputError, "is the root, which cannot be moved"),
        (lambda: index.move_node(THREE, TWO, TWO), InputError, "node 4 is under node 3 already"),
        (
            lambda: index.move_node(THREE, ONE, TWO),
            InputError,
            "node 4 is not under node 3; its parents are [2]",
        ),
        (lambda: index.move_node(gone, ONE), NotFoundError, "no node 99"),
        (lambda: index.move_node(ONE, gone), NotFoundError, "no node 99"),
        (lambda: index.merge_nodes(ONE, ONE), InputError, "node 2 was given twice"),
        (lambda: index.merge_nodes(ONE, root), InputError, "is the root, which cannot be removed"),
        (lambda: index.merge_nodes(FOUR, ONE), CycleError, "would each be below the other"),
        (lambda: index.merge_nodes(gone, ONE), NotFoundError, "no node 99"),
        (lambda: index.dissolve_node(root), InputError, "is the root, which cannot be removed"),
        (lambda: index.dissolve_node(gone), NotFoundError, "no node 99"),
        (lambda: index.graft(gone, some), NotFoundError, "no node 99"),
        (lambda: index.graft(THREE, some), InputError, "has no place for 1 of the labels in node 4: 'b'"),
        (
            lambda: index.graft(THREE, more),
            InputError,
            "has 1 labels that are not placed in node 4: 'c'",
        ),
        (lambda: index.graft(THREE, ring), CycleError, "parents lead back to themselves: 'n' > 'm' > 'n'"),
        (lambda: index.place_many([(A, ONE), (X, ONE)]), NotFoundError, "no label 'x'"),
        (lambda: index.place_many([(A, gone)]), NotFoundError, "no node 99"),
    ]


def test_refusals_say_why_and_change_nothing(made: Index) -> None:
    version = made.version()
    for call, kind, message in refusals(made):
        with pytest.raises(kind) as caught:
            call()
        assert message in str(caught.value)
    assert (drawn(made), made.version()) == (START, version)


def test_what_rests_on_a_patch_is_undone_first(made: Index) -> None:
    made.graft(THREE, Tree("t", (TreeNode(1, "n"),), ((0, 1),), ((1, A), (1, B))))
    (new,) = (node for node in made.children(THREE) if node.name == "n")
    made.rename_node(new.id, "renamed")
    made.move_node(THREE, TWO)
    made.place(C, [ONE])
    for event, later in ((3, 4), (2, 6)):
        with pytest.raises(InputError, match=f"event {event} cannot be undone before event {later}"):
            made.undo(EventId(event))
    for event in (5, 4, 3, 6):
        made.undo(EventId(event))
    assert drawn(made) == START


def test_a_move_is_undone_beside_a_graft_elsewhere(made: Index) -> None:
    made.move_node(THREE, TWO)
    made.graft(THREE, Tree("t", (TreeNode(1, "n"),), ((0, 1),), ((1, A), (1, B))))
    made.undo(EventId(3))
    assert drawn(made) == "root\n  one\n    three\n      four [d]\n      n [a, b]\n  two [c, a]\n    four [d]"


def test_a_change_of_several_events_is_one(made: Index, database: Database) -> None:
    with made.change("tidy up"):
        made.rename_node(ONE, "first")
        with made.change("not heard"):
            made.move_node(THREE, TWO)
    made.rename_node(TWO, "second")
    assert [(event.id, event.change, event.note) for event in made.events.list(after=EventId(2))] == [
        (3, 3, "tidy up"),
        (4, 3, "tidy up"),
        (5, 5, ""),
    ]
    made.undo()
    undone = made.undo()
    assert (drawn(made), undone.payload["event"]) == (START, 3)
    assert [(event.id, event.change, event.undone_by) for event in made.events.list(after=EventId(2))] == [
        (3, 3, 8), (4, 3, 7), (5, 5, 6), (6, 6, None), (7, 7, None), (8, 7, None),
    ]  # fmt: skip
    with pytest.raises(InputError, match="change 4 was already undone by event 7; undo that to redo it"):
        made.undo_change(EventId(4))
    made.undo_change(EventId(8))
    assert drawn(made) == "root\n  first\n  two [c, a]\n    four [d]\n    three [a, b]\n      four [d]"


def broken(index: Index) -> None:
    index.rename_node(ONE, "first")
    raise ZeroDivisionError


def notes(index: Index) -> list[tuple[int, str]]:
    return [(event.change, event.note) for event in index.events.list(after=EventId(2))]


def test_a_change_that_broke_off_is_what_was_finished(made: Index) -> None:
    with pytest.raises(ZeroDivisionError), made.change("half"):
        broken(made)
    made.rename_node(TWO, "second")
    assert notes(made) == [(3, "half"), (4, "")]


def test_a_change_number_is_not_that_of_an_event_that_was_rolled_back(
    made: Index, database: Database
) -> None:
    with made.change("kept"):
        with pytest.raises(ZeroDivisionError), database.write():
            broken(made)
        made.rename_node(TWO, "second")
        made.rename_node(ONE, "first")
    assert notes(made) == [(3, "kept"), (3, "kept")]


def test_snapshots_of_a_tree_that_was_replaced_and_came_back(made: Index) -> None:
    made.rename_node(made.root(), "everything")
    made.load_tree(Tree("flat", (TreeNode(0, "top"),), (), tuple((0, id_) for id_ in (A, B, C, D))))
    made.undo()
    made.rename_node(ONE, "first")
    made.undo()
    made.undo_change(EventId(5))
    roots = [made.snapshot(EventId(at)).nodes[made.root()].name for at in range(9)]
    assert roots == [
        "root",
        "root",
        "root",
        "everything",
        "top",
        "everything",
        "everything",
        "everything",
        "top",
    ]
    names = [
        made.snapshot(EventId(at)).nodes[ONE].name if ONE in made.snapshot(EventId(at)).nodes else None
        for at in range(9)
    ]
    assert names == [None, None, "one", "one", None, "one", "first", "one", None]
    assert made.snapshot(EventId(2)).path(FOUR) == ("two", "four")
    assert [made.snapshot(EventId(at)).method for at in (0, 2, 4)] == ["empty", "made", "flat"]
    with pytest.raises(NotFoundError, match=r"no event 99 in the index; they are 0 \(the beginning\) to 8"):
        made.snapshot(EventId(99))
