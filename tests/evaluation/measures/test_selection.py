"""Which measures are shown, and under which names they are asked for."""

import pytest

from taxonaut.evaluation.measures.comparison import measure_methods
from taxonaut.evaluation.measures.hierarchy import Hierarchy
from taxonaut.evaluation.measures.selection import ShownMeasure, choose_measures, parse_measures, set_size
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.intervals import Interval

PATHS = {LabelId(name): [("top", name)] for name in "abcd"} | {LabelId("e"): [("e",)]}


def intervals(rankings: list[str], gold: list[str], ks: tuple[int, ...]) -> dict[str, Interval]:
    found = measure_methods(
        {"one": [list(map(LabelId, labels)) for labels in rankings]},
        [list(map(LabelId, labels)) for labels in gold],
        Hierarchy(PATHS),
        ks,
    )
    return {name: each.interval() for name, each in found["one"].items()}


def shown(rankings: list[str], gold: list[str], ks: tuple[int, ...]) -> list[ShownMeasure]:
    single = all(len(labels) == 1 for labels in gold)
    size = set_size([len(labels) for labels in gold], ks)
    return choose_measures([intervals(rankings, gold, ks)], ks, size, single=single)


def test_one_label_a_text_and_one_answer_are_shown_once() -> None:
    """Three of four texts are right, and with ancestors 6 of 8 answered nodes, so that hP is the accuracy too."""
    assert shown(["a", "a", "c", "a"], ["a", "a", "c", "e"], (1,)) == [
        ShownMeasure("P@1", "accuracy", ("R@1", "NDCG@1", "micro F1@1", "example F1@1", "hP@1")),
        ShownMeasure("macro F1@1", "macro F1"),
        ShownMeasure("hR@1", "hR"),
        ShownMeasure("hF@1", "hF"),
        ShownMeasure("macro hF@1", "macro hF"),
    ]


def test_several_labels_a_text_have_measures_of_their_own() -> None:
    names = [each.title for each in shown(["ab", "cb", "ad"], ["ab", "c", "bde"], (1, 2))]
    assert names == [
        "P@1", "P@2", "R@1", "R@2", "NDCG@2", "micro F1@2", "macro F1@2", "example F1@2", "hP@2", "hR@2", "hF@2",
        "macro hF@2",
    ]  # fmt: skip


def test_values_by_hand() -> None:
    """Answers a b of gold a, and c of gold d; with `top` above both, it is shared by each."""
    found = {name: each.value for name, each in intervals(["ab", "c"], ["a", "d"], (2,)).items()}
    assert found["micro P@2"] == pytest.approx(1 / 3)
    assert (found["micro R@2"], found["micro F1@2"]) == (0.5, pytest.approx(2 / 5))
    assert found["macro F1@2"] == pytest.approx(1 / 4)
    assert found["example F1@2"] == pytest.approx((2 / 3 + 0) / 2)
    assert (found["hP@2"], found["hR@2"], found["hF@2"]) == (
        pytest.approx(3 / 5),
        3 / 4,
        pytest.approx(6 / 9),
    )
    assert found["macro hF@2"] == pytest.approx((1 + 1 + 0 + 0 + 0) / 5)
    assert found["example hF@2"] == pytest.approx((4 / 5 + 2 / 4) / 2)


def test_macro_intervals_are_around_the_value() -> None:
    """Samples lack rare labels: without the shift the interval would lie above a value of many missed labels."""
    gold = [chr(ord("a") + place % 4) for place in range(40)]
    found = intervals(["a"] * 40, gold, (1,))["macro F1@1"]
    assert found.value == pytest.approx(0.4 / 4)
    assert found.low < found.value < found.high


def test_names_of_measures() -> None:
    ks = (1, 5)
    assert parse_measures("P, r@5 ,ACCURACY,f1@5,mrr,HF,Macro  F1", ks) == [
        "P", "R@5", "P@1", "micro F1@5", "macro F1@5", "example F1@5", "MRR", "hF", "macro F1",
    ]  # fmt: skip
    for wrong in ("P@3", "accuracy@1", "F1@", "recall", "P,,R"):
        with pytest.raises(InputError):
            parse_measures(wrong, ks)
    with pytest.raises(InputError, match="accuracy is P@1, and 1 is not among 5"):
        parse_measures("accuracy", (5,))


def test_the_size_of_sets_is_that_of_the_right_labels() -> None:
    assert [set_size(sizes, (1, 3, 10)) for sizes in ([1, 1], [1, 3], [4, 5], [9], [])] == [1, 1, 3, 10, 1]
