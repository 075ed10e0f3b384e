"""Turn an encoder's scores into probabilities: how likely each label of a ranking is right.

A logistic regression over two numbers of a label: its log-odds in a softmax over the best scores of the ranking, and
its score itself, without which a text that fits nothing would look like one that fits well (Platt 1999; the softmax
makes it depend on what competes).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

COMPETING = 11
"""The best scores of a ranking that are compared."""

FEWEST = 20
"""Fewest items that a calibration is fitted on."""

MOST = 0.99
"""No label is surer."""

_HEAT = 0.1
_PULL = 0.1
_FREE = 1e-6
_OTHERS = 0.5

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the logistic regression; the defaults are the prior (docs/results.md, *Scores*)."""

    intercept: float = -1.029
    share: float = 1.201
    score: float = 2.194

    def probabilities(self, scores: Sequence[float], ranked: Sequence[float]) -> list[float]:
        """Return a probability from 0 to 1 for each score, best first; none is higher than one before it.

        `ranked` are the best scores of the whole ranking, of which at most 11 count; without any, the scores.
        """
        if not scores:
            return []
        logits = features(np.asarray(scores, float), np.asarray(ranked or scores, float)) @ self.weights
        found = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return [float(each) for each in np.minimum.accumulate(np.minimum(found, MOST))]

    @property
    def weights(self) -> Array:
        """The weights as a vector (3,), in the order of `features`."""
        return np.array([self.intercept, self.share, self.score])


PRIOR = Calibration()
"""Where nothing was labelled: fitted on the development parts of several sets (`benchmarks/calibration.py`)."""


@dataclass(frozen=True, slots=True)
class RankedItem:
    """The scores of an item's ranked labels, best first, and which of them are right."""

    scores: Sequence[float]
    right: Sequence[bool]


def features(scores: Array, ranked: Array) -> Array:
    """Return a row (1, log-odds in the softmax, score) for each score, (n, 3)."""
    best = np.sort(ranked)[::-1][:COMPETING]
    heat = np.exp(best / _HEAT)
    total = heat.sum() + 1.0  # a label of score 0 always competes
    own = np.exp(scores / _HEAT)
    others = np.maximum(total - np.where(scores >= best[-1], own, 0.0), 1.0)
    return np.stack([np.ones(len(scores)), scores / _HEAT - np.log(others), scores], axis=1)


def fit_calibration(groups: Sequence[Sequence[RankedItem]], prior: Calibration | None = PRIOR) -> Calibration:
    """Fit the weights by penalized maximum likelihood: near the prior unless the items say otherwise.

    Each group counts equally, and in an item the first label as much as all others. With `prior` None nothing pulls.
    """
    from scipy.optimize import minimize

    rows, targets, shares = [], [], []
    for group in groups:
        for item in group:
            scores = np.asarray(item.scores[:COMPETING], float)
            if not len(scores):
                continue
            weight = np.full(len(scores), _OTHERS / max(len(scores) - 1, 1))
            weight[0] = 1 - _OTHERS
            rows.append(features(scores, np.asarray(item.scores, float)))
            targets.append(np.asarray(item.right[:COMPETING], float))
            shares.append(weight / (len(group) if prior is None else 1))
    if not rows:
        return prior or PRIOR
    given, right, weights = np.concatenate(rows), np.concatenate(targets), np.concatenate(shares)
    start = PRIOR.weights if prior is None else prior.weights
    pull = _FREE if prior is None else _PULL

    def loss(values: Array) -> tuple[float, Array]:
        logits = given @ values
        wrong = 1 / (1 + np.exp(-np.clip(logits, -30, 30))) - right
        moved = values - start
        total = weights @ (np.logaddexp(0, logits) - right * logits) + pull * (moved @ moved)
        return float(total), (weights * wrong) @ given + 2 * pull * moved

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (0, None), (0, None)]).x
    return Calibration(*(round(float(value), 3) for value in found))


def first_probability(item: RankedItem, calibration: Calibration) -> float:
    """Return the probability of an item's first label, 0 without one."""
    return next(iter(calibration.probabilities(item.scores[:1], item.scores)), 0.0)
