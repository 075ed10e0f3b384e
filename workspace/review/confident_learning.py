"""Wrong labels by confident learning (Northcutt et al. 2021), with the package cleanlab."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.ids import LabelId
from taxonaut.workspace.review.held_out import LabelOdds

EXTRA = "review"

LEAST_ITEMS = 5
"""Items of a label from which its threshold can be estimated."""

MOST_CELLS = 1 << 26
"""Most probabilities that are given to cleanlab at once, items x labels (256 MB)."""


def import_cleanlab() -> Any:
    """Return the package. Raises MissingExtraError."""
    try:
        import cleanlab.filter
        import cleanlab.multilabel_classification.filter
    except ImportError:
        raise MissingExtraError("cleanlab", EXTRA) from None
    return cleanlab


def is_installed() -> bool:
    """Whether cleanlab is there."""
    from importlib.util import find_spec

    return find_spec("cleanlab") is not None


def confident_errors(
    odds: Sequence[LabelOdds | None], given: Sequence[Sequence[LabelId]]
) -> NDArray[np.bool_]:
    """Return which items cleanlab finds mislabelled (n,), where its assumptions hold; elsewhere False.

    They hold for labels with at least `LEAST_ITEMS` items: what else an item may be is not estimated. Items with
    several labels are judged label by label (`cleanlab.multilabel_classification`). Raises MissingExtraError.
    """
    cleanlab = import_cleanlab()
    found = np.zeros(len(odds), bool)
    counts: dict[LabelId, int] = {}
    for labels in given:
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
    common = sorted(label for label, count in counts.items() if count >= LEAST_ITEMS)
    column = {label: place for place, label in enumerate(common)}
    places = [
        place
        for place, labels in enumerate(given)
        if odds[place] is not None and labels and all(label in column for label in labels)
    ]
    if len(common) < 2 or len(places) < 2 * LEAST_ITEMS or len(places) * len(common) > MOST_CELLS:
        return found
    several = any(len(given[place]) > 1 for place in places)
    # Labels may lose all their items here, as items with a rare label are left out.
    left = sorted({column[label] for place in places for label in given[place]})
    matrix = probabilities([odds[place] for place in places], [common[each] for each in left])
    number = {common[each]: place for place, each in enumerate(left)}
    labels_of = [[number[label] for label in given[place]] for place in places]
    if len(left) < 2:
        return found
    if several:
        sizes = np.array([len(labels) for labels in labels_of], np.float32)
        issues = cleanlab.multilabel_classification.filter.find_label_issues(
            labels_of, np.minimum(matrix * sizes[:, None], 1), n_jobs=1
        )
    else:
        issues = cleanlab.filter.find_label_issues(
            np.array([labels[0] for labels in labels_of]), matrix, filter_by="both", n_jobs=1
        )
    found[np.array(places)[np.asarray(issues, bool)]] = True
    return found


def probabilities(odds: Sequence[LabelOdds | None], labels: Sequence[LabelId]) -> Matrix:
    """Return the probabilities of items as a matrix (n, C) whose rows sum to 1; what is not kept shares the rest."""
    column = {label: place for place, label in enumerate(labels)}
    found = np.zeros((len(odds), len(labels)), np.float32)
    for row, each in zip(found, odds, strict=True):
        if each is None:
            continue
        known = [(column[label], log) for label, log in each.logs.items() if label in column]
        row[:] = max(0.0, 1 - float(np.exp(list(each.logs.values())).sum())) / max(
            1, len(labels) - len(known)
        )
        for place, log in known:
            row[place] = np.exp(log)
    found += np.float32(1e-9)
    found /= found.sum(axis=1, keepdims=True)
    return found
