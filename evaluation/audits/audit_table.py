"""Accuracy, share of traffic and cost of every routing threshold, from an audit (Dual-Expert 4.3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.llm.prices import Prices as Prices
from taxonaut.workspace.core.intervals import (
    Interval,
    Values,
    bootstrap_mean,
    bootstrap_means,
    percentile_interval,
    resample_counts,
)
from taxonaut.workspace.expert.audit_file import Audited

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Traffic shares shown in a table."""

POINTS = 101
"""Maximum thresholds that are plotted and searched for the best, at even traffic shares."""

Measure = Literal["accuracy", "agreement"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cut:
    """One routing threshold: items with a confidence below `threshold` go to the general expert.

    `threshold` is None if all items go. `share` and `sent` are the share and number of items that go;
    `unanswered` of them got no category. `value` is the accuracy over all items, or, without gold labels, the
    agreement of the experts on the items that stay (None if none does). `gain` is the paired difference to the
    accuracy of the domain expert alone. `requests`, `tokens` and `cost` are per 1,000 products; `cost` is None
    without prices.
    """

    threshold: float | None
    share: float
    sent: int
    value: Interval | None
    gain: Interval | None
    unanswered: int
    requests: float
    tokens: float
    cost: float | None


class AuditTable:
    """The answers of both experts for the same n items, as arrays (n,), and measures at any threshold.

    With gold labels the measure is accuracy, without them the agreement of the experts. Items without a
    candidate of the domain expert are never sent and count as wrong.
    """

    def __init__(self, rows: Sequence[Audited], prices: Prices | None = None) -> None:
        self.count = len(rows)
        self.prices = prices
        self.measure: Measure = "accuracy" if any(row.gold for row in rows) else "agreement"
        self.confidence = np.array([row.recommended.confidence for row in rows], dtype=np.float64)
        self.asked = np.array([row.said is not None for row in rows], dtype=np.bool_)
        self.answered = np.array([row.general is not None for row in rows], dtype=np.bool_)
        self.agreed = np.array(
            [row.domain is not None and row.domain == row.general for row in rows], dtype=np.float64
        )
        self.domain = np.array([row.domain in row.gold for row in rows], dtype=np.float64)
        self.general = np.array([row.general in row.gold for row in rows], dtype=np.float64)
        self.offered = np.array(
            [any(label in row.gold for label in row.recommended.labels) for row in rows], dtype=np.float64
        )
        said = [row.said for row in rows]
        self.read = np.array([each.prompt_tokens if each else 0 for each in said], dtype=np.float64)
        self.written = np.array([each.completion_tokens if each else 0 for each in said], dtype=np.float64)

    @property
    def ceiling(self) -> Interval | None:
        """How often the right category is among the candidates: the upper bound of the general expert."""
        return bootstrap_mean(self.offered) if self.measure == "accuracy" else None

    @cached_property
    def thresholds(self) -> list[float]:
        """All thresholds that split the items differently, ascending from 0, with the fewest decimals."""
        levels = [0.0, *np.unique(self.confidence[self.asked]).tolist()]
        between = [shortest_number_between(low, high) for low, high in pairwise(levels[1:])]
        last = [shortest_number_between(levels[-1], 1.0)] if len(levels) > 1 and levels[-1] < 1 else []
        return [0.0, *between, *last]

    @cached_property
    def accuracies(self) -> Values:
        """The accuracy of all items at each of `thresholds`."""
        order = np.argsort(self.confidence, kind="stable")
        gains = np.where(self.asked, self.general - self.domain, 0.0)[order]
        total = np.concatenate([[0.0], np.cumsum(gains)])
        below = np.searchsorted(self.confidence[order], self.thresholds, side="left")
        found: Values = (self.domain.sum() + total[below]) / self.count
        return found

    @cached_property
    def shares(self) -> Values:
        """The share of items sent to the general expert at each of `thresholds`."""
        known = np.sort(self.confidence[self.asked])
        found: Values = np.searchsorted(known, self.thresholds, side="left") / self.count
        return found

    def sent(self, threshold: float | None) -> Mask:
        """Return the mask (n,) of items sent to the general expert."""
        return self.asked if threshold is None else self.asked & (self.confidence < threshold)

    def outcomes(self, threshold: float | None) -> Values:
        """Return 1 for each item with the right category, else 0 (n,)."""
        found: Values = np.where(self.sent(threshold), self.general, self.domain)
        return found

    def costs(self) -> Values:
        """Return the cost of each item's request (n,), 0 without prices."""
        prices = self.prices or Prices(0.0, 0.0)
        found: Values = (self.read * prices.read + self.written * prices.written) / 1e6
        return found

    def cuts(self, thresholds: Sequence[float | None]) -> list[Cut]:
        """Measure thresholds, all on the same bootstrap samples."""
        per = 1000 / self.count
        measured = zip(thresholds, self.values(thresholds), self.gains(thresholds), strict=True)
        found = []
        for threshold, value, gain in measured:
            sent = self.sent(threshold)
            found.append(
                Cut(
                    threshold,
                    float(sent.mean()),
                    int(sent.sum()),
                    value,
                    gain,
                    int((sent & ~self.answered).sum()),
                    float(sent.sum() * per),
                    float((self.read + self.written)[sent].sum() * per),
                    None if self.prices is None else float(self.costs()[sent].sum() * per),
                )
            )
        return found

    def values(self, thresholds: Sequence[float | None]) -> Sequence[Interval | None]:
        """Bootstrap the accuracy at thresholds, or the agreement on the items that stay."""
        if self.measure == "accuracy":
            return bootstrap_means(np.column_stack([self.outcomes(each) for each in thresholds]))
        stay = np.column_stack([~self.sent(each) & self.asked for each in thresholds]).astype(np.float64)
        return bootstrap_ratios(stay * self.agreed[:, None], stay)

    def gains(
        self, thresholds: Sequence[float | None], base: float | None = 0.0
    ) -> Sequence[Interval | None]:
        """Bootstrap the accuracy gain of thresholds over `base`, paired by item."""
        if self.measure == "agreement":
            return [None] * len(thresholds)
        before = self.outcomes(base)
        return bootstrap_means(np.column_stack([self.outcomes(each) - before for each in thresholds]))

    def share(self, threshold: float) -> Interval:
        """Bootstrap the share of traffic that a threshold sends."""
        return bootstrap_mean(self.sent(threshold).astype(np.float64))

    def table(self, also: float | None = None) -> list[Cut]:
        """Measure the thresholds nearest to `SHARES`, and `also` if given, ascending without duplicates."""
        wanted = {self.thresholds[int(np.abs(self.shares - share).argmin())] for share in SHARES[:-1]}
        return self.cuts([*sorted(wanted | ({also} if also is not None else set())), None])

    def curve(self) -> list[Cut]:
        """Measure up to `POINTS` thresholds over the whole range, for plotting."""
        return self.cuts([*self.spread(), None])

    def spread(self) -> list[float]:
        """Return up to `POINTS` thresholds at even traffic shares."""
        places = np.searchsorted(self.shares, np.linspace(0, 1, POINTS), side="left")
        chosen = sorted({min(int(place), len(self.thresholds) - 1) for place in places})
        return [self.thresholds[place] for place in chosen]


def bootstrap_ratios(parts: Values, wholes: Values) -> list[Interval | None]:
    """Bootstrap the ratio of column sums of `parts` and `wholes` (n, m); None where a whole is 0."""
    drawn = np.concatenate(
        [times @ parts / np.maximum(times @ wholes, 1.0) for times in resample_counts(len(parts))]
    )
    found = parts.sum(axis=0), wholes.sum(axis=0), drawn.T
    return [
        percentile_interval(part / whole, each) if whole else None
        for part, whole, each in zip(*found, strict=True)
    ]


def shortest_number_between(low: float, high: float) -> float:
    """Return the number with the fewest decimals in (low, high]; `high` has at most four."""
    for places in (1, 2, 3):
        found = round((int(low * 10**places + 1e-9) + 1) / 10**places, places)
        if low < found <= high:
            return found
    return high
