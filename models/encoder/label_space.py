"""Vectors of labels, and what a label set has in common."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.languages import ENGLISH
from taxonaut.models.encoder.words import Vocabulary

_WORDS_OF_A_NAME = 4

PATH_SEPARATOR = " > "
"""Separates the names of a path in an option's text, from the top down."""


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Statistics of a label set: its mean vector (d,), its size, its typical name length, its vocabulary.

    `language` is that of its function words, English where it is not clear.
    """

    mean: Matrix
    labels: int
    words_a_name: float
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(()))
    language: str = ENGLISH

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        vectors: Matrix,
        language: str = ENGLISH,
        alternatives: Iterable[str] = (),
    ) -> "LabelSpace | None":
        """Compute it from labels' names and vectors (m, d) and all alternative names; None for fewer than two."""
        if len(names) < 2:
            return None
        words_a_name = median(len(name.split()) for name in names)
        vocabulary = Vocabulary(names, language, alternatives)
        return cls(vectors.mean(axis=0), len(names), words_a_name, vocabulary, language)

    @property
    def mix(self) -> float:
        """The weight of the best phrase.

        It grows with the number of labels, because finer labels are named by smaller parts of a text: 0.2 for 150
        labels, 0.37 for 1,000, 0.6 from 14,000 on. It is 0.15 for labels that are sentences.
        """
        share = min(max(0.2 * math.log10(self.labels / 14), 0.15), 0.6)
        return share if self.words_a_name <= _WORDS_OF_A_NAME else 0.15


def subtract_and_normalize(vectors: Matrix, shift: Matrix) -> Matrix:
    """Subtract a vector from unit vectors (n, d) and rescale to unit length."""
    moved: Matrix = vectors - shift
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), np.float32(1e-6))
    return moved
