"""The interface of embedders."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
"""Rows of float32; one text or one vector a row."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The name of its vectors: equal names give equal vectors. A `vectors_key` replaces it in the store."""

    @property
    def dimension(self) -> int:
        """The length of each vector."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in their order: float32, shape (len(texts), dimension), rows of length 1."""
