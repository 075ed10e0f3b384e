"""How near distributions over labels are to those of annotators, and to what annotators themselves reach.

Predictions and shares are arrays (n, L): for each item, the probability of each label, and the share of its
annotators who gave it. The three measures of Chochlakis et al. 2025 (section 5) belong together: a constant does
well on NLL and L1 alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]
"""Float64 of shape (n, L), from 0 to 1."""

LEAST = 1e-6
"""Probabilities are taken to be at least this, and at most 1 less this, in the logarithms of NLL."""

CONSTANT = 0.1
"""The constant that is always shown for comparison."""

HALF = 0.5
"""From this share on a label counts as given by the annotators, or as predicted."""

BINS = 15
"""Bins of equal width of the expected calibration error."""

RESAMPLES = 1_000

NEGATIVE_LOG_LIKELIHOOD, L1, EXAMPLE_F1 = "NLL", "L1", "example F1"
BRIER, CALIBRATION, RANK, MACRO_F1 = "Brier", "ECE", "rank correlation", "macro F1"

ITEM_MEASURES: Mapping[str, Callable[[Shares, Shares], NDArray[np.float64]]]
"""Measures that are averages over items; each returns a number for each item (n,)."""


def negative_log_likelihood(predicted: Shares, given: Shares) -> NDArray[np.float64]:
    """Return each item's cross-entropy of the annotators' shares, in nats, summed over labels (n,)."""
    kept = np.clip(predicted, LEAST, 1 - LEAST)
    return np.asarray(-(given * np.log(kept) + (1 - given) * np.log1p(-kept)).sum(axis=1))


def absolute_error(predicted: Shares, given: Shares) -> NDArray[np.float64]:
    """Return each item's absolute error summed over labels, L1 (n,)."""
    return np.asarray(np.abs(predicted - given).sum(axis=1))


def squared_error(predicted: Shares, given: Shares) -> NDArray[np.float64]:
    """Return each item's squared error summed over labels, the Brier score (n,)."""
    return np.asarray(((predicted - given) ** 2).sum(axis=1))


def example_f1(
    predicted: Shares, given: Shares, thresholds: NDArray[np.float64] | float = HALF
) -> NDArray[np.float64]:
    """Return each item's F1 of the labels predicted and those that at least half the annotators gave (n,).

    An item without labels on either side has 1. `thresholds` (L,) or one: from where a label counts as predicted.
    """
    chosen, right = predicted >= thresholds, given >= HALF
    both = (chosen & right).sum(axis=1)
    sizes = chosen.sum(axis=1) + right.sum(axis=1)
    return np.where(sizes == 0, 1.0, 2 * both / np.maximum(sizes, 1))


def rank_correlation(predicted: Shares, given: Shares) -> NDArray[np.float64]:
    """Return each item's Spearman correlation over labels (n,); NaN where either side has all labels equal."""
    from scipy.stats import rankdata

    a, b = rankdata(predicted, axis=1), rankdata(given, axis=1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    lengths = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, (a * b).sum(axis=1) / lengths, np.nan)


ITEM_MEASURES = {
    NEGATIVE_LOG_LIKELIHOOD: negative_log_likelihood,
    L1: absolute_error,
    EXAMPLE_F1: example_f1,
    BRIER: squared_error,
    RANK: rank_correlation,
}


def calibration_error(predicted: Shares, given: Shares, bins: int = BINS) -> NDArray[np.float64]:
    """Return each label's expected calibration error (L,): |mean probability - mean share| over equal bins."""
    place = np.minimum((predicted * bins).astype(int), bins - 1)
    found = np.zeros(predicted.shape[1])
    for label in range(predicted.shape[1]):
        for each in np.unique(place[:, label]):
            inside = place[:, label] == each
            gap = abs(predicted[inside, label].mean() - given[inside, label].mean())
            found[label] += inside.mean() * gap
    return found


def macro_f1(predicted: Shares, given: Shares, thresholds: NDArray[np.float64] | float = HALF) -> float:
    """Return the mean over labels of F1 against what half the annotators gave; 0 where undefined."""
    chosen, right = predicted >= thresholds, given >= HALF
    both = (chosen & right).sum(axis=0)
    return float((2 * both / np.maximum(chosen.sum(axis=0) + right.sum(axis=0), 1)).mean())


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure and its 95% bootstrap interval over items."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """How near one method's distributions are to the annotators': its measures, by name.

    `groups` has the measures of NLL, L1 and example F1 for items grouped by agreement and by number of labels.
    """

    method: str
    measures: Mapping[str, Interval]
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def bootstrap(values: NDArray[np.float64], seed: int = 0) -> Interval:
    """Return the mean of items' values and its 95% interval (percentiles of resampled means); NaN are left out."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(float("nan"), float("nan"), float("nan"))
    random = np.random.default_rng(seed)
    means = np.array([known[random.integers(0, len(known), len(known))].mean() for _ in range(RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(known.mean()), float(low), float(high))


def measure_alignment(
    method: str,
    predicted: Shares,
    given: Shares,
    thresholds: NDArray[np.float64] | float = HALF,
    groups: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Alignment:
    """Measure one method's predictions against annotators' shares, in all and for each group of items."""

    def of(name: str) -> NDArray[np.float64]:
        if name == EXAMPLE_F1:
            return example_f1(predicted, given, thresholds)
        return ITEM_MEASURES[name](predicted, given)

    by_item = {name: of(name) for name in ITEM_MEASURES}
    measures = {name: bootstrap(values) for name, values in by_item.items()}
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(given), len(given)) for _ in range(100)]
    wholes: dict[str, Callable[[Shares, Shares], float]] = {
        CALIBRATION: lambda p, g: float(calibration_error(p, g).mean()),
        MACRO_F1: lambda p, g: macro_f1(p, g, thresholds),
    }
    for name, whole in wholes.items():
        low, high = np.percentile([whole(predicted[rows], given[rows]) for rows in draws], [2.5, 97.5])
        measures[name] = Interval(whole(predicted, given), float(low), float(high))
    shown = (NEGATIVE_LOG_LIKELIHOOD, L1, EXAMPLE_F1)
    parts = {
        group: {"items": int(inside.sum()), **{name: float(by_item[name][inside].mean()) for name in shown}}
        for group, inside in (groups or {}).items()
        if inside.any()
    }
    return Alignment(method, measures, parts)


UNANIMOUS, SPLIT = "unanimous", "split"
NO_LABEL, ONE_LABEL, MANY_LABELS = "no label", "one label", "several labels"
AGREED = 0.8
"""Annotators are unanimous about an item if each label has at least this share of them for it or against it."""


def group_items(given: Shares) -> dict[str, NDArray[np.bool_]]:
    """Return masks (n,) of items: by agreement of the annotators, and by number of labels that half of them gave."""
    agreed = (np.maximum(given, 1 - given) >= AGREED).all(axis=1)
    count = (given >= HALF).sum(axis=1)
    return {
        UNANIMOUS: agreed,
        SPLIT: ~agreed,
        NO_LABEL: count == 0,
        ONE_LABEL: count == 1,
        MANY_LABELS: count > 1,
    }


def constant(given: Shares) -> Shares:
    """Return the constant `CONSTANT` for every label of every item."""
    return np.full_like(given, CONSTANT)


def prior(given: Shares, among: Shares | None = None) -> Shares:
    """Return the mean share of each label for every item: of other items `among`, else of the items themselves."""
    return np.tile((given if among is None else among).mean(axis=0), (len(given), 1))


def annotators_against_each_other(votes: Sequence[Sequence[NDArray[np.bool_]]]) -> tuple[Shares, Shares]:
    """Return what each annotator's labels predict of the others' (leave one out), and the others' shares.

    `votes`: for each item, the labels (L,) of each of its annotators. Both arrays have a row for each annotator of
    an item with at least two.
    """
    one, rest = [], []
    for each in votes:
        given = np.array(each, np.float64)
        if len(given) < 2:
            continue
        total = given.sum(axis=0)
        one.append(given)
        rest.append((total - given) / (len(given) - 1))
    if not one:
        return np.empty((0, 0)), np.empty((0, 0))
    return np.concatenate(one), np.concatenate(rest)


def crowd_against_one(votes: Sequence[Sequence[NDArray[np.bool_]]]) -> tuple[Shares, Shares]:
    """Return what two halves of each item's annotators say of each other: the shares of one, and of the other.

    An item needs at least two annotators; every second one is in the first half.
    """
    pairs = [np.array(each, np.float64) for each in votes if len(each) > 1]
    if not pairs:
        return np.empty((0, 0)), np.empty((0, 0))
    first = np.array([each[::2].mean(axis=0) for each in pairs])
    second = np.array([each[1::2].mean(axis=0) for each in pairs])
    return first, second
