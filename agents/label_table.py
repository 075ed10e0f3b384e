"""Labels of an index, or items, with the texts and vectors they are compared by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import Id, LabelId


@dataclass(frozen=True)
class TextTable(Generic[Id]):
    """Labels (or items) in order, their texts, and their unit vectors, shape (labels, dimension)."""

    labels: Sequence[Id]
    texts: Sequence[str]
    vectors: Matrix

    @cached_property
    def rows(self) -> dict[Id, int]:
        """Where each label stands."""
        return {label: row for row, label in enumerate(self.labels)}


LabelTable = TextTable[LabelId]
