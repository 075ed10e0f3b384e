"""Embeddings cached in the workspace, for texts that recur such as labels and centres."""

from collections.abc import Sequence

import numpy as np

from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.updates import Progress, tell

CHUNK = 1024
"""Texts embedded between two writes; the most that a killed run loses."""


class StoredEmbedder:
    """Looks texts up in the workspace; embeds and stores missing ones.

    For recurring texts, such as labels and centres; phrases of items are not stored.
    """

    def __init__(self, embedder: Embedder, store: Embeddings) -> None:
        self.embedder = embedder
        self.store = store

    @property
    def key(self) -> str:
        """The name under which the embedder's vectors are stored: its `vectors_key`, else its `name`."""
        return str(getattr(self.embedder, "vectors_key", self.embedder.name))

    def lookup(self, texts: Sequence[str], stage: str = "") -> Matrix:
        """Return the texts' unit vectors, float32 of shape (len(texts), dimension), in order.

        `stage`: what the embedding of missing ones is called where somebody listens; "" is not told.
        """
        matrix, found = self.store.get(self.key, texts)
        if len(texts) and bool(found.all()):
            return matrix
        missing = list(dict.fromkeys(text for text, there in zip(texts, found, strict=True) if not there))
        if stage and missing:
            tell(Progress(stage, 0, len(missing)))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            self.store.put(self.key, part, self.embedder.embed(part))
            if stage:
                tell(Progress(stage, start + len(part), len(missing)))
        if not texts:
            return np.zeros((0, self.embedder.dimension), dtype=np.float32)
        return self.store.get(self.key, texts)[0]

    def renew(self, texts: Sequence[str], stage: str) -> Matrix:
        """Embed distinct texts, and then store their vectors in place of all that is stored for the embedder."""
        tell(Progress(stage, 0, len(texts)))
        parts = []
        for start in range(0, len(texts), CHUNK):
            parts.append(self.embedder.embed(texts[start : start + CHUNK]))
            tell(Progress(stage, min(start + CHUNK, len(texts)), len(texts)))
        matrix = np.concatenate(parts)
        self.store.replace(self.key, texts, matrix)
        return matrix
