"""Fit stacking weights of an expert's parts by a conditional logit (McFadden 1974) on held-out scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix

SHRINKAGE = 3e-4
"""L2 regularization of the weights; parts are scaled to a deviation of 1."""

WRONG = 0.05
"""Initial value of the label noise rate."""

LEAST = 1e-12
FLAT = 1e-6
"""Deviation below which a part is constant and is not scaled."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scores of each part for the candidates of each row: `scores` (n, k, parts).

    `right` (n, k) is each candidate's share of the row's categories. Rows without a right candidate are ignored.
    """

    scores: Matrix
    right: Matrix

    @classmethod
    def concatenate(cls, some: Sequence["Candidates"]) -> "Candidates":
        """Concatenate the rows of several."""
        return cls(
            np.concatenate([each.scores for each in some]), np.concatenate([each.right for each in some])
        )


def take_candidates(scores: Mapping[str, Matrix], targets: Matrix, rough: Matrix, count: int) -> Candidates:
    """Select the `count` best categories of each row by `rough` (n, C), with all parts' scores.

    A right one that is not among them stays out, so that its row counts nothing: were it taken in, weights would be
    learned by which the worst candidate wins. `targets` (n, C) has rows that sum to 1.
    """
    count = min(count, rough.shape[1])
    places = np.argpartition(-rough, count - 1, axis=1)[:, :count]
    stacked = np.stack([np.take_along_axis(each, places, axis=1) for each in scores.values()], axis=2)
    return Candidates(stacked.astype(np.float32), np.take_along_axis(targets, places, axis=1))


def fit_weights(found: Candidates, names: Sequence[str]) -> dict[str, float]:
    """Fit the weight of each part by maximum likelihood of the right candidates.

    The model includes uniform label noise with a fitted rate: otherwise a few wrong labels of clear products would
    pull all weights towards 0.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    kept = found.right.sum(axis=1) > 0
    flat = found.scores.reshape(-1, found.scores.shape[2])
    spread = flat.std(axis=0, dtype=np.float64)
    scale = np.where(spread < FLAT, 1, spread).astype(np.float32)
    scores: NDArray[np.float32] = found.scores[kept] / scale
    right = found.right[kept]
    any_of_them = 1 / right.shape[1]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, wrong = values[:-1], float(expit(values[-1]))
        odds = softmax(scores @ weights.astype(np.float32))
        given = right * odds
        sure = given.sum(axis=1)
        likely = (1 - wrong) * sure + wrong * any_of_them
        meant = (1 - wrong) * sure / likely
        apart = odds - given / np.maximum(sure, LEAST)[:, None]
        slope = np.tensordot(meant[:, None] * apart, scores, axes=((0, 1), (0, 1))) / len(scores)
        steep = ((sure - any_of_them) / likely).mean() * wrong * (1 - wrong)
        value = float(-np.log(likely).mean()) + SHRINKAGE * float(weights @ weights)
        return value, np.append(slope.astype(np.float64) + 2 * SHRINKAGE * weights, float(steep))

    start = np.append(np.zeros(len(names)), np.log(WRONG / (1 - WRONG)))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x[:-1]
    return {name: float(weight / size) for name, weight, size in zip(names, best, scale, strict=True)}


def softmax(logits: Matrix) -> Matrix:
    """Return the softmax of each row."""
    odds: Matrix = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
