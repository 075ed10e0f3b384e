"""Nearest items by their stored vectors, a block at a time, and items with equal texts."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.state.updates import Progress, tell

NEAREST = 20
"""Neighbours that vote."""

SHARPNESS = 0.1
"""The difference of cosines at which a neighbour counts a factor e less."""

CELLS = 1 << 24
"""Most cosines that are in memory at once (64 MB)."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest other items of some items: `places` (n, k), best first, and their cosines `near` (n, k)."""

    places: NDArray[np.int64]
    near: Matrix

    def weights(self) -> Matrix:
        """Return how much each neighbour counts, (n, k); rows sum to 1."""
        weights: Matrix = np.exp((self.near - 1) / np.float32(SHARPNESS))
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-12))
        return weights


def find_neighbours(
    vectors: Matrix, queries: NDArray[np.int64], others: NDArray[np.int64] | None = None, count: int = NEAREST
) -> Neighbours:
    """Find the `count` nearest of `others` (default: all items) for the items `queries`, never an item itself.

    `vectors` (n, d) are unit rows. Memory is bounded whatever n is: blocks of queries meet all others.
    """
    pool = np.arange(len(vectors)) if others is None else others
    count = min(count, len(pool))
    places = np.full((len(queries), count), -1, np.int64)
    near = np.full((len(queries), count), -1, np.float32)
    block = max(1, CELLS // max(1, len(pool)))
    targets = vectors[pool]
    for start in range(0, len(queries), block):
        rows = queries[start : start + block]
        cosines = vectors[rows] @ targets.T
        cosines[rows[:, None] == pool[None, :]] = -2
        best = np.argpartition(-cosines, count - 1, axis=1)[:, :count] if count < len(pool) else None
        best = np.tile(np.arange(len(pool)), (len(rows), 1)) if best is None else best
        values = np.take_along_axis(cosines, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        places[start : start + block] = pool[np.take_along_axis(best, order, axis=1)]
        near[start : start + block] = np.take_along_axis(values, order, axis=1)
        tell(Progress("comparing items", min(start + block, len(queries)), len(queries)))
    return Neighbours(places, np.maximum(near, -1))


def normalized_text(text: str) -> str:
    """Return a text by which equal ones are found: compatibility forms, case, punctuation and spaces do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(sign if sign.isalnum() else " " for sign in folded).split())


def equal_texts(texts: Sequence[str]) -> list[list[int]]:
    """Return the groups of two or more items whose texts are equal after normalisation, in order."""
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if key := normalized_text(text):
            groups.setdefault(key, []).append(place)
    return [group for group in groups.values() if len(group) > 1]
