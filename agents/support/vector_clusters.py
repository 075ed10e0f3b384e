"""Sample, cluster and name labels (or items) by their vectors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Generic, TypeVar, cast

from taxonaut.agents.support.group_names import GroupNamer
from taxonaut.agents.support.texts import TextTable
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import Id
from taxonaut.tools.support.clustering import medoids
from taxonaut.tools.write.suggest_centres import (
    NameGroups,
    Suggestion,
    cluster_labels,
    name_by_words,
    partition_labels,
    sample_labels,
    suggest_centres,
)

T = TypeVar("T")

Divide = Callable[..., Sequence[tuple[Suggestion, Sequence[int]]]]


@dataclass(frozen=True, slots=True)
class VectorQuery(Generic[Id]):
    """Labels (or items) to look at, how many to choose of them, and the random seed.

    No suggestion is named as in `taken`.
    """

    labels: Sequence[Id]
    count: int
    seed: int
    taken: tuple[str, ...] = ()


class VectorClusters(Generic[Id]):
    """Sample labels (or items), cluster them and suggest centres, by their texts and vectors.

    `load` is called on first use. Centres are named from the first `head` characters of the texts, if set: suggested
    ones by a noun phrase of the namer `suggested`, those of clusters by one of `divided`, without a namer by
    distinctive words. The methods `…_all` answer several queries on the compute thread, in order.
    """

    def __init__(
        self,
        load: Callable[[], TextTable[Id]],
        head: int | None = None,
        suggested: GroupNamer | None = None,
        divided: GroupNamer | None = None,
    ) -> None:
        self.load = load
        self.head = head
        self.suggested = suggested
        self.divided = divided

    @cached_property
    def table(self) -> TextTable[Id]:
        """All labels."""
        return self.load()

    def text(self, label: str) -> str:
        """Return a label's text."""
        return self.table.texts[cast(Mapping[str, int], self.table.rows)[label]]

    async def sample_all(self, queries: Sequence[VectorQuery[Id]]) -> list[list[Id]]:
        """Choose representative labels for each query (Sample of algorithm 1)."""
        return await self.answer(queries, self.sample)

    async def suggest_all(self, queries: Sequence[VectorQuery[Id]]) -> list[list[Centre]]:
        """Suggest at most `count` candidate centres for each query, the largest first."""
        return await self.answer(queries, self.suggest)

    async def medoids_all(self, queries: Sequence[VectorQuery[Id]]) -> list[list[Id]]:
        """Choose the most central labels of each query, unlike each other."""
        return await self.answer(queries, self.medoids)

    async def partition_all(
        self, queries: Sequence[VectorQuery[Id]]
    ) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Divide the labels of each query into at least two named sets."""
        return await self.answer(queries, lambda query: self.divide(query, partition_labels))

    async def cluster_all(
        self, queries: Sequence[VectorQuery[Id]]
    ) -> list[list[tuple[Centre, tuple[Id, ...]]]]:
        """Cluster the labels of each query into at most `count` named sets, one if they are all alike."""
        return await self.answer(queries, lambda query: self.divide(query, cluster_labels))

    async def answer(
        self, queries: Sequence[VectorQuery[Id]], compute: Callable[[VectorQuery[Id]], T]
    ) -> list[T]:
        """Answer queries on the compute thread."""
        return await computed(lambda: [compute(query) for query in queries])

    def sample(self, query: VectorQuery[Id]) -> list[Id]:
        """Choose representative labels."""
        return [
            query.labels[row] for row in sample_labels(self.vectors(query.labels), query.count, query.seed)
        ]

    def suggest(self, query: VectorQuery[Id]) -> list[Centre]:
        """Suggest candidate centres."""
        found = suggest_centres(
            self.names(query.labels),
            self.vectors(query.labels),
            query.count,
            query.seed,
            name=name_with(self.suggested, query.taken),
        )
        return [build_centre(query, suggestion) for suggestion in found]

    def medoids(self, query: VectorQuery[Id]) -> list[Id]:
        """Choose the most central labels."""
        return [query.labels[row] for row in medoids(self.vectors(query.labels), query.count).tolist()]

    def divide(self, query: VectorQuery[Id], divide: Divide) -> list[tuple[Centre, tuple[Id, ...]]]:
        """Divide labels into named sets."""
        found = divide(
            self.names(query.labels),
            self.vectors(query.labels),
            query.count,
            query.seed,
            name=name_with(self.divided, query.taken),
        )
        return [
            (build_centre(query, suggestion), tuple(query.labels[row] for row in rows))
            for suggestion, rows in found
        ]

    def names(self, labels: Sequence[Id]) -> list[str]:
        """Return the texts that centres are named from."""
        rows, texts = self.table.rows, self.table.plain or self.table.texts
        return [texts[rows[label]][: self.head] for label in labels]

    def vectors(self, labels: Sequence[Id]) -> Matrix:
        """Return the unit vectors of some labels."""
        rows = self.table.rows
        vectors: Matrix = self.table.vectors[[rows[label] for label in labels]]
        return vectors


def name_with(namer: GroupNamer | None, taken: Sequence[str]) -> NameGroups:
    """Return the function that names groups: the namer's, or one that joins distinctive words."""
    return name_by_words if namer is None else partial(namer.name, taken=taken)


def build_centre(query: VectorQuery[Id], suggestion: Suggestion) -> Centre:
    """Convert a suggestion to a centre, its rows to labels."""
    return Centre(suggestion.name, examples=tuple(query.labels[row] for row in suggestion.rows))
