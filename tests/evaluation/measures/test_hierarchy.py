"""Ancestors counted, and near hits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.measures.hierarchy import HierarchicalScores, Hierarchy

TREE = Hierarchy(
    {
        "animals": [("Animals",)],
        "birds": [("Animals", "Birds")],
        "owls": [("Animals", "Birds", "Owls")],
        "cats": [("Animals", "Cats"), ("Pets", "Cats")],
        "siamese": [("Animals", "Cats", "Siamese"), ("Pets", "Cats", "Siamese")],
        "dogs": [("Pets", "Dogs")],
        "saws": [("Tools", "Saws")],
        "flat": [("Flat",)],
    }
)


def test_a_label_with_two_parents_is_one_place():
    assert TREE.with_ancestors("siamese") == {"siamese", "cats", "animals", ("Pets",)}
    assert TREE.with_ancestors("unknown") == {"unknown"}


@pytest.mark.parametrize(
    ("predicted", "gold", "relation"),
    [
        ("owls", ["owls", "cats"], "hit"),
        ("animals", ["owls"], "ancestor"),
        ("siamese", ["animals"], "descendant"),
        ("birds", ["cats"], "sibling"),
        ("dogs", ["cats"], "sibling"),
        ("owls", ["siamese"], "miss"),
        ("saws", ["dogs"], "miss"),
        ("flat", ["animals"], "miss"),
        ("unknown", ["animals"], "miss"),
        ("cats", ["birds", "siamese"], "ancestor"),
    ],
)
def test_relations(predicted, gold, relation):
    assert TREE.relation(predicted, gold) == relation


def test_the_nearest_of_several_counts():
    assert TREE.best(["saws", "birds", "animals"], ["cats"]) == "ancestor"
    assert TREE.best([], ["cats"]) == "miss"
    assert TREE.outcomes([["saws"], ["birds", "cats"], []], [["dogs"], ["cats"], ["owls"]]) == {
        "hit": 1,
        "ancestor": 0,
        "descendant": 0,
        "sibling": 0,
        "miss": 2,
    }


def test_hierarchical_scores_by_hand():
    predicted, gold = [["owls", "saws"], ["dogs"], []], [["birds"], ["cats"], ["saws"]]
    assert TREE.counts(predicted, gold).tolist() == [[2, 5, 2], [1, 2, 3], [0, 0, 2]]
    assert TREE.score(predicted, gold, top=2) == HierarchicalScores(
        precision=pytest.approx(3 / 7), recall=pytest.approx(3 / 7), f=pytest.approx(6 / 14), top=2
    )
    assert TREE.score(predicted, gold, top=1) == HierarchicalScores(
        precision=pytest.approx(3 / 5), recall=pytest.approx(3 / 7), f=pytest.approx(6 / 12), top=1
    )


def test_nothing_scores_nothing():
    assert TREE.score([], [], top=1) == HierarchicalScores(0.0, 0.0, 0.0, 1)


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple)
hierarchies = st.dictionaries(st.sampled_from("uvwxyz"), st.lists(paths, min_size=1, max_size=3), min_size=1)


@settings(deadline=None)
@given(hierarchies, st.data())
def test_scores_lie_between_0_and_1_and_perfect_ones_are_1(label_paths, data):
    hierarchy = Hierarchy(label_paths)
    some = st.lists(st.sampled_from(sorted(label_paths)), min_size=1, max_size=3)
    predicted, gold = data.draw(some), data.draw(some)
    scores = hierarchy.score([predicted], [gold], top=3)
    assert 0 <= min(scores.precision, scores.recall, scores.f) <= max(scores.precision, scores.recall) <= 1
    assert hierarchy.score([gold], [gold], top=3) == HierarchicalScores(1.0, 1.0, 1.0, 3)
    if hierarchy.best(predicted, gold) in ("hit", "ancestor", "descendant", "sibling"):
        assert scores.f > 0
