"""How many labels an item gets: the probability from which labels are given, chosen on held-out items.

Each label's probability is independent of the others'. The cut-off is the one with the best F1 over the held-out
items, the lowest that reaches a precision, or there is none and a number of labels is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taxonaut.models.encoder.probabilities import Calibration, RankedItem
from taxonaut.state.errors import InputError

STEPS = 100
"""Cut-offs that are tried: 0.01, 0.02, …, 1."""

MOST = 20
"""Labels of an item that are counted."""

F1, PRECISION, LABELS = "f1", "precision", "labels"
FORMS = "'f1', 'precision=0.9' or 'labels=5'"


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Precision, recall and F1 over all labels of held-out items (micro) at each of `STEPS` cut-offs, ascending.

    `items` counts them, `right` the labels that they have.
    """

    items: int
    right: int
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "CutOffs":
        """Read it from JSON values. Raises KeyError, TypeError and ValueError for others."""
        curves = (tuple(map(float, row[name])) for name in ("precision", "recall", "f1"))
        return cls(int(row["items"]), int(row["right"]), *curves)

    def best(self) -> float:
        """Return the cut-off with the highest F1; of equals the highest."""
        return (STEPS - int(np.argmax(self.f1[::-1]))) / STEPS

    def precise(self, wanted: float) -> float | None:
        """Return the lowest cut-off with a precision of at least `wanted`; None if there is none."""
        reached = np.array(self.precision) >= wanted
        if not reached.any():
            return None
        return (int(np.argmax(reached)) + 1) / STEPS


def measure_cut_offs(items: Sequence[RankedItem], given: Sequence[int], calibration: Calibration) -> CutOffs:
    """Measure all cut-offs; `given` (n,) counts each item's right labels, found or not."""
    likely, right = [], []
    for item in items:
        found = calibration.probabilities(item.scores[:MOST], item.scores)
        likely += found
        right += list(item.right[: len(found)])
    chances, hits = np.array(likely), np.array(right, bool)
    total = int(sum(given))
    curves: tuple[list[float], list[float], list[float]] = ([], [], [])
    for step in range(1, STEPS + 1):
        kept = chances >= step / STEPS
        answered, found_right = int(kept.sum()), int((hits & kept).sum())
        precision = found_right / answered if answered else 0.0
        recall = found_right / max(total, 1)
        f1 = 2 * found_right / max(answered + total, 1)
        for curve, value in zip(curves, (precision, recall, f1), strict=True):
            curve.append(round(value, 4))
    return CutOffs(len(items), total, *map(tuple, curves))


@dataclass(frozen=True, slots=True)
class CutOff:
    """A wish for how many labels an item gets: by `f1`, by `precision` (0 to 1) or `labels`, a number."""

    kind: str
    value: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "CutOff":
        """Read `f1`, `precision=0.9` or `labels=5`. Raises InputError."""
        kind, _, value = text.strip().lower().partition("=")
        kind, value = kind.strip(), value.strip()
        try:
            if kind == F1 and not value:
                return cls(F1)
            if kind == PRECISION and 0 < float(value) <= 1:
                return cls(PRECISION, float(value))
            if kind == LABELS and int(value) > 0:
                return cls(LABELS, int(value))
        except ValueError:
            pass
        raise InputError(f"cut_off is {text!r}; give {FORMS}")
