"""Names of labels as changes to the index: known everywhere at once, and taken back."""

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

BOOTS, SHOES, BALL = LabelId("boots"), LabelId("shoes"), LabelId("ball")
IN_SHOES, IN_SPORTS = NodeId(2), NodeId(3)


@pytest.fixture
def shop(index: Index) -> Index:
    """Root > Shoes (shoes itself, boots) and Sports (ball)."""
    index.add_labels([Label(SHOES, "Shoes"), Label(BOOTS, "Boots"), Label(BALL, "Footballs")])
    nodes = (TreeNode(1, "Shoes", label_id=SHOES), TreeNode(2, "Sports"))
    index.load_tree(Tree("drawn", nodes, ((0, 1), (0, 2)), ((1, SHOES), (1, BOOTS), (2, BALL))))
    return index


def names(index: Index) -> list[str]:
    return [label.name for label in index.all_labels()]


def test_many_labels_are_renamed_as_one_event_that_is_taken_back_whole(shop: Index) -> None:
    before = shop.version()
    shop.rename_labels({BOOTS: "  High \n boots", BALL: "Footballs", SHOES: "Footwear"})
    assert shop.version() == before + 1
    assert names(shop) == ["Footwear", "High boots", "Footballs"]
    event = shop.events.get(shop.version())
    assert (event.operation, event.payload) == (
        "rename_labels",
        {"names": [["boots", "High boots"], ["shoes", "Footwear"]]},
    )
    shop.undo()
    assert names(shop) == ["Shoes", "Boots", "Footballs"]
    shop.undo(shop.version())
    assert names(shop) == ["Footwear", "High boots", "Footballs"]


def test_all_that_reads_names_knows_the_new_one_at_once(shop: Index, database: Database) -> None:
    assert shop.paths(BOOTS) == [("Shoes", "Boots")]
    assert shop.labels_at(IN_SHOES)[1].name == "Boots"
    shop.rename_labels({BOOTS: "Wellingtons", SHOES: "Footwear"})
    for index in (shop, Index(database)):
        assert index.label(BOOTS) == Label(BOOTS, "Wellingtons")
        assert [label.name for label in index.labels_at(IN_SHOES)] == ["Footwear", "Wellingtons"]
        assert index.paths(BOOTS) == [("Shoes", "Wellingtons")]
        assert [label.id for label in index.search("wellingtons")] == [BOOTS]
        assert [label.id for label in index.labels_named(["WELLINGTONS"])] == [BOOTS]
        assert index.labels_named(["Boots"]) == []
        assert [label.name for label in index.search("boots")] == ["Wellingtons"]  # by its id
        assert index.node(IN_SHOES).name == "Shoes"


def test_earlier_moments_show_the_former_name(shop: Index) -> None:
    before = shop.version()
    shop.rename_labels({BOOTS: "one"})
    shop.rename_labels({BOOTS: "two"})
    shop.undo()
    assert [shop.snapshot(EventId(before + after)).labels[BOOTS].name for after in range(4)] == [
        "Boots",
        "one",
        "two",
        "one",
    ]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({BOOTS: "x", LabelId("hats"): "y"}, NotFoundError, "no label 'hats'"),
        ({BALL: "x", BOOTS: " \n "}, InputError, "label name must not be empty: "),
    ],
)
def test_a_mistake_changes_nothing(
    shop: Index, given: dict[LabelId, str], error: type[Exception], said: str
) -> None:
    before = shop.version()
    with pytest.raises(error, match=said):
        shop.rename_labels(given)
    assert (shop.version(), names(shop)) == (before, ["Shoes", "Boots", "Footballs"])


def test_nothing_new_to_say_is_no_event(shop: Index) -> None:
    before = shop.version()
    shop.rename_labels({SHOES: " Shoes "})
    shop.rename_labels({})
    assert shop.version() == before


def test_names_descriptions_and_changes_to_the_tree_do_not_hold_each_other_up(shop: Index) -> None:
    shop.rename_labels({BOOTS: "one"})
    named = shop.version()
    shop.describe_labels({BOOTS: "tall"})
    described = shop.version()
    shop.place(BOOTS, [IN_SPORTS])
    placed = shop.version()
    shop.rename_labels({BOOTS: "two"})
    with pytest.raises(InputError, match=f"event {named} cannot be undone before event {placed + 1}"):
        shop.undo(named)
    shop.undo(described)
    shop.undo(placed)
    shop.undo(EventId(placed + 1))
    shop.undo(named)
    assert (shop.label(BOOTS), shop.placements_of(BOOTS)) == (Label(BOOTS, "Boots"), [IN_SHOES])


def test_renamed_labels_are_not_dropped_before_that_is_taken_back(shop: Index) -> None:
    shop.add_labels([Label(LabelId("late"), "Late")])
    added = shop.version()
    shop.rename_labels({LabelId("late"): "Later"})
    with pytest.raises(InputError, match="cannot be undone before"):
        shop.undo(added)
    shop.undo()
    shop.undo(added)
    assert LabelId("late") not in shop.label_ids()


def test_a_tree_is_switched_back_over_a_name(shop: Index) -> None:
    loaded = shop.version()
    shop.rename_labels({BOOTS: "one"})
    shop.undo(loaded)
    assert names(shop) == ["Shoes", "one", "Footballs"]
    assert shop.snapshot(loaded).labels[BOOTS].name == "Boots"


def test_a_name_is_not_given_again_over_what_was_not_before_it(shop: Index) -> None:
    shop.rename_labels({BOOTS: "one"})
    first = shop.version()
    shop.rename_labels({BOOTS: "two"})
    again = shop.undo()
    shop.undo(first)
    with pytest.raises(InputError, match=f"the name of label 'boots' was changed after event {again.id}"):
        shop.undo(again.id)
    assert names(shop) == ["Shoes", "Boots", "Footballs"]
