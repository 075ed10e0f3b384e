"""Where the right item stands among all, and Recall and NDCG of that."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

CUTS = (5, 10)
NAMES = tuple(f"{name}@{k}" for k in CUTS for name in ("Recall", "NDCG"))

Ranks = NDArray[np.int64]


def ranks(scores: NDArray[np.float32], targets: NDArray[np.int64]) -> Ranks:
    """Rank the targets, 1 the best; (queries, items) scores. Items that score the same count as before it."""
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    return np.asarray((scores >= own).sum(axis=1), dtype=np.int64)


def measures(found: Ranks) -> dict[str, float]:
    """Return Recall@k and NDCG@k for one right item a query: NDCG is 1 / log2(1 + rank) up to k, else 0."""
    gain = 1 / np.log2(1 + found)
    values: dict[str, float] = {}
    for k in CUTS:
        inside = found <= k
        values[f"Recall@{k}"] = float(inside.mean()) if len(found) else 0.0
        values[f"NDCG@{k}"] = float((gain * inside).mean()) if len(found) else 0.0
    return values


def over_seeds(each: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Return the mean and the standard deviation (n − 1; 0 for one seed) of each measure."""
    values = {name: np.array([one[name] for one in each]) for name in each[0]}
    return {
        name: (float(of.mean()), float(of.std(ddof=1)) if len(of) > 1 else 0.0) for name, of in values.items()
    }
