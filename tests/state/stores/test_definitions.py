"""Descriptions of labels as changes to the index, and what they were written from."""

from dataclasses import replace

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.stores.definitions import Definition, Definitions

BOOTS, SHOES, BALL = LabelId("boots"), LabelId("shoes"), LabelId("ball")


@pytest.fixture
def shop(index: Index) -> Index:
    """Root > Shoes (shoes, boots) and Sports (ball)."""
    index.add_labels(
        [Label(SHOES, "Shoes", "worn on the feet"), Label(BOOTS, "Boots"), Label(BALL, "Footballs")]
    )
    nodes = (TreeNode(1, "Shoes"), TreeNode(2, "Sports"))
    index.load_tree(Tree("drawn", nodes, ((0, 1), (0, 2)), ((1, SHOES), (1, BOOTS), (2, BALL))))
    return index


def described(index: Index) -> dict[str, str]:
    return {label.id: label.description for label in index.all_labels() if label.description}


def definition(label: LabelId, text: str, fingerprint: str = "f") -> Definition:
    return Definition(
        label, f"title of {text}", text, fingerprint, (ItemId("a"), ItemId("b")), "t", "h", "m", RunId(1)
    )


def test_many_labels_are_described_as_one_event_that_is_taken_back_whole(shop: Index) -> None:
    before = shop.version()
    shop.describe_labels({BOOTS: "cover the ankle", SHOES: "worn outdoors", BALL: ""})
    assert shop.version() == before + 1
    assert described(shop) == {"boots": "cover the ankle", "shoes": "worn outdoors"}
    event = shop.events.get(shop.version())
    assert (event.operation, event.payload) == (
        "describe_labels",
        {"descriptions": [["boots", "cover the ankle"], ["shoes", "worn outdoors"]]},
    )
    shop.undo()
    assert described(shop) == {"shoes": "worn on the feet"}
    shop.undo(shop.version())
    assert described(shop) == {"boots": "cover the ankle", "shoes": "worn outdoors"}


def test_nothing_new_to_say_is_no_event(shop: Index) -> None:
    before = shop.version()
    shop.describe_labels({SHOES: "worn on the feet"})
    shop.describe_labels({})
    assert shop.version() == before


def test_an_unknown_label_changes_nothing(shop: Index) -> None:
    before = shop.version()
    with pytest.raises(NotFoundError, match="no label 'hats'"):
        shop.describe_labels({BOOTS: "x", LabelId("hats"): "y"})
    assert (shop.version(), described(shop)) == (before, {"shoes": "worn on the feet"})


def test_descriptions_and_changes_to_the_tree_do_not_hold_each_other_up(shop: Index) -> None:
    shop.describe_labels({BOOTS: "cover the ankle"})
    words = shop.version()
    shop.place(BOOTS, [NodeId(3)])
    placed = shop.version()
    shop.describe_labels({BOOTS: "tall"})
    with pytest.raises(InputError, match=f"event {words} cannot be undone before event {placed + 1}"):
        shop.undo(words)
    shop.undo(placed)
    shop.undo(EventId(placed + 1))
    shop.undo(words)
    assert described(shop) == {"shoes": "worn on the feet"}


def test_labels_with_new_descriptions_are_not_dropped_before_those_are_taken_back(shop: Index) -> None:
    shop.add_labels([Label(LabelId("late"), "Late")])
    added = shop.version()
    shop.describe_labels({LabelId("late"): "came later"})
    with pytest.raises(InputError, match="cannot be undone before"):
        shop.undo(added)
    shop.undo()
    shop.undo(added)
    assert LabelId("late") not in shop.label_ids()


def test_a_description_is_not_done_again_over_what_was_not_before_it(shop: Index) -> None:
    shop.describe_labels({BOOTS: "one"})
    first = shop.version()
    shop.describe_labels({BOOTS: "two"})
    again = shop.undo()
    shop.undo(first)
    with pytest.raises(
        InputError, match=f"the description of label 'boots' was changed after event {again.id}"
    ):
        shop.undo(again.id)
    assert described(shop) == {"shoes": "worn on the feet"}


def test_a_definition_stands_while_it_is_the_label_s_description(database: Database, shop: Index) -> None:
    definitions = Definitions(database)
    first, second = definition(BOOTS, "one", "f1"), definition(BOOTS, "two", "f2")
    definitions.put([first, second, definition(SHOES, "not taken")])
    assert definitions.standing() == {}
    shop.describe_labels({BOOTS: "one"})
    shop.describe_labels({BOOTS: "two"})
    assert {label: found.title for label, found in definitions.standing().items()} == {
        "boots": "title of two"
    }
    shop.undo()
    found = definitions.standing([BOOTS, BALL])[BOOTS]
    assert found == replace(first, made=found.made)
    assert definitions.standing([BALL]) == {}
