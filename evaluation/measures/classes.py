"""Classification measures of first predictions: accuracy, weighted and macro F1, by class frequency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.intervals import (
    Interval,
    bootstrap_mean,
    percentile_interval,
    resample_counts,
)
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.state.ids import LabelId

Values = NDArray[np.float64]
Columns = NDArray[np.intp]

NONE = -1
"""The column of an item without a prediction."""

BANDS: Mapping[str, tuple[int, int | None]] = {
    "head": (20, None),
    "middle": (5, 19),
    "tail": (1, 4),
    "zero-shot": (0, 0),
}
"""Bands of classes by their number of training products: (at least, at most)."""

CLASS_CONVENTIONS: Mapping[str, str] = {
    "accuracy": "items whose first prediction is one of their right labels; no prediction is wrong",
    "precision": "of each class, averaged with the weight of its items; 0 where it was never predicted",
    "recall": "of each class, averaged with the weight of its items, which makes it the accuracy",
    "f1": "of each class, averaged with the weight of its items",
    "macro_f1": "the plain mean over classes that are right or predicted for some item; 0 for a class never hit",
    "several right labels": "an item counts for its predicted class, if that is right, else for its first label",
    "ece": "expected calibration error of the first prediction's probability: 15 equally wide bins",
    "bands": "by the training products of an item's first right label; macro-F1 over the classes of such items",
}
"""The definitions of the measures, for reports."""


@dataclass(frozen=True, slots=True)
class Band:
    """Scores over the items whose class has a certain number of training products."""

    items: int
    classes: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores of first predictions (`CLASS_CONVENTIONS`). `none_given` counts items without a prediction.

    `bands` is empty if no training products are known, `ece` None for a method without probabilities.
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
    """Scores by class, intervals of accuracy and macro-F1, and their paired differences from the first method."""

    scores: ClassScores
    intervals: Mapping[str, Interval]
    differences: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assignments:
    """The true and predicted class of each item: `right` and `given` (n,) index `classes`; `given` may be NONE."""

    classes: Sequence[LabelId]
    right: Columns
    given: Columns

    @property
    def hits(self) -> NDArray[np.bool_]:
        """The mask (n,) of items with a right prediction."""
        hits: NDArray[np.bool_] = self.right == self.given
        return hits


def assign_classes(given: Sequence[LabelId | None], gold: Sequence[Sequence[LabelId]]) -> Assignments:
    """Assign each item one true class: its prediction if that is a gold label, else its first gold label.

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
    return Assignments(
        classes,
        np.array([column[one] for one in true], dtype=np.intp),
        np.array([NONE if one is None else column[one] for one in given], dtype=np.intp),
    )


def class_counts(found: Assignments, times: NDArray[np.int64] | None = None) -> tuple[Values, Values, Values]:
    """Count hits, predictions and items of each class, each (C,); `times` (n,) are weights of the items."""
    weights = np.ones(len(found.right)) if times is None else times.astype(np.float64)
    named = found.given != NONE

    def count(columns: Columns, counted: Values) -> Values:
        return np.bincount(columns, weights=counted, minlength=len(found.classes)).astype(np.float64)

    return (
        count(found.right, weights * found.hits),
        count(found.given[named], weights[named]),
        count(found.right, weights),
    )


def class_f1(hits: Values, predicted: Values, items: Values) -> Values:
    """Return the F1 of each class, 0 for a class without items and predictions."""
    return divide_or_zero(2 * hits, predicted + items)


def divide_or_zero(part: Values, whole: Values) -> Values:
    """Divide, with 0 / 0 = 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def macro_f1(found: Assignments, times: NDArray[np.int64] | None = None) -> float:
    """Return the mean F1 over the classes that are right or predicted for some item."""
    hits, predicted, items = class_counts(found, times)
    seen = predicted + items > 0
    return float(class_f1(hits, predicted, items)[seen].mean()) if seen.any() else 0.0


def class_scores(
    given: Sequence[LabelId | None],
    gold: Sequence[Sequence[LabelId]],
    examples: Mapping[LabelId, int] | None = None,
    confidence: Sequence[float] | None = None,
) -> ClassScores:
    """Score the first prediction of each item (or None) against its gold labels.

    `examples`: number of training products by class, for the bands. `confidence` (n,): probabilities of the
    predictions, for the calibration error. Raises `ValueError` for an item without gold labels.
    """
    found = assign_classes(given, gold)
    hits, predicted, items = class_counts(found)
    f1 = class_f1(hits, predicted, items)
    weights = items / max(items.sum(), 1)
    return ClassScores(
        items=len(given),
        classes=len(found.classes),
        none_given=sum(one is None for one in given),
        accuracy=float(found.hits.mean()) if len(given) else 0.0,
        precision=float(weights @ divide_or_zero(hits, predicted)),
        recall=float(weights @ divide_or_zero(hits, items)),
        f1=float(weights @ f1),
        macro_f1=float(f1.mean()) if len(f1) else 0.0,
        bands={} if examples is None else score_bands(found, f1, gold, examples),
        ece=None if confidence is None else expected_calibration_error(confidence, found.hits),
    )


def score_bands(
    found: Assignments, f1: Values, gold: Sequence[Sequence[LabelId]], examples: Mapping[LabelId, int]
) -> dict[str, Band]:
    """Score the items of each band."""
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
    """Bootstrap accuracy and macro-F1 of each method, and their paired differences from the first method.

    95 % intervals of 1,000 samples of the items; a sample's macro-F1 is over the classes seen in it.
    """
    found = {method: assign_classes(predictions, gold) for method, predictions in given.items()}
    count = len(gold)
    if not count:
        return {method: {} for method in found}, {method: {} for method in found}
    drawn: dict[str, list[float]] = {method: [] for method in found}
    for part in resample_counts(count):
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
            "macro_f1": percentile_interval(macro_f1(each), values),
        }
        gaps[method] = {}
        if place:
            gaps[method] = {
                "accuracy": bootstrap_mean(hits - base.hits.astype(np.float64)),
                "macro_f1": percentile_interval(macro_f1(each) - macro_f1(base), values - base_drawn),
            }
    return bounded, gaps
