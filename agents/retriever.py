"""Exact dense retrieval over all labels: a matrix product, no walk."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder import TextScorer
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item

ROWS = 64
"""Items scored against all labels at once, which bounds memory."""


class Retriever:
    """Score every label against a text, and keep the best.

    `labels` and `vectors`, shape (labels, dimension), are read by `load` when first needed.
    """

    def __init__(self, scorer: TextScorer, load: Callable[[], tuple[Sequence[LabelId], Matrix]]) -> None:
        self.scorer = scorer
        self.load = load
        self.loaded: tuple[Sequence[LabelId], Matrix] | None = None
        self.rows: dict[LabelId, int] = {}

    def table(self) -> tuple[Sequence[LabelId], Matrix]:
        """Return all labels and their vectors, embedding them on first use."""
        if self.loaded is None:
            self.loaded = self.load()
            self.rows = {label: row for row, label in enumerate(self.loaded[0])}
        return self.loaded

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Return each text's k best labels with their scores, best first; ties in the labels' order."""
        return await asyncio.to_thread(self.search_now, texts, k)

    def search_now(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Do what `search` does, in this thread."""
        labels, vectors = self.table()
        found: list[list[tuple[LabelId, float]]] = []
        for start in range(0, len(texts), ROWS):
            scores, _ = self.scorer.score(self.scorer.items(texts[start : start + ROWS]), vectors)
            for row in scores:
                best = top(row, k)
                found.append([(labels[i], float(row[i])) for i in best])
        return found

    async def best(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]], k: int) -> list[list[LabelId]]:
        """Return of each item's labels the k that fit it best, best first."""
        return await asyncio.to_thread(self.best_now, shortlists, k)

    def best_now(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]], k: int) -> list[list[LabelId]]:
        """Do what `best` does, in this thread."""
        table = self.table()[1]
        items = self.scorer.items([item.text for item, _ in shortlists])
        found = []
        for row, (_, labels) in enumerate(shortlists):
            vectors = table[[self.rows[label] for label in labels]]
            scores, _ = self.scorer.score(items.take([row]), vectors)
            found.append([labels[i] for i in top(scores[0], k)] if labels else [])
        return found


def top(scores: Matrix, k: int) -> list[int]:
    """Return the positions of the k highest scores, highest first; equal scores in their order."""
    k = min(k, len(scores))
    near = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    if k < len(scores):
        near = np.flatnonzero(scores >= scores[near].min())
    return [int(i) for i in sorted(near, key=lambda i: (-scores[i], i))[:k]]
