"""All labels of an index with the texts and vectors they are compared by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId


@dataclass(frozen=True)
class LabelTable:
    """Labels in import order, their texts, and their unit vectors, shape (labels, dimension)."""

    labels: Sequence[LabelId]
    texts: Sequence[str]
    vectors: Matrix

    @cached_property
    def rows(self) -> dict[LabelId, int]:
        """Where each label stands."""
        return {label: row for row, label in enumerate(self.labels)}
