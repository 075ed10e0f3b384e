"""Calibrate an expert's logits by temperature scaling on held-out products."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taxonaut.models.embedder import Matrix

BINS = 15


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error (ECE): the mean gap of confidence and accuracy over equally wide bins.

    `confidence` (n,) is the probability of each first prediction, `right` (n,) whether it was right. Bins are closed
    above, (0, 1/15], as in Guo et al. 2017, equation 3, and weighted by their rows; a confidence of 0 counts in the
    lowest. Returns 0 without rows. Raises ValueError for confidences outside 0 to 1, or of another length than
    `right`.
    """
    sure: NDArray[np.float64] = np.asarray(confidence, dtype=np.float64)
    hits: NDArray[np.float64] = np.asarray(right, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != hits.shape:
        raise ValueError(
            f"confidence has shape {sure.shape}, right {hits.shape}; give vectors of equal length"
        )
    if not len(sure):
        return 0.0
    if not ((sure >= 0) & (sure <= 1 + 1e-6)).all():
        raise ValueError(
            f"confidences run from {float(sure.min())} to {float(sure.max())}; give probabilities"
        )
    place = np.clip(np.ceil(sure * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=sure - hits, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


CANDIDATES = 40
"""Number of likeliest categories with a non-zero probability."""

WIDEST = 3.0
"""Bound of log temperatures: they stay between exp(-3) and exp(3)."""

SUREST = 14.0
"""Upper bound of the log-odds of a first category."""


@dataclass(frozen=True, slots=True)
class TemperatureScaling:
    """Temperature scaling with a temperature per product: exp(level + slope * log-odds of its first category).

    With a slope of 0 it is plain temperature scaling (Guo et al. 2017, 4.2). The slope corrects models that are
    overconfident on clear products and underconfident on unclear ones. It keeps the order of categories.
    """

    level: float = 0.0
    slope: float = 0.0

    def probabilities(self, logits: Matrix) -> Matrix:
        """Return the probabilities (n, C) of logits (n, C); rows sum to 1, at most CANDIDATES of one above 0."""
        if not logits.shape[1]:
            return logits
        best, places = top_logits(logits)
        shares = self.shares(best)
        if places is None:
            return shares
        found = np.zeros_like(logits)
        np.put_along_axis(found, places, shares, axis=1)
        return found

    def shares(self, best: Matrix) -> Matrix:
        """Return the softmax of rows at their temperatures; the highest logit of a row must be 0."""
        shares: Matrix = np.exp(self.scaled(best))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def log_shares(self, logits: Matrix) -> Matrix:
        """Return the log probabilities of some categories of each row, (n, k); -inf stands for no category."""
        scaled = self.scaled(logits - logits.max(axis=1, keepdims=True))
        logs: Matrix = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return logs

    def scaled(self, best: Matrix) -> Matrix:
        """Divide rows by their temperatures; the highest logit of a row must be 0."""
        odds = np.exp(best)
        others = odds.sum(axis=1) - 1
        sure = np.minimum(-np.log(np.maximum(others, 1e-9)), SUREST)
        heat = np.exp(-np.clip(self.level + self.slope * sure, -WIDEST, WIDEST)).astype(np.float32)
        scaled: Matrix = best * heat[:, None]
        return scaled


def top_logits(logits: Matrix) -> tuple[Matrix, NDArray[np.int64] | None]:
    """Return the highest logits of each row minus its maximum, (n, k), and their columns (None: all)."""
    places = None
    best = logits
    if logits.shape[1] > CANDIDATES:
        places = np.argpartition(-logits, CANDIDATES - 1, axis=1)[:, :CANDIDATES]
        best = np.take_along_axis(logits, places, axis=1)
    return best - best.max(axis=1, keepdims=True), places


def fit_temperature(logits: Matrix, right: NDArray[np.bool_], *, slope: bool = True) -> TemperatureScaling:
    """Fit temperature scaling by minimizing the log loss of first categories.

    `logits` (n, C) are those of held-out products, `right` (n,) says whether the highest is right. Without `slope`
    all products share one temperature.
    """
    from scipy.optimize import minimize

    if not len(logits):
        return TemperatureScaling()
    best, _ = top_logits(logits)

    def loss(values: NDArray[np.float64]) -> float:
        level, steep = float(values[0]), float(values[1]) if slope else 0.0
        sure = TemperatureScaling(level, steep).shares(best).max(axis=1).astype(np.float64)
        sure = np.clip(sure, 1e-6, 1 - 1e-6)
        spread = 1e-3 * (level**2 + steep**2)
        return float(-np.where(right, np.log(sure), np.log1p(-sure)).mean() + spread)

    found = minimize(loss, np.zeros(2 if slope else 1), method="Nelder-Mead").x
    return TemperatureScaling(float(found[0]), float(found[1]) if slope else 0.0)
