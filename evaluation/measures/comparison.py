"""How sure the scores of one method are, and its differences from another on the same items."""

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
"""What the measures are; texts without right labels are left out of all of them."""


def each_item(
    predicted: Sequence[Sequence[LabelId]], gold: Sequence[Collection[LabelId]], ks: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Give every measure's value (n,) for each item with gold labels, by names such as `P@5`."""
    return by_name(score_items(predicted, gold, ks))


def by_name(scores: ItemScores) -> dict[str, NDArray[np.float64]]:
    """Name the measures of item scores."""
    named = {
        f"{sign}@{k}": values
        for sign, field in (("P", scores.precision), ("R", scores.recall), ("RP", scores.rp))
        for k, values in field.items()
    }
    return {**named, "MRR": scores.reciprocal_rank}


def intervals(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Interval]:
    """Bound every measure's mean: 95 % of 1,000 bootstrap samples of the items."""
    found = bootstrap_means(np.column_stack(list(values.values())))
    return dict(zip(values, found, strict=True))


def differences(
    values: Mapping[str, NDArray[np.float64]], base: Mapping[str, NDArray[np.float64]]
) -> dict[str, Interval]:
    """Bound the mean difference from another method on the same items, item by item (a paired comparison).

    An interval that does not hold 0 is a difference that the choice of items does not explain.
    """
    return intervals({name: values[name] - base[name] for name in values})
