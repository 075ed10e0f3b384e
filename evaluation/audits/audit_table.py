"""What each per cent of traffic to the general expert buys, and which threshold follows (Dual-Expert 4.3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.intervals import (
    Interval,
    Values,
    bootstrap_mean,
    bootstrap_means,
    bounds,
    draws,
)
from taxonaut.workspace.expert.audit_file import Audited

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Shares of the traffic that a table shows."""

POINTS = 101
"""Cuts at most that are drawn, and among which the best is looked for, evenly along the items."""

Measure = Literal["accuracy", "agreement"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, read and written, in whatever money."""

    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to divide the traffic: items of lower confidence than `threshold` go to the general expert.

    `threshold` is None where all items go. `share` is that of the items that go, `sent` how many of the audit's
    that are; `unanswered` of them got no category. `value` is the accuracy of all items, or, without gold labels,
    the agreement of both experts on the items that stay (None where none stays). `gain` is the paired difference
    to the accuracy of the domain expert alone. Requests, tokens and money are per 1,000 products; `cost` is None
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
    """What two experts said of the same n items, as arrays (n,), and what follows for every threshold.

    With gold labels a right category counts 1; without, `domain` is 1 where both agree. Items for which the
    domain expert had no candidate are never sent, and count as wrong.
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
        """How often the right category is among the candidates: no general expert does better."""
        return bootstrap_mean(self.offered) if self.measure == "accuracy" else None

    @cached_property
    def thresholds(self) -> list[float]:
        """Every threshold that divides these items differently, rising from 0, each as short as it can be."""
        levels = [0.0, *np.unique(self.confidence[self.asked]).tolist()]
        between = [neat(low, high) for low, high in pairwise(levels[1:])]
        last = [neat(levels[-1], 1.0)] if len(levels) > 1 and levels[-1] < 1 else []
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
        """The share of the items that goes to the general expert at each of `thresholds`."""
        known = np.sort(self.confidence[self.asked])
        found: Values = np.searchsorted(known, self.thresholds, side="left") / self.count
        return found

    def sent(self, threshold: float | None) -> Mask:
        """Which items go to the general expert."""
        return self.asked if threshold is None else self.asked & (self.confidence < threshold)

    def outcomes(self, threshold: float | None) -> Values:
        """Whether each item's category is right."""
        found: Values = np.where(self.sent(threshold), self.general, self.domain)
        return found

    def costs(self) -> Values:
        """What asking about each item cost; nothing without prices."""
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
        """Bound the accuracy at thresholds, or the agreement on the items that stay."""
        if self.measure == "accuracy":
            return bootstrap_means(np.column_stack([self.outcomes(each) for each in thresholds]))
        stay = np.column_stack([~self.sent(each) & self.asked for each in thresholds]).astype(np.float64)
        return ratios(stay * self.agreed[:, None], stay)

    def gains(
        self, thresholds: Sequence[float | None], base: float | None = 0.0
    ) -> Sequence[Interval | None]:
        """Bound what accuracy thresholds gain on another one, paired over the items."""
        if self.measure == "agreement":
            return [None] * len(thresholds)
        before = self.outcomes(base)
        return bootstrap_means(np.column_stack([self.outcomes(each) - before for each in thresholds]))

    def share(self, threshold: float) -> Interval:
        """Bound the share of the traffic that a threshold sends."""
        return bootstrap_mean(self.sent(threshold).astype(np.float64))

    def table(self, also: float | None = None) -> list[Cut]:
        """Measure the thresholds nearest to `SHARES` and one more, if given, each once, in their order."""
        wanted = {self.thresholds[int(np.abs(self.shares - share).argmin())] for share in SHARES[:-1]}
        return self.cuts([*sorted(wanted | ({also} if also is not None else set())), None])

    def curve(self) -> list[Cut]:
        """Measure thresholds from one end to the other, some `POINTS` of them, for drawing."""
        return self.cuts([*self.spread(), None])

    def spread(self) -> list[float]:
        """Return some `POINTS` of the thresholds, evenly along the items."""
        places = np.searchsorted(self.shares, np.linspace(0, 1, POINTS), side="left")
        chosen = sorted({min(int(place), len(self.thresholds) - 1) for place in places})
        return [self.thresholds[place] for place in chosen]


def ratios(parts: Values, wholes: Values) -> list[Interval | None]:
    """Bound the ratio of the sums of each column of `parts` and `wholes` (n, m); None for an empty whole."""
    drawn = np.concatenate([times @ parts / np.maximum(times @ wholes, 1.0) for times in draws(len(parts))])
    found = parts.sum(axis=0), wholes.sum(axis=0), drawn.T
    return [bounds(part / whole, each) if whole else None for part, whole, each in zip(*found, strict=True)]


def neat(low: float, high: float) -> float:
    """Return the shortest decimal number above `low` that is at most `high`, which has four places at most."""
    for places in (1, 2, 3):
        found = round((int(low * 10**places + 1e-9) + 1) / 10**places, places)
        if low < found <= high:
            return found
    return high
