"""How far probabilities are from shares of right answers: the expected calibration error."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Return the mean gap between confidence and accuracy over equally wide bins, weighted by their rows.

    `confidence` (n,) is the probability of each first prediction, `right` (n,) whether it was right. Bins are
    closed above, (0, 1/15], as in Guo et al. 2017, equation 3; a confidence of 0 counts in the lowest. 0 where
    there are no rows. Raises `ValueError` for confidences outside 0 to 1, or of another length than `right`.
    """
    sure: NDArray[np.float64] = np.asarray(confidence, dtype=np.float64)
    hits: NDArray[np.float64] = np.asarray(right, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != hits.shape:
        raise ValueError(f"confidence has the shape {sure.shape}, right {hits.shape}; give two rows as long")
    if not len(sure):
        return 0.0
    if not ((sure >= 0) & (sure <= 1 + 1e-6)).all():
        raise ValueError(
            f"confidences run from {float(sure.min())} to {float(sure.max())}; give probabilities"
        )
    place = np.clip(np.ceil(sure * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=sure - hits, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))
