"""What vectors say about a set of labels: which stand for the rest, and how they might be parted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, cast

from taxonaut.agents.support.texts import TextTable
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import Id
from taxonaut.tools.support.clustering import medoids
from taxonaut.tools.write.suggest_centres import (
    Suggestion,
    cluster_labels,
    partition_labels,
    sample_labels,
    suggest_centres,
)


@dataclass(frozen=True, slots=True)
class Wish(Generic[Id]):
    """Which labels (or items) to look at, how many to choose of them, and where chance starts."""

    labels: Sequence[Id]
    count: int
    seed: int


class Suggestions(Generic[Id]):
    """Samples of labels (or items) and candidate centres, from their texts and vectors.

    `load` is called when needed. Centres are named from the first `head` characters of the texts, if it is set.
    """

    def __init__(self, load: Callable[[], TextTable[Id]], head: int | None = None) -> None:
        self.load = load
        self.head = head

    @cached_property
    def table(self) -> TextTable[Id]:
        """All labels."""
        return self.load()

    def name(self, label: str) -> str:
        """The text by which a label is known here."""
        return self.table.texts[cast(Mapping[str, int], self.table.rows)[label]]

    async def samples(self, wishes: Sequence[Wish[Id]]) -> list[list[Id]]:
        """Choose, for each wish, labels that stand for all of them (Sample of algorithm 1)."""
        return await computed(partial(self.all_samples, wishes))

    async def centres(self, wishes: Sequence[Wish[Id]]) -> list[list[Centre]]:
        """Suggest, for each wish, at most `count` candidate centres, the largest first."""
        return await computed(partial(self.all_centres, wishes))

    async def central(self, wishes: Sequence[Wish[Id]]) -> list[list[Id]]:
        """Choose, for each wish, its most central labels, unlike each other."""
        return await computed(partial(self.all_central, wishes))

    async def parts(self, wishes: Sequence[Wish[Id]]) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Part each wish's labels into at least two named sets by their vectors alone."""
        return await computed(partial(self.all_parts, wishes))

    async def clusters(self, wishes: Sequence[Wish[Id]]) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Cluster each wish's labels into at most `count` named sets, one if they are all alike."""
        return await computed(partial(self.all_clusters, wishes))

    def all_clusters(self, wishes: Sequence[Wish[Id]]) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Do what `clusters` does, in this thread."""
        return [self.divided(wish, cluster_labels) for wish in wishes]

    def all_parts(self, wishes: Sequence[Wish[Id]]) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Do what `parts` does, in this thread."""
        return [self.divided(wish, partition_labels) for wish in wishes]

    def divided(self, wish: Wish[Id], way: Callable[..., Any]) -> list[tuple[Centre, tuple[Id, ...]]]:
        """Divide one set of labels in one of the two ways."""
        names = [self.name(label)[: self.head] for label in wish.labels]
        found = way(names, self.vectors(wish.labels), wish.count, wish.seed)
        return [
            (centre_of(wish, suggestion), tuple(wish.labels[row] for row in rows))
            for suggestion, rows in found
        ]

    def all_samples(self, wishes: Sequence[Wish[Id]]) -> list[list[Id]]:
        """Do what `samples` does, in this thread."""
        return [
            [wish.labels[row] for row in sample_labels(self.vectors(wish.labels), wish.count, wish.seed)]
            for wish in wishes
        ]

    def all_centres(self, wishes: Sequence[Wish[Id]]) -> list[list[Centre]]:
        """Do what `centres` does, in this thread."""
        return [self.suggested(wish) for wish in wishes]

    def suggested(self, wish: Wish[Id]) -> list[Centre]:
        """Suggest centres for one set of labels."""
        names = [self.name(label)[: self.head] for label in wish.labels]
        found = suggest_centres(names, self.vectors(wish.labels), wish.count, wish.seed)
        return [centre_of(wish, suggestion) for suggestion in found]

    def all_central(self, wishes: Sequence[Wish[Id]]) -> list[list[Id]]:
        """Do what `central` does, in this thread."""
        return [
            [wish.labels[row] for row in medoids(self.vectors(wish.labels), wish.count).tolist()]
            for wish in wishes
        ]

    def vectors(self, labels: Sequence[Id]) -> Matrix:
        """Return the unit vectors of some labels."""
        rows = self.table.rows
        vectors: Matrix = self.table.vectors[[rows[label] for label in labels]]
        return vectors


def centre_of(wish: Wish[Id], suggestion: Suggestion) -> Centre:
    """Return a suggestion as a centre, its rows as labels."""
    return Centre(suggestion.name, examples=tuple(wish.labels[row] for row in suggestion.rows))
