"""Measures by item, their intervals, and differences from another method."""

import math

import numpy as np
import pytest

from taxonaut.evaluation.measures.comparison import bound_differences, bound_means, score_each_item
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.intervals import Interval, bootstrap_mean, bootstrap_means

GOLD = [[LabelId("a"), LabelId("b")], [], [LabelId("c")]]


def ranked(*rankings: str) -> list[list[LabelId]]:
    return [[LabelId(label) for label in ranking] for ranking in rankings]


def test_both_conventions_by_hand() -> None:
    values = score_each_item(ranked("axb", "a", "xyc"), GOLD, (1, 3))
    assert {name: value.tolist() for name, value in values.items()} == {
        "P@1": [1.0, 0.0],
        "P@3": [pytest.approx(2 / 3), pytest.approx(1 / 3)],
        "R@1": [0.5, 0.0],
        "R@3": [1.0, 1.0],
        "RP@1": [1.0, 0.0],
        "RP@3": [1.0, 1.0],
        "NDCG@1": [1.0, 0.0],
        "NDCG@3": [pytest.approx(1.5 / (1 + 1 / math.log2(3))), 0.5],
        "MRR": [1.0, pytest.approx(1 / 3)],
    }


def test_intervals_are_those_of_each_measure_alone() -> None:
    rng = np.random.default_rng(3)
    columns = rng.random((40, 3))
    assert bootstrap_means(columns) == [
        Interval(pytest.approx(one.value), pytest.approx(one.low), pytest.approx(one.high))  # type: ignore[arg-type]
        for one in (bootstrap_mean(columns[:, column]) for column in range(3))
    ]
    assert bootstrap_means(np.zeros((0, 2))) == [Interval(0.0, 0.0, 0.0)] * 2


def test_differences_are_paired() -> None:
    """Two methods as far apart on every item leave no doubt, however much the items differ."""
    base = {"P@1": np.array([0.0, 0.5, 0.25] * 20)}
    better = {"P@1": base["P@1"] + 0.25}
    assert bound_differences(better, base) == {"P@1": Interval(0.25, 0.25, 0.25)}
    assert bound_means(base)["P@1"].high - bound_means(base)["P@1"].low > 0.05
