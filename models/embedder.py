"""The interface of embedders."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
"""Rows of float32; one text or one vector a row."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to call from several threads.

    One that has `max_tokens` reads so many tokens of a text: longer items are compared passage by passage.
    """

    @property
    def name(self) -> str:
        """The name of its vectors: equal names give equal vectors. A `vectors_key` replaces it in the store."""

    @property
    def dimension(self) -> int:
        """The length of each vector."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in their order: float32, shape (len(texts), dimension), rows of length 1."""


def embed_queries(embedder: Embedder, texts: Sequence[str]) -> Matrix:
    """Embed texts that are compared with others, such as items with labels; see `Embedder.embed`.

    Some encoders were trained with a prefix for either side: an embedder that has `embed_queries` tells them apart.
    """
    embed: Callable[[Sequence[str]], Matrix] = getattr(embedder, "embed_queries", embedder.embed)
    return embed(texts)
