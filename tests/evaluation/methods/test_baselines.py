"""BM25 over label texts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.methods.flat import Ranked, bm25_rank

LABELS = ["red fox", "red deer", "brown bear", "Fox den", ""]


def test_labels_that_share_rarer_words_come_first():
    found = bm25_rank(LABELS, ["A FOX in its den", "the red one", "nothing shared", ""], 2)
    assert [ranked.places for ranked in found] == [[3, 0], [0, 1], [], []]
    assert found[1].scores[0] == found[1].scores[1] > 0
    assert found[2:] == [Ranked([], []), Ranked([], [])]


def test_equal_scores_keep_the_order_of_the_labels():
    assert bm25_rank(["same word"] * 50, ["word"], 3)[0].places == [0, 1, 2]


def test_labels_without_words_match_nothing():
    assert bm25_rank(["", "!!"], ["anything"], 3) == [Ranked([], [])]
    assert bm25_rank([], ["anything"], 3) == [Ranked([], [])]
    assert bm25_rank(LABELS, [], 3) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab ", max_size=6), max_size=8), st.text("ab ", max_size=6), st.integers(1, 5))
def test_rankings_fall_and_hold_only_matches(labels, text, k):
    places, scores = bm25_rank(labels, [text], k)[0]
    assert scores == sorted(scores, reverse=True)
    assert len(places) == len(set(places)) <= k
    assert all(set(labels[place].split()) & set(text.split()) for place in places)
    assert len(places) == min(k, sum(bool(set(label.split()) & set(text.split())) for label in labels))
