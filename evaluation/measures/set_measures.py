"""Precision, recall and F1 of answers as sets: micro, macro and by example, over labels or over tree nodes.

Over labels these are scikit-learn's averages `micro`, `macro` and `samples`. Over labels with all their ancestors
they are set-based hierarchical measures (Kosmopoulos, Partalas, Gaussier, Paliouras & Androutsopoulos 2015); the
micro average is hP, hR and hF of Kiritchenko, Matwin, Nock & Famili (2006).
"""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class SetCounts:
    """Answered and right labels of n items as sparse matrices (n, C) of 0 and 1, and those that are both.

    The C labels are those that are answered or right for some item.
    """

    labels: Sequence[Hashable]
    answered: Any
    right: Any
    hits: Any

    def items(self) -> Values:
        """Return the number of hits, answers and right labels of each item, (n, 3)."""
        return _sums((self.hits, self.answered, self.right), axis=1)

    def by_label(self) -> Values:
        """Return the number of hits, answers and right items of each label, (C, 3)."""
        return _sums((self.hits, self.answered, self.right), axis=0)

    def macro(self, times: NDArray[np.int64]) -> Values:
        """Return macro precision, recall and F1 of samples, (s, 3); `times` (s, n) says how often an item is drawn.

        A sample's means are over the labels that are answered or right in it.
        """
        parts = [self._macro(part.astype(np.float64)) for part in _divide(times, len(self.labels))]
        return np.concatenate(parts) if parts else np.zeros((0, 3))

    def _macro(self, times: Values) -> Values:
        hits, answered, right = (times @ each for each in (self.hits, self.answered, self.right))
        seen = np.maximum(((answered + right) > 0).sum(axis=1), 1)
        return np.column_stack([each.sum(axis=1) / seen for each in set_ratios(hits, answered, right)])


def count_sets(answered: Sequence[Collection[Hashable]], right: Sequence[Collection[Hashable]]) -> SetCounts:
    """Count the answers of items against their right labels; both are sets, one for each item."""
    labels = list(dict.fromkeys(label for sets in (right, answered) for each in sets for label in each))
    column = {label: place for place, label in enumerate(labels)}
    found, wanted = _incidence(answered, column), _incidence(right, column)
    return SetCounts(labels, found, wanted, found.multiply(wanted).tocsr())


def set_ratios(hits: Values, answered: Values, right: Values) -> tuple[Values, Values, Values]:
    """Return precision, recall and F1 of counts; 0 / 0 is 0."""
    return (
        divide_or_zero(hits, answered),
        divide_or_zero(hits, right),
        divide_or_zero(2 * hits, answered + right),
    )


def divide_or_zero(part: Values, whole: Values) -> Values:
    """Divide, with 0 / 0 = 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _incidence(sets: Sequence[Collection[Hashable]], column: dict[Hashable, int]) -> Any:
    from scipy.sparse import csr_matrix

    columns = [sorted({column[label] for label in each}) for each in sets]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in columns], dtype=np.int64)])
    flat = np.array([place for each in columns for place in each], dtype=np.int64)
    return csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(sets), len(column)))


def _sums(matrices: Sequence[Any], axis: int) -> Values:
    return np.column_stack([np.asarray(each.sum(axis=axis)).ravel() for each in matrices])


def _divide(times: NDArray[np.int64], width: int) -> Iterator[NDArray[np.int64]]:
    at_once = max(1, _CELLS_AT_ONCE // max(width, 1))
    for start in range(0, len(times), at_once):
        yield times[start : start + at_once]
