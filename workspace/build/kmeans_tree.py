"""The build method `kmeans`: recursive spherical k-means over label embeddings (XMC-Agent's ablation)."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.agents.support.group_names import GroupNamer
from taxonaut.agents.support.vector_clusters import name_with
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.updates import Progress, tell
from taxonaut.tools.support.clustering import (
    LOPSIDED,
    Indexes,
    Matrix,
    even_split,
    medoids,
    part_count,
    spherical_kmeans,
    unit_rows,
)
from taxonaut.tools.write.suggest_centres import NameGroups

Embed = Callable[[Sequence[Label]], NDArray[np.float32]]
"""Returns one vector per label, in order: shape (n, d)."""


@dataclass(frozen=True, slots=True)
class KMeansSettings:
    """Settings of recursive k-means.

    A node with more than `terminal_size` labels is split into at most `k` children, fewer if they would have less
    than half of `terminal_size` each. `seed` sets the initial centres, `examples` is how many medoids a node keeps.
    """

    k: int = 16
    terminal_size: int = 64
    seed: int = 0
    examples: int = 8

    def __post_init__(self) -> None:
        for name, least in (("k", 2), ("terminal_size", 1), ("examples", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be at least {least}")


class KMeansTreeBuilder:
    """Builds a tree by k-means over the vectors of `embed`; both run in a thread.

    `namer` is given the labels' names and returns what names the nodes; without it distinctive words do.
    """

    name = "kmeans"

    def __init__(
        self,
        embed: Embed,
        settings: KMeansSettings | None = None,
        namer: Callable[[Sequence[str]], GroupNamer] | None = None,
    ) -> None:
        self._embed = embed
        self._settings = settings or KMeansSettings()
        self._namer = namer

    async def build(self, labels: Sequence[Label]) -> Tree:
        """Embed and split the labels. Each label is placed in exactly one terminal node."""
        return await asyncio.to_thread(self._build, labels)

    def _build(self, labels: Sequence[Label]) -> Tree:
        namer = None if self._namer is None else self._namer([label.name for label in labels])
        return build_kmeans_tree(labels, self._embed(labels), self._settings, namer)


def build_kmeans_tree(
    labels: Sequence[Label],
    vectors: NDArray[np.floating],
    settings: KMeansSettings | None = None,
    namer: GroupNamer | None = None,
) -> Tree:
    """Split labels by their vectors (n, d) until no node holds more than `terminal_size`.

    Nodes are named by the `namer`'s noun phrases, without it by the terms that distinguish them from their siblings;
    their examples are medoids, the most central label first. If k-means leaves nearly all labels in one cluster
    (equal vectors), the node is cut into equal parts. The same labels, vectors and settings give the same tree.
    """
    settings = settings or KMeansSettings()
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise InputError(
            f"vectors have shape {vectors.shape} for {len(labels)} labels; give one row for each label"
        )
    names = [label.name for label in labels]
    unit = unit_rows(vectors)
    rng = np.random.default_rng(settings.seed)
    nodes: list[TreeNode] = []
    edges: list[tuple[int, int]] = []
    placements: list[tuple[int, LabelId]] = []
    waiting: deque[tuple[int, Indexes, tuple[str, ...]]] = deque(
        [(0, np.arange(len(labels), dtype=np.intp), ())]
    )
    while waiting:
        key, rows, path = waiting.popleft()
        if len(rows) <= settings.terminal_size:
            placements.extend((key, labels[row].id) for row in rows.tolist())
            tell(Progress("splitting by kmeans", len(placements), len(labels)))
            continue
        clusters = [rows[part] for part in _split(unit[rows], settings, rng)]
        children = _child_nodes(len(nodes) + 1, clusters, names, unit, settings, name_with(namer, path))
        nodes.extend(children)
        edges.extend((key, child.key) for child in children)
        waiting.extend(
            (child.key, rows, (*path, child.name)) for child, rows in zip(children, clusters, strict=True)
        )
    return Tree(KMeansTreeBuilder.name, tuple(nodes), tuple(edges), tuple(placements), asdict(settings))


def _split(vectors: Matrix, settings: KMeansSettings, rng: np.random.Generator) -> list[Indexes]:
    count = len(vectors)
    parts = part_count(count, settings.terminal_size, settings.k)
    clusters = spherical_kmeans(vectors, parts, rng)
    if len(clusters[0]) > max(settings.terminal_size, LOPSIDED * count) or len(clusters) == 1:
        return even_split(vectors, parts)
    return clusters


def _child_nodes(
    first_key: int,
    clusters: Sequence[Indexes],
    names: Sequence[str],
    unit: Matrix,
    settings: KMeansSettings,
    name: NameGroups,
) -> list[TreeNode]:
    """Return the children of one node, named against each other."""
    central = [
        [names[row] for row in rows[medoids(unit[rows], settings.examples)].tolist()] for rows in clusters
    ]
    texts = [
        [examples[0], *(names[row] for row in rows.tolist() if names[row] != examples[0])]
        for examples, rows in zip(central, clusters, strict=True)
    ]
    titles = name(texts, unit_rows(np.stack([unit[rows].sum(axis=0) for rows in clusters])))
    return [
        TreeNode(key, title, examples=tuple(dict.fromkeys(examples)))
        for key, title, examples in zip(
            range(first_key, first_key + len(clusters)), titles, central, strict=True
        )
    ]
