"""What items got: put, replaced, read back, and kept apart for each tree."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings

RUN = RunId(1)
TREE = Tree("vocabulary", (TreeNode(1, "Pens"), TreeNode(2, "Paper")), ((0, 1), (0, 2)), ())


def tagging(item: str, *path: int, others: tuple[int, ...] = ()) -> Tagging:
    return Tagging(ItemId(item), tuple(map(NodeId, path)), tuple(map(NodeId, others)))


def test_taggings_come_back_as_they_were_put(database: Database) -> None:
    tags = Taggings(database)
    given = [tagging("it's \U0001f34f", 2, 7, 9, others=(4, 3)), tagging("b", 2), tagging("none")]
    tags.put(RUN, given)
    assert list(tags.all()) == given
    assert tags.get([ItemId("none"), ItemId("b"), ItemId("never")]) == {"b": given[1], "none": given[2]}
    assert (tags.get([]), len(tags)) == ({}, 3)


def test_an_error_is_the_run_s_and_not_kept_here(database: Database) -> None:
    tags = Taggings(database)
    tags.put(RUN, [Tagging(ItemId("a"), (NodeId(2),), error="no call")])
    assert list(tags.all()) == [tagging("a", 2)]


def test_what_an_item_had_before_is_replaced_and_stands_last(database: Database) -> None:
    tags = Taggings(database)
    tags.put(RUN, [tagging("a", 2), tagging("b", 3), tagging("c", 2)])
    tags.put(RunId(2), [tagging("b", 3, 5, others=(2,)), tagging("d", 2)])
    tags.put(RunId(3), [])
    assert list(tags.all()) == [
        tagging("a", 2),
        tagging("c", 2),
        tagging("b", 3, 5, others=(2,)),
        tagging("d", 2),
    ]


def test_of_two_taggings_of_one_item_the_last_counts(database: Database) -> None:
    tags = Taggings(database)
    tags.put(RUN, [tagging("a", 2), tagging("b", 3), tagging("a", 4)])
    assert list(tags.all()) == [tagging("a", 4), tagging("b", 3)]
    assert (tags.get([ItemId("a")]), len(tags)) == ({"a": tagging("a", 4)}, 2)


def test_each_tree_keeps_its_own_and_undo_brings_them_back(database: Database) -> None:
    index, tags = Index(database), Taggings(database)
    index.load_tree(TREE)
    tags.put(RUN, [tagging("a", 2), tagging("b", 3)])
    index.load_tree(TREE)
    assert (list(tags.all()), tags.get([ItemId("a")]), len(tags)) == ([], {}, 0)
    tags.put(RunId(2), [tagging("a", 5)])
    assert list(tags.all()) == [tagging("a", 5)]
    undone = index.undo()
    assert list(tags.all()) == [tagging("a", 2), tagging("b", 3)]
    tags.put(RunId(3), [tagging("b", 2)])
    index.undo(undone.id)
    assert list(tags.all()) == [tagging("a", 5)]
    index.undo()
    assert list(tags.all()) == [tagging("a", 2), tagging("b", 2)]


def test_a_change_within_the_tree_leaves_them_alone(database: Database) -> None:
    index, tags = Index(database), Taggings(database)
    index.load_tree(TREE)
    tags.put(RUN, [tagging("a", 2), tagging("b", 3)])
    index.create_nodes([(NodeId(2), TreeNode(0, "Gel pens"))])
    index.remove_node(NodeId(3))
    assert list(tags.all()) == [tagging("a", 2), tagging("b", 3)]


def test_what_is_rolled_back_was_never_there(database: Database) -> None:
    tags = Taggings(database)
    tags.put(RUN, [tagging("a", 2)])
    try:
        with database.write():
            tags.put(RunId(2), [tagging("a", 3), tagging("b", 3)])
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert list(tags.all()) == [tagging("a", 2)]


puts = st.lists(
    st.lists(st.tuples(st.sampled_from("abcd"), st.lists(st.integers(2, 9), max_size=3)), max_size=4),
    min_size=1,
    max_size=4,
)


def test_the_latest_of_each_item_counts_whatever_is_put() -> None:
    with Database.in_memory() as database:
        index, tags = Index(database), Taggings(database)

        @settings(max_examples=8, deadline=None)
        @given(puts)
        def check(rounds: list[list[tuple[str, list[int]]]]) -> None:
            index.load_tree(Tree("vocabulary", (), (), ()))
            latest: dict[str, Tagging] = {}
            for run, rows in enumerate(rounds):
                tags.put(RunId(run), [tagging(item, *path) for item, path in rows])
                latest |= {item: tagging(item, *path) for item, path in rows}
            assert tags.get([ItemId(item) for item in "abcd"]) == latest
            assert {each.item_id: each for each in tags.all()} == latest
            assert len(tags) == len(latest)

        check()
