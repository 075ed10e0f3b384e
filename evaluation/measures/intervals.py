"""How sure a score is: percentile bootstrap over the items (Efron & Tibshirani 1993, chapter 13)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SAMPLES = 1000
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and the bounds that hold the middle `level` of its bootstrap samples."""

    value: float
    low: float
    high: float
    level: float = 0.95


def bootstrap_mean(values: Values, level: float = 0.95, samples: int = SAMPLES, seed: int = 0) -> Interval:
    """Bound the mean of item scores (n,), or of the differences of two methods' scores on the same items."""
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
    """Bound the mean of each column (n, m), all on the same draws; see `bootstrap`."""
    count = len(columns)
    if not count:
        return [Interval(0.0, 0.0, 0.0, level)] * columns.shape[1]
    drawn = np.concatenate([times @ columns / count for times in draws(count, samples, seed)])
    return [bounds(value, found, level) for value, found in zip(columns.mean(axis=0), drawn.T, strict=True)]


def bootstrap(
    columns: Values,
    statistic: Callable[[Values], Values],
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Interval:
    """Bound a statistic of column sums, such as a ratio of counts summed over items.

    `columns` is (n, m), a row for each item; `statistic` turns sums (s, m) into values (s,). Items are drawn
    with replacement, the same draws for the same seed and n, so that methods compared on the same items are
    compared on the same samples. Without items all three numbers are 0.
    """
    if not len(columns):
        return Interval(0.0, 0.0, 0.0, level)
    drawn = [statistic(times @ columns) for times in draws(len(columns), samples, seed)]
    return bounds(statistic(columns.sum(axis=0, keepdims=True))[0], np.concatenate(drawn), level)


def draws(count: int, samples: int = SAMPLES, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Give how often each of `count` items is drawn in each sample, some samples (s, count) at a time.

    The same for the same seed and count.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // count)
    for start in range(0, samples, at_once):
        yield rng.multinomial(count, np.full(count, 1 / count), size=min(at_once, samples - start))


def bounds(value: float, drawn: Values, level: float = 0.95) -> Interval:
    """Put a value between the bounds of the middle `level` of what its samples (s,) gave."""
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high), level)
