"""Ranks, Recall and NDCG by hand, the rows that need no training, and the tables."""

import numpy as np
import pytest

from taxonaut.benchmarks.recommend.baselines import popularity, successors
from taxonaut.benchmarks.recommend.data import Interactions, Query
from taxonaut.benchmarks.recommend.measure import measures, over_seeds, ranks
from taxonaut.benchmarks.recommend.report import (
    Critique,
    Row,
    critique_table,
    markdown,
    settings_table,
    table,
)


def test_equal_scores_count_as_better() -> None:
    scores = np.array([[3, 2, 1], [1, 1, 0], [-np.inf, 0, -np.inf]], dtype=np.float32)
    assert ranks(scores, np.array([1, 0, 2])).tolist() == [2, 2, 3]


def test_recall_and_ndcg() -> None:
    assert measures(np.array([1, 3, 7, 11])) == {
        "Recall@5": 0.5,
        "NDCG@5": pytest.approx((1 + 1 / 2) / 4),
        "Recall@10": 0.75,
        "NDCG@10": pytest.approx((1 + 1 / 2 + 1 / 3) / 4),
    }


def test_seeds_have_a_mean_and_a_deviation() -> None:
    assert over_seeds([{"a": 1.0}, {"a": 2.0}, {"a": 3.0}]) == {"a": (2.0, 1.0)}
    assert over_seeds([{"a": 1.0}]) == {"a": (1.0, 0.0)}


def test_rows_without_training() -> None:
    train = {"u": (0, 1, 2), "v": (0, 1), "w": (3, 1, 2)}
    queries = (Query("x", (4, 0), 1), Query("x", (4, 0), 4), Query("x", (2,), 2))
    data = Interactions(tuple("abcde"), train, (), ())
    # By number: 1 three times, 0 and 2 twice, 3 once, 4 never.
    assert popularity(data, queries).tolist() == [1, 5, 3]
    # 1 followed 0; then the history, 0 before 4; nothing followed 2.
    assert successors(data, queries).tolist() == [1, 3, 1]


def values(value: float) -> dict[str, float]:
    return dict.fromkeys(("Recall@5", "NDCG@5", "Recall@10", "NDCG@10"), value)


def test_the_tables_say_what_was_measured() -> None:
    row = Row(
        "ours",
        (values(0.2), values(0.4)),
        (values(0.1), values(0.3)),
        (0.0, 0.02),
        1200,
        4,
        34000,
        (10.0, 20.0),
        (3, 5),
        "sum",
        {"sum": 0.4, "mixed": 0.35},
        critique=Critique((values(0.3), values(0.5)), 0.07, 0.01),
    )
    baseline = Row("popularity", (values(0.02),), (values(0.01),))
    assert markdown(table([baseline, row])).splitlines()[2:] == [
        "| popularity | 1.00 | 1.00 | 1.00 | 1.00 | – | 2.00 | – | – | – | – | – | – |",
        "| ours | 20.00 ±14.14 | 20.00 ±14.14 | 20.00 ±14.14 | 20.00 ±14.14 | 1.00 ±1.41 | 30.00 ±14.14 "
        "| sum | 4 | 1,200 | 34,000 | 4 | 15 |",
    ]
    assert settings_table([baseline, row])[1:] == [("ours", "40.00", "35.00")]
    limited = critique_table([baseline, row])
    assert len(limited) == 5
    assert limited[4] == ("ours", "NDCG@10", "20.00 ±14.14", "40.00 ±14.14", "+100.0 %", "7.0 %", "1.0 %")
    assert row.as_json()["mean_and_deviation"]["NDCG@10"] == pytest.approx((0.2, 0.1414), abs=1e-4)
