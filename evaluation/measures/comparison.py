"""Ranking measures by item, with bootstrap intervals of their means and paired differences."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.intervals import Interval, bootstrap_means
from taxonaut.evaluation.measures.metrics import ItemScores, score_items
from taxonaut.state.ids import LabelId

CONVENTIONS: Mapping[str, str] = {
    "P@k": "hits among the first k, divided by k",
    "RP@k": "hits among the first k, divided by min(k, right labels)",
    "R@k": "hits among the first k, divided by the number of right labels",
    "MRR": "1 / rank of the first hit",
}
"""The definitions of the measures, for reports; texts without right labels are left out of all."""


def score_each_item(
    predicted: Sequence[Sequence[LabelId]], gold: Sequence[Collection[LabelId]], ks: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Return the values (n,) of each measure, by names such as `P@5`, for the items with gold labels."""
    return name_measures(score_items(predicted, gold, ks))


def name_measures(scores: ItemScores) -> dict[str, NDArray[np.float64]]:
    """Return the measures of item scores by name."""
    named = {
        f"{sign}@{k}": values
        for sign, field in (("P", scores.precision), ("R", scores.recall), ("RP", scores.rp))
        for k, values in field.items()
    }
    return {**named, "MRR": scores.reciprocal_rank}


def bound_means(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Interval]:
    """Return the 95 % bootstrap interval of each measure's mean."""
    found = bootstrap_means(np.column_stack(list(values.values())))
    return dict(zip(values, found, strict=True))


def bound_differences(
    values: Mapping[str, NDArray[np.float64]], base: Mapping[str, NDArray[np.float64]]
) -> dict[str, Interval]:
    """Return the 95 % bootstrap interval of each measure's mean paired difference from `base`.

    An interval without 0 is a significant difference.
    """
    return bound_means({name: values[name] - base[name] for name in values})
