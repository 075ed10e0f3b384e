"""Methods without tree or agent: exact vector search, and BM25."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from taxonaut.agents.retriever import Retriever
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, run_method
from taxonaut.models.encoder.languages import ENGLISH, guess_language
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.text_words import stems
from taxonaut.state.updates import Progress, tell
from taxonaut.workspace.workspace import Workspace


class Ranked(NamedTuple):
    """Ranked labels of one item, best first: their positions among the labels, and their scores."""

    places: list[int]
    scores: list[float]


def bm25_rank(
    label_texts: Sequence[str], item_texts: Sequence[str], k: int, language: str = ENGLISH
) -> list[Ranked]:
    """Rank labels by BM25 (Lucene's variant, k1 = 1.5, b = 0.75) with the item's words as the query.

    Words are stems (`text_words.stems`) in the labels' language, without stop words removed. Returns up to `k` labels
    per item, only those that share a word with it; ties are in the order of the labels.
    """
    import bm25s

    corpus = [stems(text, language) for text in label_texts]
    if not any(corpus):
        return [Ranked([], []) for _ in item_texts]
    index = bm25s.BM25(method="lucene")
    index.index(corpus, show_progress=False)
    ranked: list[Ranked] = []
    for text in item_texts:
        known = [word for word in stems(text, language) if word in index.vocab_dict]
        scores = index.get_scores(known) if known else np.zeros(len(corpus), dtype=np.float32)
        ranked.append(_best(scores, k))
    return ranked


def _best(scores: np.ndarray, k: int) -> Ranked:
    matched = np.flatnonzero(scores > 0)
    if len(matched) > k:
        bound = np.partition(scores[matched], len(matched) - k)[len(matched) - k]
        matched = matched[scores[matched] >= bound]
    order = matched[np.argsort(-scores[matched], kind="stable")][:k]
    return Ranked(order.tolist(), scores[order].tolist())


PLAIN = "plain"

SEARCH = "retriever/search"
"""The template name in decision rows of a search, which has no template."""


async def dense(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank all labels by exact search. Option: `mix`, as in `make_retriever`, or `plain` for plain cosine."""
    plain = settings.own.get("mix") == PLAIN
    retriever = make_retriever(workspace, None if plain else parse_share(settings, "mix"), plain=plain)

    async def search(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        started = time.perf_counter()
        found = await retriever.search([item.text for item in batch], settings.depth)
        usage = Usage(latency_s=(time.perf_counter() - started) / len(batch))
        rows = [
            search_decision(item, labels, retriever, usage) for item, labels in zip(batch, found, strict=True)
        ]
        return {item.id: labels for item, labels in zip(batch, found, strict=True)}, rows

    used = {"depth": settings.depth, **settings.own}
    if retriever.scorer.learned is not None:
        used |= workspace.scores_identity
    return await run_method(workspace, items, "dense", used, search)


async def bm25(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank all labels by BM25 over the same label texts that dense retrieval compares."""
    started = time.perf_counter()
    options = workspace.wiring.label_options()
    labels = list(options)
    texts = [" ".join((each.text, *each.alternatives, each.description)) for each in options.values()]
    language = guess_language(texts) or ENGLISH
    rank = partial(bm25_rank, texts, [item.text for item in items], settings.depth, language)
    ranked = await asyncio.to_thread(rank)
    predictions = {
        item.id: tuple(labels[place] for place in hits.places)
        for item, hits in zip(items, ranked, strict=True)
    }
    tell(Progress("bm25", len(items)))
    return Outcome(predictions, Totals(seconds=time.perf_counter() - started))


def make_retriever(workspace: Workspace, mix: float | None = None, *, plain: bool = False) -> Retriever:
    """Return exact search over a workspace's labels.

    `mix` is the weight of the best phrase: 0 for none, None for the configured one. `plain` compares whole texts
    and labels by cosine alone, as a vector store does.
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


def parse_share(settings: MethodSettings, name: str) -> float | None:
    """Return an option of a method that is a share from 0 to 1; raises InputError."""
    given = settings.own.get(name)
    if given is None:
        return None
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"invalid {name}={given!r}; give a number from 0 to 1, or {PLAIN!r}")
    return share


def search_decision(
    item: Item,
    found: Sequence[tuple[LabelId, float]],
    retriever: Retriever,
    usage: Usage,
) -> Decision:
    """Return the decision row of one search."""
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
