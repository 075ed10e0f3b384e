"""McNemar's exact test against SciPy and by hand; paired differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from taxonaut.evaluation.trials.trial import McNemar, bound_paired_differences, exact_p_value, mcnemar

COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (1, 1, 1.0),
        (5, 0, 2 / 32),
        (6, 0, 2 / 64),
        (8, 3, 2 * (1 + 11 + 55 + 165) / 2048),
    ],
)
def test_by_hand(better: int, worse: int, p: float) -> None:
    assert exact_p_value(better, worse) == p
    assert exact_p_value(worse, better) == p


@given(better=COUNTS, worse=COUNTS)
def test_it_is_the_binomial_test(better: int, worse: int) -> None:
    if better + worse:
        assert exact_p_value(better, worse) == pytest.approx(binomtest(better, better + worse).pvalue)


@given(pairs=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_every_item_is_counted_once_and_sides_may_be_swapped(pairs: list[tuple[bool, bool]]) -> None:
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    found, swapped = mcnemar(before, after), mcnemar(after, before)
    assert found.better + found.worse + found.same == len(pairs)
    assert (found.better, found.worse, found.p) == (swapped.worse, swapped.better, swapped.p)
    assert found.better - found.worse == sum(after) - sum(before)


def test_words() -> None:
    assert (
        McNemar(8, 3, 89, exact_p_value(8, 3)).words == "8 better, 3 worse; this could be chance (p = 0.23)"
    )
    assert McNemar(9, 0, 91, exact_p_value(9, 0)).words == (
        "9 better, 0 worse; chance alone would seldom do this (p = 0.004)"
    )
    assert McNemar(0, 20, 0, exact_p_value(0, 20)).words == (
        "0 better, 20 worse; chance alone would seldom do this (p < 0.001)"
    )
    assert mcnemar([True], [True]).words == "none better, none worse"


def test_a_difference_is_of_the_same_items() -> None:
    before, after = {"P@1": np.array([0.0, 1.0, 0.0, 1.0])}, {"P@1": np.array([1.0, 1.0, 1.0, 1.0])}
    (gap,) = bound_paired_differences(before, after).values()
    assert (gap.value, 0 <= gap.low < 0.5 < gap.high <= 1) == (0.5, True)
    (none,) = bound_paired_differences(before, before).values()
    assert (none.value, none.low, none.high) == (0.0, 0.0, 0.0)
    assert bound_paired_differences({"P@1": np.zeros(0)}, {"P@1": np.zeros(0)}) == {}
