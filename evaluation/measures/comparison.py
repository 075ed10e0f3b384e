"""All measures of methods on the same items, with bootstrap intervals and paired differences."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.hierarchy import Hierarchy
from taxonaut.evaluation.measures.metrics import ItemScores, score_items
from taxonaut.evaluation.measures.set_measures import SetCounts, count_sets, set_ratios
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.intervals import (
    Interval,
    bootstrap_means,
    percentile_interval,
    resample_counts,
)

Values = NDArray[np.float64]

CONVENTIONS: Mapping[str, str] = {
    "P@k": "hits among the first k, divided by k",
    "RP@k": "hits among the first k, divided by min(k, right labels)",
    "R@k": "hits among the first k, divided by the number of right labels",
    "NDCG@k": "hits among the first k, each worth 1 / log2(1 + rank), divided by what the best ranking has",
    "MRR": "1 / rank of the first hit",
    "micro F1@k": "of all texts' first k labels together: 2 hits / (labels answered + right labels)",
    "macro F1@k": "the mean of the labels' F1, over labels that are right or among the first k of some text",
    "example F1@k": "the mean of the texts' F1, the first k labels taken as a set",
    "hF@k": "micro F1@k where each label counts with all its ancestors (Kiritchenko et al. 2006); hP, hR likewise",
    "macro hF@k": "macro F1@k over all nodes of the tree: labels with their ancestors (Kosmopoulos et al. 2015)",
    "example hF@k": "example F1@k where each label counts with all its ancestors",
}
"""The definitions of the measures, for reports; texts without right labels are left out of all. P and R of the micro,
macro and example averages are called `micro P@k`, `micro R@k` and so on."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A measure: its value, and its values on the bootstrap samples (s,)."""

    value: float
    drawn: Values

    def centred(self) -> "Sampled":
        """Return the measure with its samples shifted so that their mean is its value.

        A sample lacks rare labels, so that a macro average over the labels in it is too high or too low on average.
        """
        return Sampled(self.value, self.drawn - self.drawn.mean() + self.value)

    def interval(self) -> Interval:
        """Return the 95 % interval."""
        return percentile_interval(self.value, self.drawn)

    def less(self, base: "Sampled") -> Interval:
        """Return the 95 % interval of the paired difference from `base`; without 0 in it, it is significant."""
        return percentile_interval(self.value - base.value, self.drawn - base.drawn)


class MeasuredItems:
    """One method's rankings of items that have gold labels, prepared for measuring any sample of the items."""

    def __init__(
        self,
        predicted: Sequence[Sequence[LabelId]],
        gold: Sequence[Collection[LabelId]],
        hierarchy: Hierarchy[LabelId],
        ks: Sequence[int],
    ) -> None:
        self.means = name_measures(score_items(predicted, gold, ks))
        self.sets: dict[tuple[str, int], SetCounts] = {}
        above = partial(with_ancestors, hierarchy)
        right = [frozenset(labels) for labels in gold]
        right_above = [above(labels) for labels in gold]
        for k in ks:
            answered = [tuple(dict.fromkeys(labels))[:k] for labels in predicted]
            self.sets["", k] = count_sets(answered, right)
            self.sets["h", k] = count_sets([above(labels) for labels in answered], right_above)
        for (kind, k), counts in self.sets.items():
            ratios = set_ratios(*counts.items().T)
            self.means |= {
                set_name("example", kind, part, k): each for part, each in zip("PRF", ratios, strict=True)
            }

    def measure(self, times: NDArray[np.int64]) -> dict[str, Values]:
        """Return each measure of samples (s,); `times` (s, n) says how often each item is drawn."""
        columns = np.column_stack(list(self.means.values()))
        found = dict(zip(self.means, (times @ columns / times.sum(axis=1, keepdims=True)).T, strict=True))
        for (kind, k), counts in self.sets.items():
            micro = set_ratios(*(times @ counts.items()).T)
            macro = counts.macro(times).T
            for part, one, other in zip("PRF", micro, macro, strict=True):
                found[set_name("micro", kind, part, k)] = one
                found[set_name("macro", kind, part, k)] = other
        return found


def measure_methods(
    predicted: Mapping[str, Sequence[Sequence[LabelId]]],
    gold: Sequence[Collection[LabelId]],
    hierarchy: Hierarchy[LabelId],
    ks: Sequence[int],
) -> dict[str, dict[str, Sampled]]:
    """Measure methods on the same items and bootstrap samples; every item has gold labels, and there is one.

    A sample's macro averages are over the labels in it, and shifted as a whole (`Sampled.centred`).
    """
    made = {method: MeasuredItems(rankings, gold, hierarchy, ks) for method, rankings in predicted.items()}
    values = {method: each.measure(np.ones((1, len(gold)), dtype=np.int64)) for method, each in made.items()}
    drawn: dict[str, list[dict[str, Values]]] = {method: [] for method in made}
    for times in resample_counts(len(gold)):
        for method, each in made.items():
            drawn[method].append(each.measure(times))
    found: dict[str, dict[str, Sampled]] = {}
    for method, its_values in values.items():
        found[method] = {}
        for name, value in its_values.items():
            sampled = Sampled(float(value[0]), np.concatenate([part[name] for part in drawn[method]]))
            found[method][name] = sampled.centred() if name.startswith("macro") else sampled
    return found


def set_name(average: str, kind: str, part: str, k: int) -> str:
    """Return the name of a set measure, such as `macro F1@5`, `hF@1` (micro) or `example hP@1`."""
    measure = f"{kind}{part}" if kind else {"F": "F1"}.get(part, part)
    prefix = "" if kind and average == "micro" else f"{average} "
    return f"{prefix}{measure}@{k}"


def with_ancestors(hierarchy: Hierarchy[LabelId], labels: Collection[LabelId]) -> frozenset[object]:
    """Return labels and all their ancestors."""
    return frozenset().union(*map(hierarchy.with_ancestors, labels))


def score_each_item(
    predicted: Sequence[Sequence[LabelId]], gold: Sequence[Collection[LabelId]], ks: Sequence[int]
) -> dict[str, Values]:
    """Return the values (n,) of each ranking measure, by names such as `P@5`, for the items with gold labels."""
    return name_measures(score_items(predicted, gold, ks))


def name_measures(scores: ItemScores) -> dict[str, Values]:
    """Return the ranking measures of item scores by name."""
    kinds = (("P", scores.precision), ("R", scores.recall), ("RP", scores.rp), ("NDCG", scores.ndcg))
    named = {f"{sign}@{k}": values for sign, field in kinds for k, values in field.items()}
    return {**named, "MRR": scores.reciprocal_rank}


def bound_means(values: Mapping[str, Values]) -> dict[str, Interval]:
    """Return the 95 % bootstrap interval of each measure's mean."""
    found = bootstrap_means(np.column_stack(list(values.values())))
    return dict(zip(values, found, strict=True))


def bound_differences(values: Mapping[str, Values], base: Mapping[str, Values]) -> dict[str, Interval]:
    """Return the 95 % bootstrap interval of each measure's mean paired difference from `base`.

    An interval without 0 is a significant difference.
    """
    return bound_means({name: values[name] - base[name] for name in values})
