"""Platt scaling with soft targets: sigmoid(slope * score + offset), fitted to annotators' shares (Platt 1999)."""

from dataclasses import dataclass

import numpy as np

from taxonaut.models.distributions.label_probabilities import Numbers, sigmoid

_PENALTY = 1e-3
"""On the slope's distance from 1 and the offset: keeps both finite where targets are all 0 or all 1."""


@dataclass(frozen=True, slots=True)
class Platt:
    """A fitted scale of scores, such as log P(label) - log P(none)."""

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, scores: Numbers) -> Numbers:
        """Return probabilities of scores, of any shape."""
        return sigmoid(self.slope * np.asarray(scores, np.float64) + self.offset)


def fit_platt(scores: Numbers, targets: Numbers) -> Platt:
    """Fit slope and offset to shares of annotators (0 to 1); `scores` and `targets` have equal shapes.

    Minimizes the cross-entropy by Newton's method, starting where nothing is changed.
    """
    x, y = np.ravel(scores).astype(np.float64), np.ravel(targets).astype(np.float64)
    scale = float(np.abs(x).max(initial=0.0)) or 1.0
    design = np.stack([x / scale, np.ones_like(x)], axis=1)
    start = np.array([scale, 0.0])

    def loss(at: Numbers) -> float:
        values = design @ at
        away = at - start
        return float((np.logaddexp(0, values) - y * values).sum() + _PENALTY / 2 * away @ away)

    found, best = start.copy(), loss(start)
    for _ in range(100):
        shares = sigmoid(design @ found)
        gradient = design.T @ (shares - y) + _PENALTY * (found - start)
        if np.abs(gradient).max() < 1e-9 * max(len(y), 1):
            break
        curvature = (design * (shares * (1 - shares))[:, None]).T @ design + _PENALTY * np.eye(2)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (now := loss(found - size * step)) > best and size > 1e-6:
            size /= 2
        found, best = found - size * step, now
    return Platt(float(found[0] / scale), float(found[1]))
