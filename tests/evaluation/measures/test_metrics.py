"""Scores of ranked labels."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.measures.hierarchy import HierarchicalScores
from taxonaut.evaluation.measures.metrics import Scores, score, score_items

KS = (1, 2, 5)
LOG = math.log(2) / math.log(3)
"""What a hit of rank 2 is worth in NDCG: 1 / log2(3); one of rank 3 is worth 1 / log2(4) = 0.5."""


def test_whole_scores():
    predicted = [["a", "x", "b"], ["x", "c"], [], ["z"]]
    gold = [["a", "b"], ["c"], ["d"], []]
    assert score(predicted, gold, ks=(1, 2, 3)) == Scores(
        items=3,
        without_gold=1,
        precision={1: 1 / 3, 2: pytest.approx(1 / 3), 3: pytest.approx(1 / 3)},
        rp={1: 1 / 3, 2: 0.5, 3: pytest.approx(2 / 3)},
        recall={1: pytest.approx(0.5 / 3), 2: 0.5, 3: pytest.approx(2 / 3)},
        f1={
            1: pytest.approx(2 / 9),
            2: pytest.approx((1 / 2 + 2 / 3) / 3),
            3: pytest.approx((0.8 + 2 / 3) / 3),
        },
        ndcg={
            1: pytest.approx(1 / 3),
            2: pytest.approx((1 / (1 + LOG) + LOG) / 3),
            3: pytest.approx((1.5 / (1 + LOG) + LOG) / 3),
        },
        mrr=0.5,
    )


def test_the_two_conventions_of_precision_at_k():
    scores = score([["a", "b", "c", "d", "e"]], [["a", "c"]], ks=(5,))
    assert (scores.precision, scores.rp) == ({5: 0.4}, {5: 1.0})


def test_the_hierarchy_is_scored_where_paths_are_given():
    paths = {"a": [("A",)], "b": [("A", "B")], "c": [("A", "C")]}
    scores = score([["b", "c"], ["x"]], [["c"], ["b"]], paths, (1,))
    assert scores.hierarchy == HierarchicalScores(precision=1 / 3, recall=0.25, f=2 / 7, top=1)
    assert scores.outcomes == {"hit": 0, "ancestor": 0, "descendant": 0, "sibling": 1, "miss": 1}
    assert score([["b", "c"]], [["c"]], paths, (1,), top=2).outcomes == {
        "hit": 1,
        "ancestor": 0,
        "descendant": 0,
        "sibling": 0,
        "miss": 0,
    }


def test_no_item_with_gold_labels_scores_nothing():
    zeros = {1: 0.0}
    assert score([["a"]], [[]], ks=(1,)) == Scores(0, 1, zeros, zeros, zeros, zeros, zeros, 0.0)


def test_scores_by_item_know_their_items():
    each = score_items([["a"], ["b"], ["c"]], [["a"], [], ["x"]], (1,))
    assert each.rows.tolist() == [0, 2]
    assert each.precision[1].tolist() == [1.0, 0.0]
    assert each.reciprocal_rank.tolist() == [1.0, 0.0]


def test_there_is_one_ranking_for_each_item():
    with pytest.raises(ValueError, match="1 predictions for 2 items; give one ranking for each item"):
        score([["a"]], [["a"], ["b"]])


names = st.sampled_from("abcdefgh")
rankings = st.lists(st.tuples(st.lists(names, max_size=8), st.sets(names, max_size=4)), max_size=6)


@settings(deadline=None)
@given(rankings)
def test_scores_lie_between_0_and_1_and_recall_never_falls(pairs):
    scores = score([ranked for ranked, _ in pairs], [gold for _, gold in pairs], ks=KS)
    for values in (scores.precision, scores.rp, scores.recall, scores.f1, scores.ndcg):
        assert all(0 <= values[k] <= 1 + 1e-9 for k in KS)
    assert 0 <= scores.mrr <= 1
    assert scores.recall[1] <= scores.recall[2] <= scores.recall[5]
    assert all(scores.precision[k] <= scores.rp[k] for k in KS)
    assert scores.items + scores.without_gold == len(pairs)


@settings(deadline=None)
@given(st.lists(st.sets(names, min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_perfect_ranking_has_full_scores(gold):
    scores = score([sorted(labels) for labels in gold], gold, ks=KS)
    assert scores.rp == dict.fromkeys(KS, 1.0)
    assert (scores.recall[5], scores.mrr) == (1.0, 1.0)


@settings(deadline=None)
@given(rankings)
def test_a_repeated_label_counts_once(pairs):
    gold = [labels for _, labels in pairs]
    doubled = [[label for label in ranked for _ in range(2)] for ranked, _ in pairs]
    assert score(doubled, gold, ks=KS) == score([ranked for ranked, _ in pairs], gold, ks=KS)


@settings(max_examples=40, deadline=None)
@given(rankings)
def test_it_agrees_with_trec_eval(pairs):
    """ir-measures runs trec_eval, which orders by score: the k-th label of n gets n - k."""
    ir_measures = pytest.importorskip("ir_measures")
    judged = [(list(dict.fromkeys(ranked)), gold) for ranked, gold in pairs if gold]
    scores = score([ranked for ranked, _ in judged], [gold for _, gold in judged], ks=KS)
    right = {str(row): dict.fromkeys(gold, 1) for row, (_, gold) in enumerate(judged)}
    run = {
        str(row): {label: float(len(ranked) - place) for place, label in enumerate(ranked)}
        for row, (ranked, _) in enumerate(judged)
    }
    ours = {"P": scores.precision, "R": scores.recall, "nDCG": scores.ndcg}
    wanted = {getattr(ir_measures, name) @ k: ours[name][k] for name in ours for k in KS}
    wanted[ir_measures.RR] = scores.mrr
    if judged:
        assert ir_measures.calc_aggregate(list(wanted), right, run) == pytest.approx(wanted)
