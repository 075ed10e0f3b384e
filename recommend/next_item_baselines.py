"""Two rows that any trained model should beat: what is popular, and what came next before."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from taxonaut.recommend.interactions import Interactions, Query
from taxonaut.recommend.rank_measures import Ranks, ranks


def popularity(data: Interactions, queries: Sequence[Query]) -> Ranks:
    """Rank items by how often they stand in the training sequences."""
    scores = _popular(data)
    return _ranked(np.tile(scores, (len(queries), 1)), queries)


def successors(data: Interactions, queries: Sequence[Query]) -> Ranks:
    """Rank items by how often they followed the last item in training; then the history's own, latest first.

    What is left is ranked by popularity.
    """
    followed: dict[int, Counter[int]] = {}
    for sequence in data.train.values():
        for before, after in pairwise(sequence):
            followed.setdefault(before, Counter())[after] += 1
    popular = _popular(data)
    scores = np.tile(popular / (popular.max() + 1), (len(queries), 1)).astype(np.float32)
    for row, query in enumerate(queries):
        for place, item in enumerate(query.history):
            scores[row, item] = 1 + (place + 1) / (len(query.history) + 1)
        for item, times in followed.get(query.history[-1], Counter()).items():
            scores[row, item] = 2 + times + scores[row, item] / 4
    return _ranked(scores, queries)


def _popular(data: Interactions) -> np.ndarray:
    times = np.zeros(len(data.items), dtype=np.float32)
    for sequence in data.train.values():
        for item in sequence:
            times[item] += 1
    # Ties go by the item's place in the file, as the earliest known item first.
    return times - np.arange(len(times), dtype=np.float32) / (len(times) + 1)


def _ranked(scores: np.ndarray, queries: Sequence[Query]) -> Ranks:
    return ranks(scores.astype(np.float32), np.array([query.target for query in queries]))
