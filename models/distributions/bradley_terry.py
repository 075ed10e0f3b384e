"""Strengths of options from soft pairwise preferences: Bradley–Terry with an L2 penalty (*binary breakdown*)."""

import numpy as np

from taxonaut.models.distributions.label_probabilities import Numbers, sigmoid

PENALTY = 0.1
"""The L2 penalty on strengths: with none, an option that is always preferred has no finite strength."""

_STEPS = 100
_CLOSE = 1e-10


def bradley_terry(preferences: Numbers, penalty: float = PENALTY) -> Numbers:
    """Return the strengths s (n,) that fit the preferences best under P(i over j) = sigmoid(s_i - s_j).

    `preferences` (n, n): how much i is preferred to j, in 0 to 1, with `preferences[j, i] = 1 - preferences[i, j]`;
    NaN for a pair that was not compared, and on the diagonal. Maximizes the sum over pairs of
    p log sigmoid(s_i - s_j) + (1 - p) log sigmoid(s_j - s_i), less `penalty` / 2 times the sum of s squared, by
    Newton's method. The penalty makes the optimum unique, and its strengths add up to 0.
    """
    compared = ~np.isnan(preferences)
    np.fill_diagonal(compared, False)
    wanted = np.where(compared, preferences, 0.0)
    strengths = np.zeros(len(preferences))

    def value(at: Numbers) -> float:
        gaps = at[:, None] - at[None, :]
        return float((np.where(compared, wanted * -np.logaddexp(0, -gaps), 0)).sum() - penalty / 2 * at @ at)

    best = value(strengths)
    for _ in range(_STEPS):
        expected = sigmoid(strengths[:, None] - strengths[None, :])
        gradient = np.where(compared, wanted - expected, 0.0).sum(axis=1) - penalty * strengths
        if np.abs(gradient).max(initial=0.0) < _CLOSE:
            break
        weights = np.where(compared, expected * (1.0 - expected), 0.0)
        curvature = np.diag(weights.sum(axis=1) + penalty) - weights
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (found := value(strengths + size * step)) < best and size > 1e-6:
            size /= 2
        strengths, best = strengths + size * step, found
    return strengths


def binary_breakdown(preferences: Numbers, penalty: float = PENALTY) -> Numbers:
    """Return sigmoid(s_label - s_none) of each label (n - 1,); *none* is the last of the n options compared."""
    strengths = bradley_terry(preferences, penalty)
    return sigmoid(strengths[:-1] - strengths[-1])
