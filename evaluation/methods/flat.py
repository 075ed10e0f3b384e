"""Methods without an index and without an agent: exact search by vectors, and BM25."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from taxonaut.agents.retriever import Retriever
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, labelled
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.updates import Progress, tell
from taxonaut.workspace.workspace import Workspace

_WORD = re.compile(r"\w+")


class Ranked(NamedTuple):
    """Labels found for one item, best first: their places among the labels, and their scores."""

    places: list[int]
    scores: list[float]


def bm25_rank(label_texts: Sequence[str], item_texts: Sequence[str], k: int) -> list[Ranked]:
    """Rank labels by BM25 (Lucene's variant, k1 = 1.5, b = 0.75) with the item's words as the query.

    Words are case-folded runs of letters and digits, neither stemmed nor stopped. Gives at most `k` labels
    for each item, fewer where fewer share a word with it; equal scores are in the order of the labels.
    """
    import bm25s

    corpus = [_words(text) for text in label_texts]
    if not any(corpus):
        return [Ranked([], []) for _ in item_texts]
    index = bm25s.BM25(method="lucene")
    index.index(corpus, show_progress=False)
    ranked: list[Ranked] = []
    for text in item_texts:
        known = [word for word in _words(text) if word in index.vocab_dict]
        scores = index.get_scores(known) if known else np.zeros(len(corpus), dtype=np.float32)
        ranked.append(_best(scores, k))
    return ranked


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _best(scores: np.ndarray, k: int) -> Ranked:
    matched = np.flatnonzero(scores > 0)
    if len(matched) > k:
        bound = np.partition(scores[matched], len(matched) - k)[len(matched) - k]
        matched = matched[scores[matched] >= bound]
    order = matched[np.argsort(-scores[matched], kind="stable")][:k]
    return Ranked(order.tolist(), scores[order].tolist())


PLAIN = "plain"

SEARCH = "retriever/search"
"""Stands where a decision has its template: a search reads none."""


async def dense(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank all labels by exact search; `mix` as in `searcher`, and the mix `plain` for plain cosine."""
    plain = settings.own.get("mix") == PLAIN
    retriever = searcher(workspace, None if plain else own_share(settings, "mix"), plain=plain)

    async def search(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        started = time.perf_counter()
        found = await retriever.search([item.text for item in batch], settings.depth)
        usage = Usage(latency_s=(time.perf_counter() - started) / len(batch))
        rows = [searched(item, labels, retriever, usage) for item, labels in zip(batch, found, strict=True)]
        return {item.id: labels for item, labels in zip(batch, found, strict=True)}, rows

    told = {"depth": settings.depth, **settings.own}
    return await labelled(workspace, items, "dense", told, search)


async def bm25(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank all labels by BM25 over the same label texts that dense retrieval compares."""
    started = time.perf_counter()
    texts = workspace.wiring.label_texts()
    labels = list(texts)
    rank = partial(bm25_rank, list(texts.values()), [item.text for item in items], settings.depth)
    ranked = await asyncio.to_thread(rank)
    predictions = {
        item.id: tuple(labels[place] for place in hits.places)
        for item, hits in zip(items, ranked, strict=True)
    }
    tell(Progress("bm25", len(items)))
    return Outcome(predictions, Totals(seconds=time.perf_counter() - started))


def searcher(workspace: Workspace, mix: float | None = None, *, plain: bool = False) -> Retriever:
    """Return exact search over a workspace's labels.

    `mix` is the share of the best phrase, 0 without phrases, None as the settings have it. `plain` compares
    whole texts and labels by nothing but the cosine of their vectors, as a vector store does.
    """
    wiring = workspace.wiring
    known = wiring.scorer
    if mix is None and not plain:
        return wiring.retriever()
    settings = replace(known.settings, mix=0.0 if plain else mix)
    if plain:
        settings = replace(settings, centring=0.0, words=0.0)
    scorer = TextScorer(known.embedder, settings, known.space)
    return Retriever(scorer, lambda: wiring.label_table(workspace.config.embeddings))


def own_share(settings: MethodSettings, name: str) -> float | None:
    """Return a share from 0 to 1 that a method was told beside its name; raises InputError."""
    given = settings.own.get(name)
    if given is None:
        return None
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"{name} is {given!r}; it is a share: give a number from 0 to 1, or {PLAIN!r}")
    return share


def searched(
    item: Item,
    found: Sequence[tuple[LabelId, float]],
    retriever: Retriever,
    usage: Usage,
) -> Decision:
    """Return the decision row of one search: one request, which no agent made."""
    return Decision(
        item_id=item.id,
        node_id=None,
        agent="retriever",
        template=SEARCH,
        template_hash="",
        model=retriever.scorer.embedder.name,
        tool="search_labels",
        options=tuple(label for label, _ in found),
        choice=tuple(label for label, _ in found),
        scores=tuple(round(score, 4) for _, score in found),
        usage=usage,
    )
