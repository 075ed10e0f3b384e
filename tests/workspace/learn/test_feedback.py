"""Corrections and what can be learned of them: each text once, contradictions left out and told."""

from collections.abc import Callable
from typing import Any

import pytest

from taxonaut import InputError, Item, ItemRow, NotFoundError, Workspace
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.learn.feedback import read_feedback
from taxonaut.workspace.walk.labelled_items import labelled_rows, store_gold


def gold(shop: Workspace, **labels: str) -> None:
    """Store gold labels of items; an item's text is what stands before its digits."""
    store_gold(
        shop,
        [
            ItemRow(Item(ItemId(id), id.rstrip("0123456789")), tuple(map(LabelId, given.split())))
            for id, given in labels.items()
        ],
    )


def test_a_correction_is_learned_before_the_gold_file(shop: Workspace) -> None:
    shop.classify([Item(ItemId("1"), "clothes hats")])
    store_gold(shop, [ItemRow(Item(ItemId("1"), "clothes hats"), (LabelId("hats"),))])
    done = shop.correct("1", right="Sports > Balls", wrong=["Hats"], person="ann", weight=3)
    assert (done.is_new, done.former and done.former.right) == (True, ("hats",))
    assert done.truth is not None
    assert done.truth.right == ("balls",)
    (item,) = shop.feedback().items
    assert (item.item.text, item.right, item.errors, item.missed) == (
        "clothes hats",
        ("balls",),
        ("hats",),
        ("balls",),
    )
    assert (item.weights, item.complete, item.wrong) == ({"balls": 3.0}, True, ("hats",))
    assert labelled_rows(shop) == [ItemRow(item.item, (LabelId("balls"),))]
    assert not shop.correct("1", right="balls", wrong="hats", person="ann", weight=3).is_new
    back = shop.take_back("1", person="ann")
    assert back.truth is not None
    assert back.truth.right == ("hats",)


def test_a_text_counts_once_however_often_it_is_given(shop: Workspace) -> None:
    gold(shop, **{f"hat{number}": "hats" for number in range(1, 301)})
    gold(shop, ball1="balls")
    found = shop.feedback()
    assert [(each.item.text, each.weights, len(each.ids)) for each in found.items] == [
        ("hat", {"hats": 1.0}, 300),
        ("ball", {"balls": 1.0}, 1),
    ]
    assert (found.repeated, found.conflicts) == (299, ())
    shop.correct("ball1", right="balls", person="ann", weight=1e9)
    found = shop.feedback()
    assert (found.items[1].weights, found.capped) == ({"balls": 10.0}, 1)


def test_equal_texts_with_other_labels_are_a_conflict_until_a_person_settles_it(shop: Workspace) -> None:
    gold(shop, hat1="hats balls", hat2="hats", hat3="hats shoes")
    found = shop.feedback()
    assert [(each.right, len(each.ids)) for each in found.items] == [(("hats",), 3)]
    assert [(each.label, [said.item for said in each.statements]) for each in found.conflicts] == [
        ("balls", ["hat1", "hat2", "hat3"]),
        ("shoes", ["hat1", "hat2", "hat3"]),
    ]
    shop.correct("hat3", right="hats", complete=True, person="ann")
    found = shop.feedback()
    assert ([each.right for each in found.items], found.conflicts) == ([("hats",)], ())


def test_two_people_against_each_other_are_told_and_not_learned(shop: Workspace) -> None:
    gold(shop, hat1="hats")
    shop.correct("hat1", right="shoes", wrong="hats", person="ann")
    done = shop.correct("hat1", right="hats", person="bob")
    assert [each.label for each in done.conflicts] == ["hats"]
    found = shop.feedback()
    assert [(each.right, each.wrong) for each in found.items] == [(("shoes",), ())]
    assert [(said.person, said.verdict) for each in found.conflicts for said in each.statements] == [
        ("ann", "wrong"),
        ("bob", "right"),
    ]
    shop.correct("hat1", wrong="hats", person="bob")
    assert (shop.feedback().conflicts, shop.feedback().items[0].wrong) == ((), ("hats",))


def test_rows_of_one_item_that_disagree_are_disputed(shop: Workspace) -> None:
    item = Item(ItemId("1"), "hat")
    store_gold(shop, [ItemRow(item, (LabelId("hats"), LabelId(more))) for more in ("balls", "shoes")])
    found = shop.feedback()
    assert [each.right for each in found.items] == [("hats",)]
    assert [each.label for each in found.conflicts] == ["balls", "shoes"]


def test_truths_of_another_text_are_counted_and_left_out(shop: Workspace) -> None:
    gold(shop, hat1="hats")
    shop.items.put([Item(ItemId("hat1"), "another text")])
    found = shop.feedback()
    assert (found.items, found.without_text, labelled_rows(shop)) == ((), 1, [])
    shop.items.put([Item(ItemId("hat1"), "hat")])
    assert [each.right for each in shop.feedback().items] == [("hats",)]


def test_what_was_only_evaluated_can_be_left_out(shop: Workspace) -> None:
    gold(shop, hat1="hats", ball1="balls", shoe1="shoes")
    store_gold(shop, [ItemRow(Item(ItemId("hat1"), "hat"), (LabelId("hats"),))], "train.csv")
    with pytest.raises(InputError, match=r"^1 labelled item is too few .*; 2 items were only evaluated"):
        shop.learn()
    shop.correct("ball1", right="balls", person="ann")
    found = read_feedback(shop, evaluated=False)
    assert ({each.item.id for each in found.items}, found.only_evaluated) == ({"hat1", "ball1"}, 1)
    assert (len(shop.feedback().items), shop.feedback().only_evaluated) == (3, 0)


def test_labels_follow_what_became_of_them(shop: Workspace) -> None:
    gold(shop, hat1="hats", ball2="balls", shoe3="shoes")
    shop.merge_labels("hats", ["balls"])
    shop.retire_labels(["shoes"])
    shop.correct("shoe3", wrong="hats", person="ann")
    assert [(each.item.text, each.right, each.wrong, each.complete) for each in shop.feedback().items] == [
        ("hat", ("hats",), (), True),
        ("ball", ("hats",), (), True),
        ("shoe", (), ("hats",), False),
    ]
    shop.rename_label("hats", new_id="headwear")
    assert [each.right for each in shop.feedback().items] == [("headwear",), ("headwear",), ()]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda shop: shop.correct("hat1", right="Hat", person="ann"),
            NotFoundError,
            "no label 'Hat' in the index; did you mean 'hats' (Hats)?",
        ),
        (
            lambda shop: shop.correct("hat2", right="hats", person="ann"),
            NotFoundError,
            "no item 'hat2' in this workspace; give the id or the text of a labelled item,",
        ),
        (
            lambda shop: shop.correct("hat1", right="hats", person=" "),
            InputError,
            "a correction of item 'hat1' was given by nobody: person=' '; give a name,",
        ),
        (
            lambda shop: shop.correct("hat1", right="hats", wrong="Hats", person="ann"),
            InputError,
            "label 'hats' of item 'hat1' is said to be right and wrong;",
        ),
        (lambda shop: shop.correct("hat1", person="ann"), InputError, "a correction says nothing:"),
        (
            lambda shop: shop.correct("hat1", right="hats", person="ann", source="gold file"),
            InputError,
            "the source of a correction is 'gold file'; give one of chat, review",
        ),
        (
            lambda shop: shop.take_back("hat1", person="ann"),
            NotFoundError,
            "'ann' said nothing about item 'hat1':",
        ),
        (lambda shop: shop.correct("ball", right="balls", person="ann"), InputError, "2 items have the text"),
    ],
)
def test_a_correction_that_cannot_be_kept(
    shop: Workspace, call: Callable[[Workspace], Any], error: type[Exception], message: str
) -> None:
    gold(shop, hat1="hats", ball1="balls", ball2="balls")
    with pytest.raises(error) as caught:
        call(shop)
    assert str(caught.value).startswith(message)
    assert len(shop.ledger.history(ItemId("hat1"))) == 1
