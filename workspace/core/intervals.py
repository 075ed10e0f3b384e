"""Percentile bootstrap intervals over the items (Efron & Tibshirani 1993, chapter 13)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SAMPLES = 1000
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A score with its bootstrap interval of the confidence `level`."""

    value: float
    low: float
    high: float
    level: float = 0.95


def bootstrap_mean(values: Values, level: float = 0.95, samples: int = SAMPLES, seed: int = 0) -> Interval:
    """Bootstrap the mean of item scores (n,), or of paired differences of two methods' scores."""
    return bootstrap(
        np.column_stack([values, np.ones_like(values)]),
        lambda sums: sums[:, 0] / sums[:, 1],
        level,
        samples,
        seed,
    )


def bootstrap_means(
    columns: Values, level: float = 0.95, samples: int = SAMPLES, seed: int = 0
) -> list[Interval]:
    """Bootstrap the mean of each column (n, m), all on the same samples; see `bootstrap`."""
    count = len(columns)
    if not count:
        return [Interval(0.0, 0.0, 0.0, level)] * columns.shape[1]
    drawn = np.concatenate([times @ columns / count for times in resample_counts(count, samples, seed)])
    return [
        percentile_interval(value, found, level)
        for value, found in zip(columns.mean(axis=0), drawn.T, strict=True)
    ]


def bootstrap(
    columns: Values,
    statistic: Callable[[Values], Values],
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Interval:
    """Bootstrap a statistic of column sums, such as a ratio of summed counts.

    `columns` is (n, m), a row for each item; `statistic` maps sums (s, m) to values (s,). The samples depend on
    `seed` and n only, so methods compared on the same items are compared on the same samples. Without items
    value and bounds are 0.
    """
    if not len(columns):
        return Interval(0.0, 0.0, 0.0, level)
    drawn = [statistic(times @ columns) for times in resample_counts(len(columns), samples, seed)]
    return percentile_interval(statistic(columns.sum(axis=0, keepdims=True))[0], np.concatenate(drawn), level)


def resample_counts(count: int, samples: int = SAMPLES, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield how often each of `count` items is drawn in each sample, in blocks of samples (s, count)."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // count)
    for start in range(0, samples, at_once):
        yield rng.multinomial(count, np.full(count, 1 / count), size=min(at_once, samples - start))


def percentile_interval(value: float, drawn: Values, level: float = 0.95) -> Interval:
    """Return a value with the percentile interval of its samples (s,)."""
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high), level)
