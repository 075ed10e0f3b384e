"""Probabilities of an encoder's scores: their range, their order, and what fitting changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.encoder.probabilities import (
    PRIOR,
    Calibration,
    RankedItem,
    first_probability,
    fit_calibration,
)

SCORES = st.lists(st.floats(-1, 1.2), min_size=1, max_size=30).map(lambda found: sorted(found, reverse=True))


@given(SCORES, st.integers(1, 30))
def test_they_fall_with_the_ranking_and_stay_within_0_and_1(scores: list[float], shown: int) -> None:
    found = PRIOR.probabilities(scores[:shown], scores[:11])
    assert len(found) == min(shown, len(scores))
    assert all(0 <= each <= 1 for each in found)
    assert found == sorted(found, reverse=True)


def test_a_clear_label_is_likelier_than_one_of_many_and_one_that_fits_badly() -> None:
    clear, *_ = PRIOR.probabilities([1.02], [1.02, 0.3, 0.25, 0.2])
    tied, *_ = PRIOR.probabilities([1.02], [1.02, 1.0, 0.99, 0.98])
    poor, *_ = PRIOR.probabilities([0.2], [0.2, 0.19, 0.18])
    assert clear > 0.95
    assert tied < 0.7
    assert poor < 0.3
    assert PRIOR.probabilities([], []) == []
    assert PRIOR.probabilities([0.5, 0.4], []) == PRIOR.probabilities([0.5, 0.4], [0.5, 0.4])


def made(count: int, overconfident: float, seed: int = 0) -> list[RankedItem]:
    """Draw items whose first label is right less often than the prior says."""
    draw = np.random.default_rng(seed)
    items = []
    for _ in range(count):
        scores = sorted(draw.uniform(0.2, 0.9, 8).tolist(), reverse=True)
        chance = overconfident * PRIOR.probabilities(scores[:1], scores)[0]
        items.append(RankedItem(scores, [bool(draw.random() < chance), *[False] * 7]))
    return items


def test_fitting_follows_the_items_and_stays_near_the_prior_with_few() -> None:
    held_out = made(400, 0.5, seed=1)
    right = np.mean([item.right[0] for item in held_out])
    gaps = []
    for calibration in (PRIOR, fit_calibration([made(20, 0.5)]), fit_calibration([made(400, 0.5)])):
        said = np.mean([first_probability(item, calibration) for item in held_out])
        gaps.append(abs(said - right))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.06
    assert fit_calibration([]) == PRIOR


def test_a_fit_never_turns_the_order() -> None:
    upside_down = [RankedItem([0.9, 0.1], [False, True])] * 50 + [RankedItem([0.3, 0.2], [True, False])] * 50
    fitted = fit_calibration([upside_down])
    assert (fitted.share, fitted.score) >= (0, 0)
    assert isinstance(fitted, Calibration)
    first, second = fitted.probabilities([0.9, 0.1], [0.9, 0.1])
    assert first >= second


def test_without_a_prior_each_group_counts_equally() -> None:
    often, seldom = made(300, 1.0), made(30, 0.0)
    fitted = fit_calibration([often, seldom], None)
    said = np.mean([first_probability(item, fitted) for item in often])
    right = np.mean([item.right[0] for item in often])
    assert said == pytest.approx(right / 2, abs=0.08)
