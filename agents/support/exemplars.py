"""Representative labels of a node, compared by vectors next to its name."""

from collections.abc import Callable, Sequence

import numpy as np

from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.embedder import Matrix
from taxonaut.models.requests import OptionText, as_option
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index

MOST = 48
SAMPLE = 1_000
"""Labels considered below a node; of more, every n-th."""

COLLECTED = 20_000
"""Labels gathered below a node before sampling, which bounds the work near the root."""


class Exemplars:
    """Choose and cache the exemplars of each node among the labels below it.

    Greedy facility location (Nemhauser, Wolsey & Fisher 1978): each step adds the label that most increases the
    sum, over all labels, of the similarity to the nearest exemplar. docs/results.md shows the effect of their number.
    """

    def __init__(self, index: Index, load: Callable[[], LabelTable], most: int = MOST) -> None:
        self.index = index
        self.load = load
        self.most = most
        self.known: dict[NodeId, tuple[OptionText, ...]] = {}
        self.version = index.version()
        self.table: LabelTable | None = None

    def of(self, node: NodeId) -> tuple[OptionText, ...]:
        """Return a node's exemplars, the most representative first."""
        if self.version != self.index.version():
            self.known.clear()
            self.table = None
            self.version = self.index.version()
        if node not in self.known:
            self.known[node] = self.choose(self.labels_below(node))
        return self.known[node]

    def choose(self, labels: Sequence[LabelId]) -> tuple[OptionText, ...]:
        """Return the exemplars of some labels."""
        table = self.table = self.table or self.load()
        rows = [table.rows[label] for label in labels[:: max(1, -(-len(labels) // SAMPLE))]]
        if len(rows) > self.most:
            rows = [rows[place] for place in facility_location(table.vectors[rows], self.most)]
        return tuple(dict.fromkeys(as_option(table.options[row]) for row in rows))

    def labels_below(self, node: NodeId) -> list[LabelId]:
        """Return the labels at and below a node, breadth first."""
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
    """Choose `count` rows of unit vectors (n, d) by greedy facility location."""
    similar = vectors @ vectors.T
    nearest = np.full(len(vectors), -1.0, dtype=np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        best = int(np.maximum(similar, nearest[:, None]).sum(axis=0).argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, similar[:, best])
    return chosen
