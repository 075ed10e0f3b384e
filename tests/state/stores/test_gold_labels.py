"""Gold labels are kept by item; later ones take the place of earlier ones."""

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.stores.gold_labels import GoldLabels

ONE, TWO = ItemId("1"), ItemId("2")
A, B, C = LabelId("a"), LabelId("b"), LabelId("c")


def test_gold_labels_are_kept_by_item(database: Database) -> None:
    gold = GoldLabels(database)
    assert (len(gold), gold.all()) == (0, {})
    gold.keep([(ONE, "u1", [B, A, B]), (TWO, "u2", []), (TWO, "u2", [C])])
    assert gold.all() == {ONE: ("u1", (B, A)), TWO: ("u2", (C,))}
    gold.keep([(ONE, "other", [C])])
    assert gold.all() == {ONE: ("other", (C,)), TWO: ("u2", (C,))}
    assert len(gold) == 2


def test_nothing_given_changes_nothing(database: Database) -> None:
    gold = GoldLabels(database)
    gold.keep([(ONE, "u", [A])])
    gold.keep([])
    gold.keep([(ONE, "u", [])])
    assert gold.all() == {ONE: ("u", (A,))}
