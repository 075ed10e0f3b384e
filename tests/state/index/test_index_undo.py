"""Undo takes back one change exactly, does it again when undone itself, and refuses what others rest on."""

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId
from taxonaut.state.index.history import Events
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

A, B = LabelId("a"), LabelId("b")


@pytest.fixture
def small(index: Index) -> Index:
    index.add_labels([Label(A, "A"), Label(B, "B", "the second", "later")])
    nodes = (TreeNode(1, "one"), TreeNode(2, "two"))
    index.load_tree(Tree("made", nodes, ((0, 1), (0, 2)), ((1, A), (2, B))))
    return index


def names(index: Index) -> list[str]:
    return [node.name for node in index.children(index.root())]


def log(database: Database) -> list[tuple[int, str, str, int | None]]:
    events = Events(database).list()
    return [(event.id, event.operation, event.inverse["operation"], event.undone_by) for event in events]


def test_every_change_is_an_event_beside_its_inverse(small: Index, database: Database) -> None:
    new = small.create_node(small.root(), "new")
    small.rename_node(new, "renamed")
    small.place(A, [new])
    small.unplace(A, new)
    small.remove_node(new)
    assert log(database) == [
        (1, "add_labels", "drop_labels", None),
        (2, "load_tree", "switch_tree", None),
        (3, "create_node", "remove_node", None),
        (4, "edit_node", "edit_node", None),
        (5, "place", "unplace", None),
        (6, "unplace", "place", None),
        (7, "remove_node", "create_node", None),
    ]
    event = Events(database).get(EventId(4))
    assert event.payload == {"node": new, "fields": {"name": "renamed"}}
    assert event.inverse == {"operation": "edit_node", "arguments": {"node": new, "fields": {"name": "new"}}}


def test_undo_walks_back_to_the_blank_index(small: Index, database: Database) -> None:
    assert small.undo().payload == {"event": 2, "operation": "switch_tree", "tree": 0}
    assert (names(small), small.all_labels()) == ([], [Label(A, "A"), Label(B, "B", "the second", "later")])
    small.undo()
    assert small.all_labels() == []
    with pytest.raises(InputError, match="nothing to undo"):
        small.undo()
    assert log(database) == [
        (1, "add_labels", "drop_labels", 4),
        (2, "load_tree", "switch_tree", 3),
        (3, "undo", "switch_tree", None),
        (4, "undo", "add_labels", None),
    ]


def test_undoing_an_undo_does_the_event_again(small: Index, database: Database) -> None:
    before = small.children(small.root())
    first, second = small.undo(), small.undo()
    with pytest.raises(InputError, match="names 2 labels that were removed since; add them first"):
        small.undo(first.id)
    small.undo(second.id)
    small.undo(first.id)
    assert small.children(small.root()) == before
    assert small.labels([A, B]) == [Label(A, "A"), Label(B, "B", "the second", "later")]
    assert log(database) == [
        (1, "add_labels", "drop_labels", None),
        (2, "load_tree", "switch_tree", None),
        (3, "undo", "switch_tree", 6),
        (4, "undo", "add_labels", 5),
        (5, "undo", "drop_labels", None),
        (6, "undo", "switch_tree", None),
    ]
    assert small.undo().payload["event"] == 2


def test_a_removed_node_comes_back_in_its_place(small: Index) -> None:
    one, two = small.children(small.root())
    small.add_edge(one.id, two.id)
    small.place(A, [two.id])
    small.remove_node(one.id)
    assert names(small) == ["two"]
    small.undo()
    assert small.children(small.root()) == [one, two]
    assert small.children(one.id) == [two]
    assert small.parents(two.id) == [small.node(small.root()), one]
    assert small.placements_of(A) == [one.id, two.id]


def test_a_loaded_tree_gives_back_the_former_with_its_ids(small: Index) -> None:
    before = small.children(small.root())
    small.rename_node(small.root(), "everything")
    small.load_tree(Tree("other", (TreeNode(0, "top"), TreeNode(9, "nine")), ((0, 9),), ((9, A), (9, B))))
    assert (small.node(small.root()).name, names(small)) == ("top", ["nine"])
    assert not {node.id for node in before} & {node.id for node in small.children(small.root())}
    small.undo()
    assert small.node(small.root()).name == "everything"
    assert small.children(small.root()) == before
    assert small.placements_of(A) == [before[0].id]


def test_an_earlier_event_can_be_undone_if_nothing_rests_on_it(small: Index) -> None:
    first = small.create_node(small.root(), "first")
    small.create_node(small.root(), "second")
    small.undo(EventId(3))
    assert names(small) == ["one", "two", "second"]
    with pytest.raises(InputError, match="event 3 was already undone by event 5"):
        small.undo(EventId(3))
    small.undo(EventId(5))
    assert names(small) == ["one", "two", "first", "second"]
    assert small.children(small.root())[2].id == first


def test_what_later_changes_rest_on_stays(small: Index) -> None:
    one, two = (node.id for node in small.children(small.root()))
    new = small.create_node(small.root(), "new")
    small.create_node(new, "below")
    small.add_edge(one, two)
    small.remove_edge(small.root(), two)
    small.place(A, [two])
    small.unplace(A, one)
    small.rename_node(new, "renamed")
    small.rename_node(new, "again")
    small.remove_node(small.create_node(small.root(), "gone"))
    blocked = {1: 8, 2: 12, 3: 10, 5: 12, 6: 12, 7: 8, 9: 10, 11: 12}
    for event, later in blocked.items():
        with pytest.raises(InputError) as caught:
            small.undo(EventId(event))
        assert str(caught.value) == (
            f"event {event} cannot be undone before event {later}, which may depend on it; undo that first"
        )
    with pytest.raises(NotFoundError, match="no event 99 in the index"):
        small.undo(EventId(99))
    for event in (8, 7, 4, 10, 9, 3, 12, 11, 6, 5, 2, 1):
        small.undo(EventId(event))
    assert (names(small), small.all_labels()) == ([], [])


def test_labels_in_use_are_not_taken_out(small: Index) -> None:
    with pytest.raises(InputError, match="label 'a' is in use in the tree; undo the changes that placed it"):
        small.undo(EventId(1))


def test_a_text_changed_back_and_forth_is_not_undone_halfway(small: Index) -> None:
    one = small.children(small.root())[0].id
    for name in ("B", "C", "B"):
        small.rename_node(one, name)
    with pytest.raises(InputError, match="event 3 cannot be undone before event 5"):
        small.undo(EventId(3))
    later, earlier = small.undo(), small.undo()
    small.undo()
    with pytest.raises(InputError, match="the name of node 2 was changed after event 7; undo that first"):
        small.undo(earlier.id)
    assert (later.id, earlier.id, names(small)[0]) == (6, 7, "one")


def test_changes_to_a_replaced_tree_wait_for_it(small: Index) -> None:
    small.create_node(small.root(), "new")
    small.load_tree(Tree("other", (), (), ((0, A), (0, B))))
    with pytest.raises(InputError, match="event 3 changed a tree that is not the current one"):
        small.undo(EventId(3))
    small.undo()
    small.undo()
    assert names(small) == ["one", "two"]


def test_nothing_is_written_where_nothing_changes(small: Index) -> None:
    version, one = small.version(), small.children(small.root())[0].id
    small.place(A, [one])
    small.edit_node(one)
    small.add_labels([])
    assert small.version() == version


def test_labels_that_are_gone_are_not_removed_once_more(index: Index) -> None:
    index.add_labels([Label(A, "A")])
    index.undo()
    redone = index.undo(index.version())
    index.undo(EventId(1))
    with pytest.raises(InputError, match="the labels that it added are not in the index any more"):
        index.undo(redone.id)
    index.undo(index.version())
    assert index.label_ids() == [A]


def test_alternative_names_come_back_with_their_labels() -> None:
    with Database.in_memory() as database:
        index = Index(database)
        index.add_labels([Label(LabelId("mi"), "Heart attack", alternatives=("MI", "infarct"))])
        added = index.snapshot().labels
        undone = index.undo()
        assert (index.all_labels(), index.snapshot(EventId(1)).labels) == ([], added)
        index.undo(undone.id)
        assert (index.snapshot().labels, index.all_labels()) == (added, list(added.values()))
