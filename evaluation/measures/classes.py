"""How good first predictions are by class: accuracy, weighted and macro-averaged F1, by a class's frequency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.intervals import Interval, bootstrap_mean, bounds, draws
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.state.ids import LabelId

Values = NDArray[np.float64]
Columns = NDArray[np.intp]

NONE = -1
"""Stands for the class of an item that was given none."""

BANDS: Mapping[str, tuple[int, int | None]] = {
    "head": (20, None),
    "middle": (5, 19),
    "tail": (1, 4),
    "zero-shot": (0, 0),
}
"""Classes by how many training products they have: at least, at most."""

CLASS_CONVENTIONS: Mapping[str, str] = {
    "accuracy": "items whose first prediction is one of their right labels; none given is not right",
    "precision": "of each class, averaged with the weight of its items; 0 where it was never predicted",
    "recall": "of each class, averaged with the weight of its items, which makes it the accuracy",
    "f1": "of each class, averaged with the weight of its items",
    "macro_f1": "the plain mean over the classes that are right or predicted for some item; 0 for a class never hit",
    "several right labels": "an item counts for the class it was given, if that is right, else for its first one",
    "ece": "expected calibration error of the first prediction's probability: 15 equally wide bins",
    "bands": "by the training products of an item's first right label; macro-F1 over the classes of such items",
}
"""What the measures are."""


@dataclass(frozen=True, slots=True)
class Band:
    """How good a method is on the items whose class has a certain number of training products."""

    items: int
    classes: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How good first predictions are (`CLASS_CONVENTIONS`). `none_given` counts items without a prediction.

    `bands` is empty where no training products are known, `ece` None for a method without probabilities.
    """

    items: int
    classes: int
    none_given: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    macro_f1: float
    bands: Mapping[str, Band] = field(default_factory=dict)
    ece: float | None = None


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """Scores by class, bounds of accuracy and macro-F1, and their paired differences from the first method."""

    scores: ClassScores
    intervals: Mapping[str, Interval]
    differences: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """What items are and were taken for: `right` and `given` (n,) are columns of `classes`, `given` may be NONE."""

    classes: Sequence[LabelId]
    right: Columns
    given: Columns

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Which items were given their class (n,)."""
        hits: NDArray[np.bool_] = self.right == self.given
        return hits


def decided(given: Sequence[LabelId | None], gold: Sequence[Sequence[LabelId]]) -> Decided:
    """Settle each item's one class: what it was given, if that is among its gold labels, else the first of them.

    Raises `ValueError` for an item without gold labels.
    """
    if not all(gold):
        raise ValueError("an item has no gold labels; leave it out")
    true = [
        one if one is not None and one in labels else labels[0]
        for one, labels in zip(given, gold, strict=True)
    ]
    classes = list(dict.fromkeys([*true, *(one for one in given if one is not None)]))
    column = {label: at for at, label in enumerate(classes)}
    return Decided(
        classes,
        np.array([column[one] for one in true], dtype=np.intp),
        np.array([NONE if one is None else column[one] for one in given], dtype=np.intp),
    )


def class_counts(found: Decided, times: NDArray[np.int64] | None = None) -> tuple[Values, Values, Values]:
    """Count hits, predictions and items of each class, each (C,); `times` (n,): how often each item counts."""
    weights = np.ones(len(found.right)) if times is None else times.astype(np.float64)
    named = found.given != NONE

    def count(columns: Columns, counted: Values) -> Values:
        return np.bincount(columns, weights=counted, minlength=len(found.classes)).astype(np.float64)

    return (
        count(found.right, weights * found.hits),
        count(found.given[named], weights[named]),
        count(found.right, weights),
    )


def f1_of(hits: Values, predicted: Values, items: Values) -> Values:
    """Return the F1 of each class, 0 where nothing is right, predicted or both."""
    return ratio(2 * hits, predicted + items)


def ratio(part: Values, whole: Values) -> Values:
    """Divide, with 0 / 0 = 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def macro_f1(found: Decided, times: NDArray[np.int64] | None = None) -> float:
    """Average F1 over the classes that are right or predicted for some item."""
    hits, predicted, items = class_counts(found, times)
    seen = predicted + items > 0
    return float(f1_of(hits, predicted, items)[seen].mean()) if seen.any() else 0.0


def class_scores(
    given: Sequence[LabelId | None],
    gold: Sequence[Sequence[LabelId]],
    examples: Mapping[LabelId, int] | None = None,
    confidence: Sequence[float] | None = None,
) -> ClassScores:
    """Score the first prediction of each item, None where it has none, against its gold labels.

    `examples`: training products of each class, for the bands. `confidence` (n,): probabilities of the first
    predictions, for the calibration error. Raises `ValueError` for an item without gold labels.
    """
    found = decided(given, gold)
    hits, predicted, items = class_counts(found)
    f1 = f1_of(hits, predicted, items)
    weights = items / max(items.sum(), 1)
    return ClassScores(
        items=len(given),
        classes=len(found.classes),
        none_given=sum(one is None for one in given),
        accuracy=float(found.hits.mean()) if len(given) else 0.0,
        precision=float(weights @ ratio(hits, predicted)),
        recall=float(weights @ ratio(hits, items)),
        f1=float(weights @ f1),
        macro_f1=float(f1.mean()) if len(f1) else 0.0,
        bands={} if examples is None else banded(found, f1, gold, examples),
        ece=None if confidence is None else expected_calibration_error(confidence, found.hits),
    )


def banded(
    found: Decided, f1: Values, gold: Sequence[Sequence[LabelId]], examples: Mapping[LabelId, int]
) -> dict[str, Band]:
    """Score the items of each band; their number is the same for every method."""
    first = [labels[0] for labels in gold]
    known = np.array([examples.get(label, 0) for label in first])
    column = {label: at for at, label in enumerate(found.classes)}
    bands = {}
    for name, (least, most) in BANDS.items():
        inside = known >= least if most is None else (known >= least) & (known <= most)
        classes = {first[at] for at in np.flatnonzero(inside)}
        values = [float(f1[column[label]]) for label in classes if label in column]
        bands[name] = Band(
            int(inside.sum()),
            len(classes),
            float(found.hits[inside].mean()) if inside.any() else 0.0,
            float(np.mean(values)) if values else 0.0,
        )
    return bands


def class_intervals(
    given: Mapping[str, Sequence[LabelId | None]], gold: Sequence[Sequence[LabelId]]
) -> tuple[dict[str, dict[str, Interval]], dict[str, dict[str, Interval]]]:
    """Bound accuracy and macro-F1 of each method, and their differences from the first method, on the same draws.

    95 % of 1,000 bootstrap samples of the items; a sample's macro-F1 is over the classes seen in it.
    """
    found = {method: decided(predictions, gold) for method, predictions in given.items()}
    count = len(gold)
    if not count:
        return {method: {} for method in found}, {method: {} for method in found}
    drawn: dict[str, list[float]] = {method: [] for method in found}
    for part in draws(count):
        for times in part:
            for method, each in found.items():
                drawn[method].append(macro_f1(each, times))
    bounded: dict[str, dict[str, Interval]] = {}
    gaps: dict[str, dict[str, Interval]] = {}
    base, base_drawn = next(iter(found.values())), np.array(next(iter(drawn.values())))
    for place, (method, each) in enumerate(found.items()):
        hits, values = each.hits.astype(np.float64), np.array(drawn[method])
        bounded[method] = {
            "accuracy": bootstrap_mean(hits),
            "macro_f1": bounds(macro_f1(each), values),
        }
        gaps[method] = {}
        if place:
            gaps[method] = {
                "accuracy": bootstrap_mean(hits - base.hits.astype(np.float64)),
                "macro_f1": bounds(macro_f1(each) - macro_f1(base), values - base_drawn),
            }
    return bounded, gaps
