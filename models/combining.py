"""How much each part of an expert counts: a conditional logit over candidates (McFadden 1974) on held-out scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix

SHRINKAGE = 3e-4
"""Weight of the squared weights in the loss; parts are scaled to a deviation of 1."""

FLAT = 1e-6
"""Deviation below which a part says nothing, and is not scaled up to say something."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scores of each part for the candidates of each row: `scores` (n, k, parts).

    `right` (n, k) is each candidate's share of the row's categories. Rows without a right candidate count nothing.
    """

    scores: Matrix
    right: Matrix

    @classmethod
    def joined(cls, some: Sequence["Candidates"]) -> "Candidates":
        """Put the rows of several together."""
        return cls(
            np.concatenate([each.scores for each in some]), np.concatenate([each.right for each in some])
        )


def candidates(scores: Mapping[str, Matrix], targets: Matrix, rough: Matrix, count: int) -> Candidates:
    """Take the `count` best categories of each row by `rough` (n, C), and its right ones, from all parts' scores.

    `targets` (n, C) has rows that sum to 1.
    """
    count = min(count, rough.shape[1])
    lifted = rough + np.float32(1e6) * (targets > 0)
    places = np.argpartition(-lifted, count - 1, axis=1)[:, :count]
    stacked = np.stack([np.take_along_axis(each, places, axis=1) for each in scores.values()], axis=2)
    return Candidates(stacked.astype(np.float32), np.take_along_axis(targets, places, axis=1))


def fitted(found: Candidates, names: Sequence[str]) -> dict[str, float]:
    """Return the weight of each part, such that the sums of weighted scores are logits of the right candidates."""
    from scipy.optimize import minimize

    flat = found.scores.reshape(-1, found.scores.shape[2])
    spread = flat.std(axis=0, dtype=np.float64)
    scale = np.where(spread < FLAT, 1, spread).astype(np.float32)
    scores: NDArray[np.float32] = found.scores / scale
    right = found.right
    share = right.sum(axis=1, keepdims=True)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = scores @ weights.astype(np.float32)
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        total = odds.sum(axis=1, keepdims=True)
        wrong = share * odds / total - right
        value = float((right * (np.log(total) - logits)).sum() / len(scores))
        slope = np.tensordot(wrong, scores, axes=((0, 1), (0, 1))).astype(np.float64) / len(scores)
        return value + SHRINKAGE * float(weights @ weights), slope + 2 * SHRINKAGE * weights

    start = np.zeros(len(names))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return {name: float(weight / size) for name, weight, size in zip(names, best.x, scale, strict=True)}
