"""The protocol of a trained classifier."""

from collections.abc import Sequence
from typing import Protocol

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
