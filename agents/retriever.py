"""Retriever: exact dense retrieval over all labels, without a walk."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import numpy as np

from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.item_vectors import ItemVectors
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.words import SharedWords
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item

SCORES = 2_000_000
"""Scores of a matrix product, and of all rows that are kept; each bounds memory."""


class Retriever:
    """Score every label against a text and return the best. `load` is called on first use."""

    def __init__(self, scorer: TextScorer, load: Callable[[], LabelTable]) -> None:
        self.scorer = scorer
        self.load = load
        self._kept: dict[str, Matrix] = {}
        """Texts of the last searches, each with the scores of all labels: a walk asks for them again."""

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Return each text's k best labels with scores, best first; ties are in the order of labels."""
        return await computed(partial(self.search_now, texts, k))

    def search_now(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Synchronous `search`."""
        labels = self.table.labels
        return [
            [(labels[i], float(row[i])) for i in top_k(row, k)]
            for _, scores in self.score_all(texts)
            for row in scores
        ]

    def score_all(self, texts: Sequence[str]) -> Iterator[tuple[Sequence[str], Matrix]]:
        """Yield texts, in order, with their scores of all labels (n, labels), in the order of the table's."""
        labels, options = self.table.labels, self.scorer.centre(self.table.vectors)
        more = self.scorer.centre_gists(self.table.gists)
        most = max(1, SCORES // max(1, len(labels)))
        items = self.scorer.items(texts)
        for start in range(0, len(texts), most):
            part = range(start, min(start + most, len(texts)))
            asked = texts[part.start : part.stop]
            scores, _ = self.scorer.score_centred(items.take(part), options, self.words, more)
            if self.scorer.learned is not None:
                scores = self.scorer.learned.add(asked, tuple(labels), scores)
            self._kept = dict(zip(asked, scores, strict=True))
            yield asked, scores

    async def scores(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        """Return the scores of each item's labels, in order."""
        return await computed(partial(self.scores_now, shortlists))

    def scores_now(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        """Synchronous `scores`."""
        kept = self._kept
        unknown = [row for row, (item, _) in enumerate(shortlists) if item.text not in kept]
        items = self.scorer.items([shortlists[row][0].text for row in unknown])
        computed = {
            row: self.score_item(items.take([place]), shortlists[row]) for place, row in enumerate(unknown)
        }
        return [
            computed[row] if row in computed else self.look_up(kept[item.text], labels)
            for row, (item, labels) in enumerate(shortlists)
        ]

    def look_up(self, scores: Matrix, labels: Sequence[LabelId]) -> list[float]:
        """Return the scores of some labels from those of all."""
        rows = self.table.rows
        found: list[float] = scores[[rows[label] for label in labels]].tolist()
        return found

    def score_item(self, item: ItemVectors, shortlist: tuple[Item, Sequence[LabelId]]) -> list[float]:
        """Score some labels against one item, which is given with its vectors."""
        asked, labels = shortlist
        if not labels:
            return []
        rows = [self.table.rows[label] for label in labels]
        words = self.scorer.words([self.table.options[row] for row in rows])
        more = None if self.table.gists is None else self.table.gists.take(rows)
        scores, _ = self.scorer.score(item, self.table.vectors[rows], words, more)
        if self.scorer.learned is not None:
            scores = self.scorer.learned.add([asked.text], tuple(labels), scores)
        return [float(score) for score in scores[0]]

    @cached_property
    def table(self) -> LabelTable:
        """All labels with their vectors."""
        return self.load()

    @cached_property
    def words(self) -> SharedWords | None:
        """Word statistics of all labels."""
        return self.scorer.words(self.table.options)


def top_k(scores: Matrix, k: int) -> list[int]:
    """Return the positions of the k highest scores, highest first; ties are in order."""
    k = min(k, len(scores))
    near = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    if k < len(scores):
        near = np.flatnonzero(scores >= scores[near].min())
    return [int(i) for i in sorted(near, key=lambda i: (-scores[i], i))[:k]]
