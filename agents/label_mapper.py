"""Map labels in somebody's own words to the label set, by embedding (ICXML, Zhu & Zamani 2023, step 2)."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from taxonaut.agents.label_table import LabelTable
from taxonaut.agents.retriever import top
from taxonaut.models.encoder import TextScorer
from taxonaut.models.threads import computed
from taxonaut.state.ids import LabelId


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
        vectors = self.scorer.centred(self.scorer.embedder.embed(distinct))
        scores = vectors @ self.scorer.centred(table.vectors).T
        nearest = {text: top(row, k) for text, row in zip(distinct, scores, strict=True)}
        found = []
        for texts in written:
            turns = zip_longest(*(nearest[text] for text in texts))
            places = dict.fromkeys(place for turn in turns for place in turn if place is not None)
            found.append([table.labels[place] for place in list(places)[:k]])
        return found
