"""Keep the vectors of recent texts in memory."""

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np

from taxonaut.models.embedder import Matrix


class VectorCache:
    """A cache of text vectors. It is emptied when it would exceed `limit` texts."""

    def __init__(self, load: Callable[[Sequence[Any]], Matrix], limit: int) -> None:
        self._load, self._limit = load, limit
        self._rows: dict[Hashable, int] = {}
        self._vectors: Matrix = np.empty((0, 0), np.float32)
        self._lock = Lock()

    def get(self, texts: Sequence[Hashable]) -> Matrix:
        """Return one row per text; distinct unknown texts are loaded in one call."""
        with self._lock:
            unknown = list(dict.fromkeys(text for text in texts if text not in self._rows))
            if unknown and len(self._rows) + len(unknown) > self._limit:
                self._rows.clear()
                unknown = list(dict.fromkeys(texts))
            if unknown:
                self._add(unknown, self._load(unknown))
            rows = self._rows
            return self._vectors[[rows[text] for text in texts]]

    def _add(self, texts: Sequence[Hashable], vectors: Matrix) -> None:
        start = len(self._rows)
        end = start + len(texts)
        if start == 0:
            self._vectors = np.array(vectors, np.float32)
        else:
            if end > len(self._vectors):
                grown = np.empty((max(end, min(2 * end, self._limit)), vectors.shape[1]), np.float32)
                grown[:start] = self._vectors[:start]
                self._vectors = grown
            self._vectors[start:end] = vectors
        self._rows.update(zip(texts, range(start, end), strict=True))
