"""Logistic regression on shares of annotators: one cross-entropy for each label, with an L2 penalty."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.distributions.label_probabilities import Numbers, sigmoid

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST_SHARE = 1e-4
"""Where a label's share starts that nobody gave."""


@dataclass(frozen=True, slots=True)
class SoftLogistic:
    """A linear model: weights (d, L) and offsets (L,)."""

    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def scores(self, rows: Any) -> Numbers:
        """Return the log-odds (n, L) of rows (n, d)."""
        return np.asarray(rows @ self.weights + self.offsets, np.float64)

    def predict(self, rows: Any) -> Numbers:
        """Return the probabilities (n, L) of rows (n, d)."""
        return sigmoid(self.scores(rows))


@dataclass(frozen=True, slots=True)
class Compressed:
    """Rows in the basis of their own inner products: (n, r) with r at most n, in place of many columns.

    A fit with an L2 penalty is the same in it, as its weights are sums of rows; `back` (r, n) leads to these sums.
    """

    rows: NDArray[np.float32]
    back: NDArray[np.float64]

    @classmethod
    def of(cls, rows: "csr_matrix") -> Self:
        """Compress sparse rows (n, d): one eigendecomposition of (n, n)."""
        values, vectors = np.linalg.eigh((rows @ rows.T).toarray().astype(np.float64))
        kept = values > _NOTHING * values[-1]
        kept[: -MOST_DIRECTIONS or None] &= len(values) <= MOST_DIRECTIONS
        lengths = np.sqrt(values[kept])
        return cls((vectors[:, kept] * lengths).astype(np.float32), (vectors[:, kept] / lengths).T)

    def model(self, fitted: "SoftLogistic", rows: "csr_matrix") -> "SoftLogistic":
        """Return a model that was fitted to `self.rows` as one of the original rows (n, d)."""
        sums = self.back.T @ fitted.weights.astype(np.float64)
        return SoftLogistic(np.asarray(rows.T @ sums, np.float32), fitted.offsets)


MOST_DIRECTIONS = 1_000
"""Directions that are kept at most, the longest: more take longer to fit and say little of rows of words."""

_NOTHING = 1e-5
"""Share of the largest inner product below which a direction is left out."""


def fit_soft_logistic(
    rows: Any,
    targets: NDArray[np.floating[Any]],
    penalty: float,
    *,
    steps: int = 120,
    on_step: Callable[[], None] = lambda: None,
) -> SoftLogistic:
    """Fit log-odds to `targets` (n, L), the share of annotators who gave each label, by L-BFGS.

    Minimizes the summed cross-entropy plus `penalty` / 2 times the squared weights; offsets are free. `rows` are
    dense or sparse (n, d).
    """
    from scipy.optimize import minimize

    goal = np.asarray(targets, np.float64)
    width, labels = rows.shape[1], goal.shape[1]
    prior = np.clip(goal.mean(axis=0), LEAST_SHARE, 1 - LEAST_SHARE)
    turned = rows.T.tocsr() if hasattr(rows, "tocsr") else rows.T

    def loss(flat: Numbers) -> tuple[float, Numbers]:
        weights, offsets = flat[: width * labels].reshape(width, labels), flat[width * labels :]
        values = np.asarray(rows @ weights.astype(rows.dtype) + offsets, np.float64)
        wrong = sigmoid(values) - goal
        total = (np.logaddexp(0, values) - goal * values).sum() + penalty / 2 * (weights**2).sum()
        gradient = np.concatenate(
            [(turned @ wrong.astype(rows.dtype) + penalty * weights).ravel(), wrong.sum(axis=0)]
        )
        return float(total), gradient

    start = np.concatenate([np.zeros(width * labels), np.log(prior / (1 - prior))])
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=lambda _: on_step(),
        options={"maxiter": steps, "maxcor": 6},
    ).x
    weights = found[: width * labels].reshape(width, labels)
    return SoftLogistic(weights.astype(np.float32), found[width * labels :].astype(np.float32))
