"""The protocol of a trained classifier."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId


class Classifier(Protocol):
    """Predicts probabilities of a fixed list of categories. Thread-safe."""

    @property
    def name(self) -> str:
        """The model string in decision rows, such as `expert/3`."""

    @property
    def labels(self) -> tuple[LabelId, ...]:
        """The categories, in the order of the columns."""

    def probabilities(self, texts: Sequence[str]) -> Matrix:
        """Return calibrated probabilities, float32 of shape (len(texts), len(labels)); rows sum to 1."""


@runtime_checkable
class Explains(Protocol):
    """A classifier that says why."""

    def explain(self, text: str, label: LabelId) -> str:
        """Return the words of a text that speak for a category; empty if none does."""
