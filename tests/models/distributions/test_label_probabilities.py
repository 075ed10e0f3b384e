"""Each zero-shot reading against numbers worked out by hand."""

import math

import numpy as np
import pytest

from taxonaut.models.distributions.bradley_terry import binary_breakdown, bradley_terry
from taxonaut.models.distributions.label_probabilities import (
    compare_to_none,
    entropy,
    hard,
    max_over_generations,
    softmax,
    unary,
)
from taxonaut.models.distributions.platt import fit_platt
from taxonaut.models.distributions.soft_logistic import fit_soft_logistic


def logs(*shares: float) -> np.ndarray:
    return np.log(np.array(shares))


def test_compare_to_none_is_the_share_of_label_among_label_and_none() -> None:
    # P(joy) = .6, P(anger) = .1, P(none) = .2: .6 / .8 and .1 / .3
    assert compare_to_none(logs(0.6, 0.1), math.log(0.2)) == pytest.approx([0.75, 1 / 3])


def test_hard_leaves_epsilon() -> None:
    assert hard([2, 0], 4, 0.05).tolist() == [0.95, 0.05, 0.95, 0.05]
    assert hard([], 2, 0.05).tolist() == [0.05, 0.05]


def test_unary_is_the_share_of_reasonable() -> None:
    assert unary(logs(0.3, 0.02), logs(0.1, 0.08)) == pytest.approx([0.75, 0.2])


def test_max_takes_each_labels_best_step() -> None:
    # Step 1, with none last: .5 .2 .1 | .2. Step 2: .1 .6 .1 over the labels, which is .125 .75 .125.
    found = max_over_generations([logs(0.5, 0.2, 0.1, 0.2), logs(0.1, 0.6, 0.1)], 3)
    assert found == pytest.approx([0.5, 0.75, 0.125])
    assert max_over_generations([], 2).tolist() == [0, 0]


def test_softmax_and_entropy() -> None:
    assert softmax(np.array([1000.0, 1000.0])).tolist() == [0.5, 0.5]
    assert entropy(logs(0.25, 0.25, 0.25, 0.25)) == pytest.approx(2.0)
    assert entropy(np.array([0.0, -1e9])) == pytest.approx(0.0)


def test_bradley_terry_of_two_options_solves_its_equation() -> None:
    # One pair, p = .8: s and -s with .8 - sigmoid(2 s) = penalty * s. At s = .25, sigmoid(.5) = .62246, so that
    # the penalty .71016 has its optimum there.
    strengths = bradley_terry(np.array([[np.nan, 0.8], [0.2, np.nan]]), (0.8 - 0.6224593312) / 0.25)
    assert strengths == pytest.approx([0.25, -0.25], abs=1e-8)


def test_preferences_that_strengths_explain_are_recovered() -> None:
    wanted = np.array([1.0, 0.0, -1.5, 0.5])
    preferences = 1 / (1 + np.exp(-(wanted[:, None] - wanted[None, :])))
    assert bradley_terry(preferences, 1e-9) == pytest.approx(wanted, abs=1e-6)
    # none is the last, with strength .5
    assert binary_breakdown(preferences, 1e-9) == pytest.approx(
        [1 / (1 + math.exp(-each)) for each in (0.5, -0.5, -2.0)], abs=1e-6
    )


def test_an_option_that_always_wins_has_a_finite_strength() -> None:
    strengths = bradley_terry(np.array([[np.nan, 1.0, 1.0], [0.0, np.nan, 0.5], [0.0, 0.5, np.nan]]))
    assert strengths[0] > strengths[1] == pytest.approx(strengths[2])
    assert np.isfinite(strengths).all()
    assert strengths.sum() == pytest.approx(0, abs=1e-8)


def test_pairs_that_were_not_compared_do_not_count() -> None:
    known = np.array([[np.nan, 0.9, np.nan], [0.1, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    assert bradley_terry(known, 0.5)[2] == pytest.approx(0)


def test_platt_recovers_slope_and_offset() -> None:
    scores = np.linspace(-3, 3, 200).reshape(100, 2)
    fitted = fit_platt(scores, 1 / (1 + np.exp(-(0.4 * scores - 1.2))))
    assert (fitted.slope, fitted.offset) == pytest.approx((0.4, -1.2), abs=1e-3)
    assert fitted.apply(np.array([3.0])) == pytest.approx([0.5], abs=1e-3)


def test_platt_stays_finite_where_targets_are_separable() -> None:
    fitted = fit_platt(np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    assert math.isfinite(fitted.slope)
    assert fitted.slope > 1


def test_soft_logistic_reaches_the_mean_shares_without_features() -> None:
    targets = np.array([[0.2, 1.0], [0.4, 0.5]])
    model = fit_soft_logistic(np.zeros((2, 1)), targets, 1.0)
    assert model.predict(np.zeros((1, 1)))[0] == pytest.approx([0.3, 0.75], abs=1e-4)


def test_soft_logistic_of_one_feature_solves_its_equation() -> None:
    # x = +1 with share .8 and x = -1 with .2: the offset is 0 and w solves 2 (sigmoid(w) - .8) + penalty w = 0.
    # At w = 1: sigmoid(1) = .731059, so that the penalty is .137883.
    model = fit_soft_logistic(np.array([[1.0], [-1.0]]), np.array([[0.8], [0.2]]), 2 * (0.8 - 0.7310585786))
    assert model.weights[0, 0] == pytest.approx(1.0, abs=1e-4)
    assert model.offsets[0] == pytest.approx(0.0, abs=1e-4)
