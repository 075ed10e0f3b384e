"""Ranks, Recall and NDCG by hand, and the rows that need no training."""

import numpy as np
import pytest

from taxonaut.recommend.interactions import Interactions, Query
from taxonaut.recommend.next_item_baselines import popularity, successors
from taxonaut.recommend.rank_measures import measures, over_seeds, ranks


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
