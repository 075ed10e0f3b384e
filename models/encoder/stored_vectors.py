"""Embeddings of labels and nodes, computed once and kept in the index."""

from collections.abc import Sequence

import numpy as np

from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.updates import Progress, tell

CHUNK = 1024
"""Texts embedded between two writes; a killed run loses at most these."""


class StoredEmbedder:
    """Look texts up in the workspace, embed what is missing, keep it.

    For texts that come again, such as labels and centres; an item's phrases are not kept.
    """

    def __init__(self, embedder: Embedder, store: Embeddings) -> None:
        self.embedder = embedder
        self.store = store

    def lookup(self, texts: Sequence[str], stage: str = "") -> Matrix:
        """Return the texts' unit vectors, float32 of shape (len(texts), dimension), in order.

        `stage`: what the embedding of missing ones is called where somebody listens; "" is not told.
        """
        matrix, found = self.store.get(self.embedder.name, texts)
        if len(texts) and bool(found.all()):
            return matrix
        missing = list(dict.fromkeys(text for text, there in zip(texts, found, strict=True) if not there))
        if stage and missing:
            tell(Progress(stage, 0, len(missing)))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            self.store.put(self.embedder.name, part, self.embedder.embed(part))
            if stage:
                tell(Progress(stage, start + len(part), len(missing)))
        if not texts:
            return np.zeros((0, self.embedder.dimension), dtype=np.float32)
        return self.store.get(self.embedder.name, texts)[0]
