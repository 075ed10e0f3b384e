"""What an embedder is, whichever library computes it."""

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
        """Name the vectors under it: equal names give equal vectors."""

    @property
    def dimension(self) -> int:
        """Say how long each vector is."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in their order: float32, shape (len(texts), dimension), rows of length 1."""
