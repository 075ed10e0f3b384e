"""Whether a difference between two versions on the same items may be chance: McNemar's exact test, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.comparison import differences
from taxonaut.evaluation.intervals import Interval

SURE = 0.05
"""A p-value below which chance is called unlikely."""


@dataclass(frozen=True, slots=True)
class McNemar:
    """Items right after and wrong before (`better`), the other way round (`worse`), and as before (`same`).

    `p` is that of McNemar's exact test, two-sided: how often better and worse would be divided at least as
    unevenly if either were as likely as the other (McNemar 1947).
    """

    better: int
    worse: int
    same: int
    p: float

    @property
    def words(self) -> str:
        """Say what was found, and whether it may be chance."""
        if not self.better + self.worse:
            return "none better, none worse"
        said = f"{self.better:,} better, {self.worse:,} worse"
        if self.p < SURE:
            return f"{said}; chance alone would seldom do this (p {rounded(self.p)})"
        return f"{said}; this could be chance (p {rounded(self.p)})"


def mcnemar(before: Sequence[bool] | NDArray[np.bool_], after: Sequence[bool] | NDArray[np.bool_]) -> McNemar:
    """Compare what was right on the same items, in the same order."""
    was, is_now = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    better, worse = int(np.sum(is_now & ~was)), int(np.sum(was & ~is_now))
    return McNemar(better, worse, len(was) - better - worse, exact(better, worse))


def exact(better: int, worse: int) -> float:
    """The two-sided probability of a division at least as uneven, each item falling to either side alike."""
    count, less = better + worse, min(better, worse)
    tail = sum(comb(count, each) for each in range(less + 1))
    return float(min(1.0, 2 * tail / 2**count))


def paired(
    before: Mapping[str, NDArray[np.float64]], after: Mapping[str, NDArray[np.float64]]
) -> dict[str, Interval]:
    """Bound the mean of each measure's difference, item by item: bootstrap over the items; above 0: better."""
    return differences(after, before) if after and len(next(iter(after.values()))) else {}


def rounded(p: float) -> str:
    """Write how large a p-value is."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
