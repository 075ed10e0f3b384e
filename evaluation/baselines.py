"""What a label tree must be measured against; dense retrieval is in `models`, BM25 is here."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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
