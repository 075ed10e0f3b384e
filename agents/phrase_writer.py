"""Stands in for the label writer where no model writes: an item's own phrases that come nearest to labels."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from taxonaut.agents.label_table import LabelTable
from taxonaut.agents.label_writer import Written
from taxonaut.models.encoder import ItemVectors, TextScorer
from taxonaut.models.threads import computed
from taxonaut.state.ids import RunId
from taxonaut.state.records import Decision, Item, Usage

QUOTE = "phrase_writer/quote"
"""Stands where a decision has its template: nothing is asked."""


class PhraseWriter:
    """Quote the phrases of each item that are most similar to any label, the nearest first.

    An embedder writes no prose, and an item's own words are the nearest it has to labels of its own making.
    """

    def __init__(self, scorer: TextScorer, load: Callable[[], LabelTable], most: int = 10) -> None:
        self.scorer = scorer
        self.load = load
        self.most = most

    async def write(self, run: RunId, items: Sequence[Item]) -> list[Written]:
        """Quote phrases of each item, in order."""
        return await computed(partial(self.write_now, run, items))

    def write_now(self, run: RunId, items: Sequence[Item]) -> list[Written]:
        """Do what `write` does, in this thread."""
        started = time.perf_counter()
        vectors = self.scorer.items([item.text for item in items])
        labels = self.scorer.centred(self.load().vectors)
        quoted = [self.quoted(vectors.take([row]), labels) for row in range(len(items))]
        usage = Usage(latency_s=(time.perf_counter() - started) / max(len(items), 1))
        return [
            Written(
                item,
                phrases,
                Decision(
                    run_id=run,
                    item_id=item.id,
                    node_id=None,
                    agent="phrase_writer",
                    template=QUOTE,
                    template_hash="",
                    model=self.scorer.embedder.name,
                    tool="write_labels",
                    options=(),
                    choice=phrases,
                    usage=usage,
                ),
            )
            for item, phrases in zip(items, quoted, strict=True)
        ]

    def quoted(self, item: ItemVectors, labels: np.ndarray) -> tuple[str, ...]:
        """Return the best phrases of one item; where two share a word, both may stand."""
        nearest = (item.parts @ labels.T).max(axis=1)
        order = np.argsort(-nearest, kind="stable")[: self.most]
        return tuple(item.phrases[place] for place in order.tolist())
