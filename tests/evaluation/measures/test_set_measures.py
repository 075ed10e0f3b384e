"""Precision, recall and F1 of sets: by hand, and as scikit-learn has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.measures.set_measures import count_sets, set_ratios

ANSWERED = [{"a"}, {"a", "b"}, set(), {"c"}]
RIGHT = [{"a", "b"}, {"a"}, {"b"}, {"d"}]


def test_a_small_case_by_hand() -> None:
    """a: right twice, answered twice, 2 hits; b: right twice, answered once, none; c answered, d right, in vain."""
    counts = count_sets(ANSWERED, RIGHT)
    by_label = dict(zip(counts.labels, counts.by_label().tolist(), strict=True))
    assert by_label == {"a": [2, 2, 2], "b": [0, 1, 2], "d": [0, 0, 1], "c": [0, 1, 0]}
    assert counts.items().tolist() == [[1, 1, 2], [1, 2, 1], [0, 0, 1], [0, 1, 1]]
    micro = [float(each[0]) for each in set_ratios(*counts.items().sum(axis=0, keepdims=True).T)]
    assert micro == pytest.approx([2 / 4, 2 / 5, 4 / 9])
    assert counts.macro(np.ones((1, 4), dtype=np.int64))[0].tolist() == pytest.approx([1 / 4, 1 / 4, 1 / 4])
    example = [each.tolist() for each in set_ratios(*counts.items().T)]
    assert example == [[1, 0.5, 0, 0], [0.5, 1, 0, 0], [pytest.approx(2 / 3), pytest.approx(2 / 3), 0, 0]]


def test_macro_of_a_sample_is_over_the_labels_in_it() -> None:
    """The first item twice: a has F1 1, b was never answered; c and d are not in the sample."""
    times = np.array([[2, 0, 0, 0], [0, 0, 4, 0]])
    assert count_sets(ANSWERED, RIGHT).macro(times).tolist() == [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0]]


def test_no_items_and_no_labels() -> None:
    nothing = count_sets([], [])
    assert (nothing.items().shape, nothing.by_label().shape) == ((0, 3), (0, 3))
    assert count_sets([set()], [set()]).macro(np.ones((1, 1), dtype=np.int64)).tolist() == [[0.0, 0.0, 0.0]]


names = st.sets(st.sampled_from("abcdef"), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, names.filter(bool)), min_size=1, max_size=30))
def test_it_agrees_with_scikit_learn(pairs: list[tuple[set[str], set[str]]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [*pairs, ({"y"}, {"y", "z"})]  # scikit-learn takes fewer than two labels for another kind of task
    counts = count_sets([answered for answered, _ in pairs], [right for _, right in pairs])

    def score(average: str) -> list[float]:
        matrices = counts.right.toarray().astype(int), counts.answered.toarray().astype(int)
        found = metrics.precision_recall_fscore_support(*matrices, average=average, zero_division=0)
        return list(found[:3])

    one = np.ones((1, len(pairs)), dtype=np.int64)
    micro = [float(each[0]) for each in set_ratios(*(one @ counts.items()).T)]
    assert micro == pytest.approx(score("micro"))
    assert counts.macro(one)[0].tolist() == pytest.approx(score("macro"))
    assert [each.mean() for each in set_ratios(*counts.items().T)] == pytest.approx(score("samples"))
