"""The label writer: say in its own words what a text's labels might be (ICXML, Zhu & Zamani 2023, step 1)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

import numpy as np

from taxonaut.agents.asking import Asker
from taxonaut.agents.retriever import top
from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.cpu import computed
from taxonaut.models.encoder.scorer import ItemVectors, TextScorer
from taxonaut.models.requests import Answers, ModelReply
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write.write_labels import write_labels, write_labels_spec

TEMPLATE = "label_writer/write"


@dataclass(frozen=True, slots=True)
class Written:
    """Approximate labels of one item, best first; none where the request failed."""

    item: Item
    labels: tuple[str, ...]
    decision: Decision


class LabelWriter:
    """Write approximate labels. `like` are names of labels that show what the label set sounds like."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        task: str = "",
        like: Sequence[str] = (),
        most: int = 10,
    ) -> None:
        self.asker = Asker("label_writer", model, prompts.get(TEMPLATE), task)
        self.like = list(like)
        self.most = most

    async def write(self, items: Sequence[Item]) -> list[Written]:
        """Write labels for each item, in order. A model that is not there raises ModelNotFoundError."""
        tool = write_labels_spec(self.most)
        replies = await self.asker.ask_open(
            items, tool, self.most, lambda: {"like": self.like, "most": self.most}
        )
        return [self.written(item, tool.name, reply) for item, reply in zip(items, replies, strict=True)]

    def written(self, item: Item, tool: str, reply: ModelReply | ModelError) -> Written:
        """Turn a reply into labels and its decision row."""
        labels: list[str] = []
        error = str(reply) if isinstance(reply, ModelError) else ""
        if not isinstance(reply, ModelError):
            try:
                labels = write_labels(reply.arguments, self.most)
            except ToolError as problem:
                error = str(problem)
        decision = self.asker.open_decision(item, tool, tuple(labels), reply, error)
        return Written(item, tuple(labels), decision)


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

    async def write(self, items: Sequence[Item]) -> list[Written]:
        """Quote phrases of each item, in order."""
        return await computed(partial(self.write_now, items))

    def write_now(self, items: Sequence[Item]) -> list[Written]:
        """Do what `write` does, in this thread."""
        started = time.perf_counter()
        vectors = self.scorer.items([item.text for item in items])
        labels = self.scorer.centre(self.load().vectors)
        quoted = [self.quoted(vectors.take([row]), labels) for row in range(len(items))]
        usage = Usage(latency_s=(time.perf_counter() - started) / max(len(items), 1))
        return [
            Written(
                item,
                phrases,
                Decision(
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


class LabelMapper:
    """Find the labels nearest to written ones. `load` gives the labels when first needed."""

    def __init__(self, scorer: TextScorer, load: Callable[[], LabelTable]) -> None:
        self.scorer = scorer
        self.load = load

    async def shortlists(self, written: Sequence[Sequence[str]], k: int) -> list[list[LabelId]]:
        """Return for each list of written labels the labels they stand for, at most `k`, the likeliest first.

        Each written label has its nearest labels; they are taken in turn: the nearest of the first, of the
        second, …, then the second nearest, until there are `k`.
        """
        return await computed(partial(self.shortlists_now, written, k))

    def shortlists_now(self, written: Sequence[Sequence[str]], k: int) -> list[list[LabelId]]:
        """Do what `shortlists` does, in this thread."""
        table = self.load()
        distinct = list(dict.fromkeys(text for texts in written for text in texts))
        if not distinct:
            return [[] for _ in written]
        vectors = self.scorer.centre(self.scorer.embedder.embed(distinct))
        scores = vectors @ self.scorer.centre(table.vectors).T
        nearest = {text: top(row, k) for text, row in zip(distinct, scores, strict=True)}
        found = []
        for texts in written:
            turns = zip_longest(*(nearest[text] for text in texts))
            places = dict.fromkeys(place for turn in turns for place in turn if place is not None)
            found.append([table.labels[place] for place in list(places)[:k]])
        return found
