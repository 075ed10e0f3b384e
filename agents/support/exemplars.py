"""The labels below a node that stand for it when vectors are compared: a centre's name alone says too little."""

from collections.abc import Callable, Sequence

import numpy as np

from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index

MOST = 48
SAMPLE = 1_000
"""Labels below a node that are looked at; of a node with more, every n-th."""

COLLECTED = 20_000
"""Labels gathered below one node before the sample is taken, which bounds the work at the top of a huge tree."""


class Exemplars:
    """Choose, once for each node, the labels below it that are nearest to all of its labels together.

    Greedy facility location (Nemhauser, Wolsey & Fisher 1978): each next label is the one that most raises
    the sum, over the labels below, of the similarity to the nearest chosen one (docs/results.md has what the
    number of them is worth).
    """

    def __init__(self, index: Index, load: Callable[[], LabelTable], most: int = MOST) -> None:
        self.index = index
        self.load = load
        self.most = most
        self.known: dict[NodeId, tuple[str, ...]] = {}
        self.version = index.version()
        self.table: LabelTable | None = None

    def of(self, node: NodeId) -> tuple[str, ...]:
        """Return the texts of a node's exemplars, the most telling first."""
        if self.version != self.index.version():
            self.known.clear()
            self.table = None
            self.version = self.index.version()
        if node not in self.known:
            self.known[node] = self.choose(self.below(node))
        return self.known[node]

    def choose(self, labels: Sequence[LabelId]) -> tuple[str, ...]:
        """Return the exemplars of some labels."""
        table = self.table = self.table or self.load()
        rows = [table.rows[label] for label in labels[:: max(1, -(-len(labels) // SAMPLE))]]
        if len(rows) > self.most:
            rows = [rows[place] for place in facility_location(table.vectors[rows], self.most)]
        return tuple(dict.fromkeys(table.texts[row] for row in rows))

    def below(self, node: NodeId) -> list[LabelId]:
        """Return the labels at and below a node, level by level."""
        found: dict[LabelId, None] = {}
        seen, level = {node}, [node]
        while level and len(found) < COLLECTED:
            for labels in self.index.labels_under(level).values():
                found.update(dict.fromkeys(labels))
            children = [child.id for branches in self.index.children_of(level).values() for child in branches]
            level = [child for child in dict.fromkeys(children) if child not in seen]
            seen.update(level)
        return list(found)


def facility_location(vectors: Matrix, count: int) -> list[int]:
    """Return `count` rows of unit vectors (n, d) to which, each by its nearest, all rows are most similar."""
    similar = vectors @ vectors.T
    nearest = np.full(len(vectors), -1.0, dtype=np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        best = int(np.maximum(similar, nearest[:, None]).sum(axis=0).argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, similar[:, best])
    return chosen
