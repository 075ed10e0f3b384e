"""The three lines: places of labels, pairs that are confused, what to try."""

from taxonaut.cli.evaluate.summary_view import confused_pair, place
from taxonaut.evaluation.label_quality import Confusion, LabelQuality
from taxonaut.state.ids import LabelId


def label(id: str, *confused: tuple[str, int]) -> LabelQuality:
    found = tuple(Confusion(LabelId(other), ("Food", other), count) for other, count in confused)
    return LabelQuality(LabelId(id), ("Food", id), 9, 0, 0, found)


def test_a_place_is_told_from_another_and_keeps_its_name() -> None:
    assert place(("Shop", "Car", "Interior", "Mats")) == "Interior > Mats"
    other = ("Shop", "Van", "Interior", "Mats")
    assert place(("Shop", "Car", "Interior", "Mats"), other) == "Car > Interior > Mats"
    assert place(("Mats",)) == "Mats"
    assert place(("a" * 80, "b" * 40)) == f"{'a' * 11}… > {'b' * 40}"


def test_the_pair_that_is_taken_for_each_other_most() -> None:
    labels = [label("a", ("b", 9)), label("c", ("d", 2), ("a", 1)), label("d", ("c", 1))]
    assert confused_pair(labels) == ("Food > c", "Food > d", 3)
    assert confused_pair(labels[:2]) is None
