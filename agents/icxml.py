"""Label writers and mapper of ICXML (Zhu & Zamani 2023): write approximate labels, map them to real ones."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

import numpy as np

from taxonaut.agents.asking import Asker
from taxonaut.agents.retriever import top_k
from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.cpu import computed
from taxonaut.models.encoder.item_vectors import ItemVectors
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.requests import Answers, ModelReply
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write.write_labels import write_labels, write_labels_spec

TEMPLATE = "label_writer/write"


@dataclass(frozen=True, slots=True)
class WrittenLabels:
    """Approximate labels of one item, best first; empty if the request failed."""

    item: Item
    labels: tuple[str, ...]
    decision: Decision


class LabelWriter:
    """Write approximate labels. `like` holds names of labels as examples of the label set's style."""

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

    async def write(self, items: Sequence[Item]) -> list[WrittenLabels]:
        """Write labels for each item, in order. Raises ModelNotFoundError if the model does not exist."""
        tool = write_labels_spec(self.most)
        replies = await self.asker.ask_open(
            items, tool, self.most, lambda: {"like": self.like, "most": self.most}
        )
        return [self.read_reply(item, tool.name, reply) for item, reply in zip(items, replies, strict=True)]

    def read_reply(self, item: Item, tool: str, reply: ModelReply | ModelError) -> WrittenLabels:
        """Read a reply and build its decision row."""
        labels: list[str] = []
        error = str(reply) if isinstance(reply, ModelError) else ""
        if not isinstance(reply, ModelError):
            try:
                labels = write_labels(reply.arguments, self.most)
            except ToolError as problem:
                error = str(problem)
        decision = self.asker.build_open_decision(item, tool, tuple(labels), reply, error)
        return WrittenLabels(item, tuple(labels), decision)


QUOTE = "phrase_writer/quote"
"""In place of a template in decision rows: no model is asked."""


class PhraseWriter:
    """Quote the phrases of each item most similar to any label, nearest first.

    This replaces a language model where there is only an embedder.
    """

    def __init__(self, scorer: TextScorer, load: Callable[[], LabelTable], most: int = 10) -> None:
        self.scorer = scorer
        self.load = load
        self.most = most

    async def write(self, items: Sequence[Item]) -> list[WrittenLabels]:
        """Quote the phrases of each item, in order."""
        return await computed(partial(self.write_now, items))

    def write_now(self, items: Sequence[Item]) -> list[WrittenLabels]:
        """Synchronous `write`."""
        started = time.perf_counter()
        vectors = self.scorer.items([item.text for item in items])
        labels = self.scorer.centre(self.load().vectors)
        quoted = [self.quote_phrases(vectors.take([row]), labels) for row in range(len(items))]
        usage = Usage(latency_s=(time.perf_counter() - started) / max(len(items), 1))
        return [
            WrittenLabels(
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

    def quote_phrases(self, item: ItemVectors, labels: np.ndarray) -> tuple[str, ...]:
        """Return the best phrases of one item; phrases may overlap."""
        nearest = (item.parts @ labels.T).max(axis=1)
        order = np.argsort(-nearest, kind="stable")[: self.most]
        return tuple(item.phrases[place] for place in order.tolist())


class LabelMapper:
    """Map written labels to the nearest labels of the index. `load` is called on first use."""

    def __init__(self, scorer: TextScorer, load: Callable[[], LabelTable]) -> None:
        self.scorer = scorer
        self.load = load

    async def shortlists(self, written: Sequence[Sequence[str]], k: int) -> list[list[LabelId]]:
        """Return at most `k` labels for each list of written labels.

        The nearest labels of the written ones are interleaved: the nearest of the first, of the second, …, then
        the second nearest of each.
        """
        return await computed(partial(self.shortlists_now, written, k))

    def shortlists_now(self, written: Sequence[Sequence[str]], k: int) -> list[list[LabelId]]:
        """Synchronous `shortlists`."""
        table = self.load()
        distinct = list(dict.fromkeys(text for texts in written for text in texts))
        if not distinct:
            return [[] for _ in written]
        vectors = self.scorer.centre(self.scorer.embedder.embed(distinct))
        scores = vectors @ self.scorer.centre(table.vectors).T
        nearest = {text: top_k(row, k) for text, row in zip(distinct, scores, strict=True)}
        found = []
        for texts in written:
            turns = zip_longest(*(nearest[text] for text in texts))
            places = dict.fromkeys(place for turn in turns for place in turn if place is not None)
            found.append([table.labels[place] for place in list(places)[:k]])
        return found
