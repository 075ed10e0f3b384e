"""How well a method refuses texts that fit no label: precision, recall and F1 of refusing, AUROC of its scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.set_measures import divide_or_zero, set_ratios
from taxonaut.workspace.core.intervals import Interval, bootstrap

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RefusalScores:
    """Refusing, over `items` of which `out_of_scope` fit no label; `refused` were given none, `hits` are both.

    `precision` is None if nothing was refused. `auroc` is the chance that an item with a right label scores higher
    than one that fits none, ties half; None without scores. `best_threshold` is the score below which refusing has
    the highest F1 on these items, `best_f1`; None without scores.
    """

    items: int
    out_of_scope: int
    refused: int
    hits: int
    precision: Interval | None
    recall: Interval
    f1: Interval
    auroc: float | None = None
    best_threshold: float | None = None
    best_f1: float | None = None


def score_refusals(
    should: Sequence[bool], refused: Sequence[bool], confidence: Sequence[float] | None = None
) -> RefusalScores:
    """Score refusing: `should` says which items fit no label, `refused` which were given none.

    `confidence` (n,) are the scores of first labels, 0 where there is none.
    """
    wanted, given = np.array(should, dtype=np.bool_), np.array(refused, dtype=np.bool_)
    columns = np.column_stack([wanted & given, given, wanted]).astype(np.float64)
    precision, recall, f1 = (
        bootstrap(columns, lambda sums, part=part: set_ratios(*sums.T)[part])  # type: ignore[misc]
        for part in range(3)
    )
    scores = None if confidence is None else np.array(confidence, dtype=np.float64)
    threshold, reached = (None, None) if scores is None else find_threshold(wanted, scores)
    return RefusalScores(
        items=len(wanted),
        out_of_scope=int(wanted.sum()),
        refused=int(given.sum()),
        hits=int((wanted & given).sum()),
        precision=precision if given.any() else None,
        recall=recall,
        f1=f1,
        auroc=None if scores is None else area_under_curve(wanted, scores),
        best_threshold=threshold,
        best_f1=reached,
    )


def area_under_curve(out_of_scope: Mask, scores: Values) -> float | None:
    """Return how often an item in scope scores higher than one out of it (Mann & Whitney 1947); None without both."""
    levels, place = np.unique(scores, return_inverse=True)
    inside, outside = (
        np.bincount(place[mask], minlength=len(levels)).astype(np.float64)
        for mask in (~out_of_scope, out_of_scope)
    )
    below = np.cumsum(outside) - outside
    pairs = inside.sum() * outside.sum()
    return float(inside @ (below + outside / 2) / pairs) if pairs else None


def find_threshold(out_of_scope: Mask, scores: Values) -> tuple[float | None, float | None]:
    """Return the score below which refusing has the highest F1, and that F1; None if no score divides the items."""
    levels, place = np.unique(scores, return_inverse=True)
    if len(levels) < 2 or not out_of_scope.any():
        return None, None
    hits = np.cumsum(np.bincount(place, weights=out_of_scope.astype(np.float64)))[:-1].astype(np.float64)
    refused = np.cumsum(np.bincount(place))[:-1].astype(np.float64)
    f1 = divide_or_zero(2 * hits, refused + out_of_scope.sum())
    best = int(f1.argmax())
    return float((levels[best] + levels[best + 1]) / 2), float(f1[best])
