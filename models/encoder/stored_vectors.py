"""Embeddings cached in the workspace, for texts that recur such as labels and centres."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taxonaut.models.embedder import Embedder, Matrix, embed_queries
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.phrase_vectors import PhraseVectors
from taxonaut.state.updates import Progress, tell

CHUNK = 1024
"""Texts embedded between two writes; the most that a killed run loses."""

LONGEST_PHRASE = 48
"""Characters of the longest text whose vector is kept for later runs; longer ones seldom come again."""


class StoredEmbedder:
    """Looks texts up in the workspace; embeds and stores missing ones.

    For recurring texts, such as labels and centres; phrases of items are not stored. Of an adapted embedder
    (`AdaptedEmbedder`) the vectors of its base are stored, and mapped when they are looked up.
    """

    def __init__(self, embedder: Embedder, store: Embeddings) -> None:
        self.embedder = embedder
        self.store = store
        self._base: Embedder = getattr(embedder, "base", embedder)
        self._adapt: Callable[[Matrix], Matrix] | None = getattr(embedder, "adapt", None)

    @property
    def key(self) -> str:
        """The name under which the embedder's vectors are stored: its `vectors_key`, else its `name`."""
        return str(getattr(self.embedder, "vectors_key", self.embedder.name))

    def count_missing(self, texts: Sequence[str]) -> int:
        """Return how many different texts have no stored vector yet."""
        _, found = self.store.get(self.key, texts)
        return len({text for text, there in zip(texts, found, strict=True) if not there})

    def lookup(self, texts: Sequence[str], stage: str = "") -> Matrix:
        """Return the texts' unit vectors, float32 of shape (len(texts), dimension), in order.

        `stage`: what the embedding of missing ones is called where somebody listens; "" is not told.
        """
        matrix, found = self.store.get(self.key, texts)
        if len(texts) and bool(found.all()):
            return self._mapped(matrix)
        missing = list(dict.fromkeys(text for text, there in zip(texts, found, strict=True) if not there))
        if stage and missing:
            tell(Progress(stage, 0, len(missing)))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            self.store.put(self.key, part, self._base.embed(part))
            if stage:
                tell(Progress(stage, start + len(part), len(missing)))
        if not texts:
            return np.zeros((0, self.embedder.dimension), dtype=np.float32)
        return self._mapped(self.store.get(self.key, texts)[0])

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the texts' vectors as `lookup` does, without storing those that are missing."""
        matrix, found = self.store.get(self.key, texts)
        missing = list(dict.fromkeys(text for text, there in zip(texts, found, strict=True) if not there))
        if not missing:
            return self._mapped(matrix)
        rows = dict(zip(missing, self._base.embed(missing), strict=True))
        return self._mapped(
            np.stack(
                [row if there else rows[text] for text, row, there in zip(texts, matrix, found, strict=True)]
            )
        )

    def renew(self, texts: Sequence[str], stage: str) -> Matrix:
        """Embed distinct texts, and then store their vectors in place of all that is stored for the embedder."""
        tell(Progress(stage, 0, len(texts)))
        parts = []
        for start in range(0, len(texts), CHUNK):
            parts.append(self._base.embed(texts[start : start + CHUNK]))
            tell(Progress(stage, min(start + CHUNK, len(texts)), len(texts)))
        matrix = np.concatenate(parts)
        self.store.replace(self.key, texts, matrix)
        return self._mapped(matrix)

    def _mapped(self, vectors: Matrix) -> Matrix:
        return vectors if self._adapt is None else self._adapt(vectors)


class PhraseEmbedder:
    """An embedder that keeps the vectors of short query texts, such as phrases, for later runs.

    These are rounded to float16, kept or not, so that a later run gives the same scores (to within 0.001 of those
    of unrounded ones). All else is the embedder's own.
    """

    def __init__(self, embedder: Embedder, kept: PhraseVectors) -> None:
        self.embedder = embedder
        self.kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self.embedder, name)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed texts that are compared with others; see `Embedder.embed`."""
        key = str(getattr(self.embedder, "vectors_key", self.embedder.name))
        short = list(dict.fromkeys(text for text in texts if len(text) <= LONGEST_PHRASE))
        kept = self.kept.get(key, short)
        known = {text: vector for text, vector in kept.items() if len(vector) == self.embedder.dimension}
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        found = dict(known)
        if missing:
            vectors = embed_queries(self.embedder, missing)
            found.update(zip(missing, vectors, strict=True))
            rows = [row for row, text in enumerate(missing) if len(text) <= LONGEST_PHRASE]
            new, rounded = [missing[row] for row in rows], vectors[rows].astype(np.float16)
            found.update(zip(new, rounded, strict=True))
            if new:
                self.kept.put(key, new, rounded)
        if not texts:
            return np.zeros((0, self.embedder.dimension), np.float32)
        return np.stack([found[text] for text in texts], dtype=np.float32)
