"""Measures by class, against scikit-learn's where it has them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.measures.classes import (
    BANDS,
    Band,
    ClassScores,
    assign_classes,
    class_intervals,
    class_scores,
)
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.intervals import Interval

A, B, C, D = map(LabelId, "abcd")


def test_a_small_case_by_hand() -> None:
    """a: 2 of 3 found, predicted twice; b: 1 of 1, predicted twice; c: never found; d: predicted in vain."""
    gold = [(A,), (A,), (A,), (B,), (C,)]
    given = [A, A, B, B, D]
    f1 = {A: 4 / 5, B: 2 / 3, C: 0.0, D: 0.0}
    scores = class_scores(given, gold, {A: 20, B: 5, D: 3}, [1.0, 1.0, 0.0, 1.0, 0.5])
    assert replace(scores, bands={}) == ClassScores(
        items=5,
        classes=4,
        none_given=0,
        accuracy=0.6,
        precision=pytest.approx((3 * 1.0 + 1 * 0.5) / 5),
        recall=pytest.approx(0.6),
        f1=pytest.approx((3 * f1[A] + f1[B]) / 5),
        macro_f1=pytest.approx(sum(f1.values()) / 4),
        ece=pytest.approx(0.1),
    )
    assert scores.bands == {
        "head": Band(3, 1, pytest.approx(2 / 3), pytest.approx(f1[A])),
        "middle": Band(1, 1, 1.0, pytest.approx(f1[B])),
        "tail": Band(0, 0, 0.0, 0.0),
        "zero-shot": Band(1, 1, 0.0, 0.0),
    }


def test_an_item_without_a_prediction_counts_against_recall_alone() -> None:
    scores = class_scores([A, None, B], [(A,), (A,), (B,)])
    assert (scores.none_given, scores.precision, scores.classes) == (1, 1.0, 2)
    assert scores.accuracy == scores.recall == pytest.approx(2 / 3)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert (scores.bands, scores.ece) == ({}, None)


def test_of_several_gold_labels_the_one_given_counts_else_the_first() -> None:
    true, counts = assign_classes([B, C, None], [(A, B), (A, B), (B, A)])
    assert (true, counts.items().tolist()) == ([B, A, B], [[1, 1, 1], [0, 1, 1], [0, 0, 1]])
    assert class_scores([B, A], [(A, B), (A, B)]).macro_f1 == 1.0
    bands = class_scores([B, C], [(A, B), (A, B)], {A: 30}).bands
    assert bands["head"] == Band(2, 1, 0.5, 0.0)


def test_nothing_and_no_gold() -> None:
    nothing = class_scores([], [], {})
    assert (nothing.items, nothing.accuracy, nothing.f1, nothing.macro_f1) == (0, 0.0, 0.0, 0.0)
    assert set(nothing.bands) == set(BANDS)
    assert class_intervals({"one": []}, []) == ({"one": {}}, {"one": {}})
    with pytest.raises(ValueError, match="an item has no gold labels"):
        class_scores([A], [()])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdefgh-")), min_size=1, max_size=60))
def test_it_agrees_with_scikit_learn(rows: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    right, given = [row[0] for row in rows], [row[1] for row in rows]
    scores = class_scores(
        [None if one == "-" else LabelId(one) for one in given], [(LabelId(one),) for one in right]
    )
    labels = sorted({*right, *given} - {"-"})
    told = {"labels": labels, "zero_division": 0}
    weighted = metrics.precision_recall_fscore_support(right, given, average="weighted", **told)
    assert [scores.precision, scores.recall, scores.f1] == pytest.approx(list(weighted[:3]))
    assert scores.macro_f1 == pytest.approx(metrics.f1_score(right, given, average="macro", **told))
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(right, given))
    assert scores.classes == len(labels)


def test_intervals_and_differences_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    gold = [(LabelId(f"c{at}"),) for at in rng.integers(0, 5, 300)]
    good = [labels[0] if rng.random() < 0.9 else A for labels in gold]
    poor = [labels[0] if rng.random() < 0.6 else A for labels in gold]
    bounded, gaps = class_intervals({"good": good, "again": good, "poor": poor}, gold)
    assert gaps["good"] == {}
    assert gaps["again"] == {"accuracy": Interval(0.0, 0.0, 0.0), "macro_f1": Interval(0.0, 0.0, 0.0)}
    assert (bounded["again"], bounded["good"]["macro_f1"].value) == (
        bounded["good"],
        pytest.approx(class_scores(good, gold).macro_f1),
    )
    assert gaps["poor"]["macro_f1"].high < 0
    assert gaps["poor"]["accuracy"].value == pytest.approx(
        class_scores(poor, gold).accuracy - class_scores(good, gold).accuracy
    )
    for name in ("accuracy", "macro_f1"):
        interval = bounded["poor"][name]
        assert interval.low < interval.value < interval.high < bounded["good"][name].low
