"""The interface of embedders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeGuard, runtime_checkable

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


@dataclass(frozen=True, slots=True)
class TextInContext:
    """A text's unit vector (d,) and those of its words, each read in its context: float16, unit rows (words, d).

    `starts` says where each word begins in the text, whose runs of white space count as one blank. Only words with a
    letter or digit are there, and only those that the embedder reads.
    """

    vector: Matrix
    words: tuple[str, ...]
    starts: tuple[int, ...]
    vectors: npt.NDArray[np.float16]


class ContextEmbedder(Protocol):
    """An embedder that computes the vectors of a text's words in the pass that computes the text's."""

    @property
    def reads_words(self) -> bool:
        """Whether this model has vectors of words that can be compared."""

    def embed_in_context(self, texts: Sequence[str], *, queries: bool = False) -> list[TextInContext]:
        """Embed texts, in their order, as passages or as queries; see `embed_queries`."""


def reads_words(embedder: object) -> TypeGuard[ContextEmbedder]:
    """Return whether an embedder has vectors of a text's words, see `ContextEmbedder`."""
    return bool(getattr(embedder, "reads_words", False))
