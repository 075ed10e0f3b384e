"""The tool `suggest_centres`: suggest centres for a set of labels by clustering, for agents that cannot name any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from taxonaut.tools.support.clustering import (
    LOPSIDED,
    Indexes,
    Matrix,
    even_split,
    medoids,
    spherical_kmeans,
    unit_rows,
)
from taxonaut.tools.support.names import name_centres

MOST_CLUSTERED = 20_000
"""Maximum rows that are clustered; of more, a random sample."""

NAMED_FROM = 400
"""Maximum labels of a cluster from which its name is made."""

NameGroups = Callable[[Sequence[Sequence[str]], Matrix], list[str]]
"""Names groups of texts, each group's most central text first, by these and their unit mean vectors (groups, d)."""


def name_by_words(groups: Sequence[Sequence[str]], _: Matrix) -> list[str]:
    """Name groups by distinctive terms (class-based tf-idf, `name_centres`)."""
    return name_centres(groups)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested centre: a name, and representative rows, the most central first."""

    name: str
    rows: tuple[int, ...]


def suggest_centres(
    names: Sequence[str],
    vectors: Matrix,
    count: int,
    seed: int = 0,
    examples: int = 8,
    name: NameGroups = name_by_words,
) -> list[Suggestion]:
    """Cluster labels by their unit vectors (n, d); return at most `count` suggestions, the largest cluster first.

    A suggestion's rows are its cluster's medoids. Labels that do not differ are cut into equal parts.
    """
    rows = sample_rows(len(names), np.random.default_rng(seed))
    clusters = [
        rows[cluster] for cluster in cluster_or_split(vectors[rows], count, np.random.default_rng(seed))
    ]
    return name_clusters(names, vectors, clusters, examples, name)


def partition_labels(
    names: Sequence[str],
    vectors: Matrix,
    count: int,
    seed: int = 0,
    examples: int = 8,
    name: NameGroups = name_by_words,
) -> list[tuple[Suggestion, list[int]]]:
    """Partition all rows of (n, d), n > 1, into named sets: clusters, or equal parts if one would be LOPSIDED."""
    clusters = cluster_all_rows(vectors, count, seed)
    if len(clusters) < 2 or len(clusters[0]) > LOPSIDED * len(names):
        clusters = even_split(vectors, min(count, len(names)))
    return pair_with_names(names, vectors, clusters, examples, name)


def cluster_labels(
    names: Sequence[str],
    vectors: Matrix,
    count: int,
    seed: int = 0,
    examples: int = 8,
    name: NameGroups = name_by_words,
) -> list[tuple[Suggestion, list[int]]]:
    """Cluster all rows of (n, d), n > 0, into at most `count` named sets, which may be lopsided."""
    return pair_with_names(names, vectors, cluster_all_rows(vectors, count, seed), examples, name)


def cluster_all_rows(vectors: Matrix, count: int, seed: int) -> list[Indexes]:
    """Cluster all rows, the largest cluster first; many rows are assigned to clusters of a sample."""
    rng = np.random.default_rng(seed)
    rows = sample_rows(len(vectors), rng)
    clusters = [rows[cluster] for cluster in spherical_kmeans(vectors[rows], count, rng)]
    if len(clusters) < 2:
        return [np.arange(len(vectors))]
    means = unit_rows(np.stack([vectors[cluster].sum(axis=0) for cluster in clusters]))
    nearest = np.argmax(vectors @ means.T, axis=1)
    found = (np.flatnonzero(nearest == number) for number in range(len(means)))
    return sorted((cluster for cluster in found if len(cluster)), key=lambda each: (-len(each), each[0]))


def pair_with_names(
    names: Sequence[str], vectors: Matrix, clusters: Sequence[Indexes], examples: int, name: NameGroups
) -> list[tuple[Suggestion, list[int]]]:
    """Pair each cluster with its suggestion."""
    found = name_clusters(names, vectors, clusters, examples, name)
    return [(suggestion, cluster.tolist()) for suggestion, cluster in zip(found, clusters, strict=True)]


def name_clusters(
    names: Sequence[str], vectors: Matrix, clusters: Sequence[Indexes], examples: int, name: NameGroups
) -> list[Suggestion]:
    """Name clusters, with their medoids as examples."""
    central = [
        cluster[medoids(vectors[cluster], examples)] if len(cluster) <= MOST_CLUSTERED else cluster[:examples]
        for cluster in clusters
    ]
    texts = [
        [names[row] for row in (*first, *cluster[:NAMED_FROM])]
        for first, cluster in zip(central, clusters, strict=True)
    ]
    titles = name(texts, unit_rows(np.stack([vectors[cluster].sum(axis=0) for cluster in clusters])))
    return [Suggestion(title, tuple(first.tolist())) for title, first in zip(titles, central, strict=True)]


def sample_rows(count: int, rng: np.random.Generator) -> Indexes:
    """Return all `count` rows, or a random sample of MOST_CLUSTERED."""
    rows = np.arange(count)
    return rows if count <= MOST_CLUSTERED else np.sort(rng.choice(rows, MOST_CLUSTERED, replace=False))


def cluster_or_split(vectors: Matrix, count: int, rng: np.random.Generator) -> list[Indexes]:
    """Cluster rows into at most `count` clusters, the largest first; equal parts if they do not differ."""
    clusters = spherical_kmeans(vectors, count, rng)
    return clusters if len(clusters) > 1 else even_split(vectors, min(count, len(vectors)))


def sample_labels(vectors: Matrix, count: int, seed: int = 0) -> list[int]:
    """Choose representative rows of (n, d): the medoid of each of `count` clusters."""
    if len(vectors) <= count:
        return list(range(len(vectors)))
    rng = np.random.default_rng(seed)
    rows = sample_rows(len(vectors), rng)
    clusters = [rows[cluster] for cluster in spherical_kmeans(vectors[rows], count, rng)]
    return sorted(int(cluster[medoids(vectors[cluster], 1)[0]]) for cluster in clusters)
