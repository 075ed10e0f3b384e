"""Classification measures of first predictions: accuracy, weighted and macro F1, by class frequency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.comparison import Sampled
from taxonaut.evaluation.measures.set_measures import SetCounts, count_sets, set_ratios
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.intervals import Interval, resample_counts

Values = NDArray[np.float64]

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


def assign_classes(
    given: Sequence[LabelId | None], gold: Sequence[Sequence[LabelId]]
) -> tuple[list[LabelId], SetCounts]:
    """Assign each item one true class: its prediction if that is a gold label, else its first gold label.

    Returns the true classes (n,), and predicted and true classes as sets of one or none. Raises `ValueError` for an
    item without gold labels.
    """
    if not all(gold):
        raise ValueError("an item has no gold labels; leave it out")
    true = [
        one if one is not None and one in labels else labels[0]
        for one, labels in zip(given, gold, strict=True)
    ]
    return true, count_sets([() if one is None else (one,) for one in given], [(one,) for one in true])


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
    _, counts = assign_classes(given, gold)
    hits, predicted, items = counts.by_label().T
    precision, recall, f1 = set_ratios(hits, predicted, items)
    right = counts.items()[:, 0] > 0
    weights = items / max(items.sum(), 1)
    return ClassScores(
        items=len(given),
        classes=len(counts.labels),
        none_given=sum(one is None for one in given),
        accuracy=float(right.mean()) if len(given) else 0.0,
        precision=float(weights @ precision),
        recall=float(weights @ recall),
        f1=float(weights @ f1),
        macro_f1=float(f1.mean()) if len(f1) else 0.0,
        bands={} if examples is None else score_bands(counts, f1, right, gold, examples),
        ece=None if confidence is None else expected_calibration_error(confidence, right),
    )


def score_bands(
    counts: SetCounts,
    f1: Values,
    right: NDArray[np.bool_],
    gold: Sequence[Sequence[LabelId]],
    examples: Mapping[LabelId, int],
) -> dict[str, Band]:
    """Score the items of each band."""
    first = [labels[0] for labels in gold]
    known = np.array([examples.get(label, 0) for label in first])
    column = {label: at for at, label in enumerate(counts.labels)}
    bands = {}
    for name, (least, most) in BANDS.items():
        inside = known >= least if most is None else (known >= least) & (known <= most)
        classes = {first[at] for at in np.flatnonzero(inside)}
        values = [float(f1[column[label]]) for label in classes if label in column]
        bands[name] = Band(
            int(inside.sum()),
            len(classes),
            float(right[inside].mean()) if inside.any() else 0.0,
            float(np.mean(values)) if values else 0.0,
        )
    return bands


def class_intervals(
    given: Mapping[str, Sequence[LabelId | None]], gold: Sequence[Sequence[LabelId]]
) -> tuple[dict[str, dict[str, Interval]], dict[str, dict[str, Interval]]]:
    """Bootstrap accuracy and macro-F1 of each method, and their paired differences from the first method.

    95 % intervals of 1,000 samples of the items; macro-F1 as in `comparison.measure_methods`.
    """
    if not len(gold):
        return {method: {} for method in given}, {method: {} for method in given}
    counts = {method: assign_classes(predictions, gold)[1] for method, predictions in given.items()}
    drawn: dict[str, list[tuple[Values, Values]]] = {method: [] for method in counts}
    for times in resample_counts(len(gold)):
        for method, each in counts.items():
            drawn[method].append((times @ each.items()[:, 0] / len(gold), each.macro(times)[:, 2]))
    once = np.ones((1, len(gold)), dtype=np.int64)
    sampled = {}
    for method, each in counts.items():
        accuracy, macro = (np.concatenate(parts) for parts in zip(*drawn[method], strict=True))
        sampled[method] = {
            "accuracy": Sampled(float(each.items()[:, 0].mean()), accuracy),
            "macro_f1": Sampled(float(each.macro(once)[0, 2]), macro).centred(),
        }
    base = next(iter(sampled.values()))
    bounded = {
        method: {name: one.interval() for name, one in values.items()} for method, values in sampled.items()
    }
    gaps = {
        method: {} if values is base else {name: one.less(base[name]) for name, one in values.items()}
        for method, values in sampled.items()
    }
    return bounded, gaps
