"""Domain expert: the top K categories of a trained classifier (Dual-Expert 3.1)."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.classifier import Classifier
from taxonaut.state.recommendations import Recommendation
from taxonaut.state.records import Decision, Item, Usage

AGENT = "domain_expert"
TEMPLATE = "domain_expert/predict"
"""In place of a template in decision rows: a classifier reads no prompt."""

TOOL = "rank_candidates"
FEW = 100
"""Average positive probabilities per row up to which all are sorted."""

ROWS = 1024
"""Items per batch, which bounds memory."""


class DomainExpert:
    """Recommend up to `candidates` categories for each item.

    Abstains, without candidates, if the highest probability is below `abstain`.
    """

    def __init__(self, classifier: Classifier, candidates: int = 10, abstain: float = 0.0) -> None:
        self.classifier = classifier
        self.candidates = candidates
        self.abstain = abstain

    async def recommend(self, items: Sequence[Item]) -> list[tuple[Recommendation, Decision]]:
        """Recommend categories, in the items' order, each with its decision row."""
        return await computed(partial(self.recommend_now, items))

    def recommend_now(self, items: Sequence[Item]) -> list[tuple[Recommendation, Decision]]:
        """Synchronous `recommend`."""
        found = []
        for start in range(0, len(items), ROWS):
            part = items[start : start + ROWS]
            started = time.perf_counter()
            likely = self.predict(part)
            usage = Usage(latency_s=(time.perf_counter() - started) / len(part))
            found += [(each, self.build_decision(each, usage)) for each in likely]
        return found

    def predict(self, items: Sequence[Item]) -> list[Recommendation]:
        """Return the recommendation of each item."""
        probabilities = self.classifier.probabilities([item.text for item in items])
        labels = self.classifier.labels
        found = []
        least = float(np.float32(self.abstain))
        for item, (places, likely) in zip(items, top_columns(probabilities, self.candidates), strict=True):
            if not likely or likely[0] < least:
                places, likely = [], []
            found.append(
                Recommendation(
                    item.id, tuple(labels[at] for at in places), tuple(round(each, 4) for each in likely)
                )
            )
        return found

    def build_decision(self, recommendation: Recommendation, usage: Usage) -> Decision:
        """Build the decision row of a recommendation."""
        return Decision(
            item_id=recommendation.item_id,
            node_id=None,
            agent=AGENT,
            template=TEMPLATE,
            template_hash="",
            model=self.classifier.name,
            tool=TOOL,
            options=recommendation.labels,
            choice=recommendation.labels[:1],
            scores=recommendation.probabilities,
            usage=usage,
        )


def top_columns(probabilities: Matrix, count: int) -> Iterator[tuple[list[int], list[float]]]:
    """Yield the columns and values of each row's `count` highest positive probabilities, highest first.

    Ties are in the order of columns.
    """
    there = probabilities > 0
    size = probabilities.shape[1]
    if 0 < count < size and np.count_nonzero(there) > FEW * len(probabilities):
        there &= probabilities >= np.partition(probabilities, size - count, axis=1)[:, size - count, None]
    row, column = np.divmod(np.flatnonzero(there), max(size, 1))
    values = probabilities[row, column]
    order = np.lexsort((column, -values, row))
    columns, ordered = column[order].tolist(), values[order].tolist()
    starts = np.searchsorted(row, np.arange(len(probabilities) + 1)).tolist()
    for start, end in pairwise(starts):
        last = min(end, start + count)
        yield columns[start:last], ordered[start:last]
