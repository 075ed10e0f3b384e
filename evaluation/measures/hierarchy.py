"""Hierarchical measures: precision, recall and F with ancestors, and the relation of a prediction to gold."""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.set_measures import set_ratios

L = TypeVar("L", bound=Hashable)
Path = tuple[str, ...]
Relation = Literal["hit", "ancestor", "descendant", "sibling", "miss"]
"""The relation of a predicted label to gold; `ancestor`, `descendant` and `sibling` are near hits."""

RELATIONS: tuple[Relation, ...] = get_args(Relation)


@dataclass(frozen=True, slots=True)
class HierarchicalScores:
    """Hierarchical precision, recall and F over the first `top` predictions of each item."""

    precision: float
    recall: float
    f: float
    top: int


class Hierarchy(Generic[L]):
    """Ancestors and parents of labels, from their paths (root to label, without the root).

    A node is identified by its label if it has one, else by its path, so a label with several parents is one
    node. The paths of all scored labels are required; paths of labels above them merge nodes on several paths.
    """

    def __init__(self, paths: Mapping[L, Sequence[Path]]) -> None:
        owners: dict[Path, L] = {}
        for label, its_paths in paths.items():
            for path in its_paths:
                owners.setdefault(path, label)
        self._with_ancestors: dict[L, frozenset[Hashable]] = {}
        self._parents: dict[L, frozenset[Hashable]] = {}
        for label, its_paths in paths.items():
            above = {path[:length] for path in its_paths for length in range(1, len(path))}
            self._with_ancestors[label] = frozenset({label, *(owners.get(path, path) for path in above)})
            parents = {path[:-1] for path in its_paths if len(path) > 1}
            self._parents[label] = frozenset(owners.get(path, path) for path in parents)

    def with_ancestors(self, label: L) -> frozenset[Hashable]:
        """Return a label and all its ancestors; a label without paths has none."""
        return self._with_ancestors.get(label) or frozenset({label})

    def relation(self, predicted: L, gold: Collection[L]) -> Relation:
        """Return the closest relation of a predicted label to any gold label, in the order of `RELATIONS`."""
        if predicted in gold:
            return "hit"
        if any(predicted in self.with_ancestors(label) for label in gold):
            return "ancestor"
        if any(label in self.with_ancestors(predicted) for label in gold):
            return "descendant"
        parents = self._parents.get(predicted, frozenset())
        if any(parents & self._parents.get(label, frozenset()) for label in gold):
            return "sibling"
        return "miss"

    def best(self, predicted: Sequence[L], gold: Collection[L]) -> Relation:
        """Return the closest relation of any prediction to gold; `miss` without predictions."""
        return min((self.relation(label, gold) for label in predicted), key=RELATIONS.index, default="miss")

    def outcomes(
        self, predicted: Sequence[Sequence[L]], gold: Sequence[Collection[L]]
    ) -> dict[Relation, int]:
        """Count the items by the relation of their closest prediction to gold."""
        counts = Counter(self.best(labels, right) for labels, right in zip(predicted, gold, strict=True))
        return {relation: counts[relation] for relation in RELATIONS}

    def counts(self, predicted: Sequence[Sequence[L]], gold: Sequence[Collection[L]]) -> NDArray[np.float64]:
        """Count nodes per item (n, 3): shared, predicted, gold, each with all ancestors."""
        rows = []
        for labels, right in zip(predicted, gold, strict=True):
            found = frozenset().union(*map(self.with_ancestors, labels))
            wanted = frozenset().union(*map(self.with_ancestors, right))
            rows.append((len(found & wanted), len(found), len(wanted)))
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    def score(
        self, predicted: Sequence[Sequence[L]], gold: Sequence[Collection[L]], top: int
    ) -> HierarchicalScores:
        """Return hP, hR and hF (Kiritchenko, Matwin, Nock & Famili 2006).

        hP = Σ|P∩T| / Σ|P| and hR = Σ|P∩T| / Σ|T|, summed over the items; P and T are the first `top` predictions
        and the gold labels, with all their ancestors but the root.
        """
        totals = self.counts([labels[:top] for labels in predicted], gold).sum(axis=0, keepdims=True)
        precision, recall, f = (float(ratio[0]) for ratio in set_ratios(*totals.T))
        return HierarchicalScores(precision, recall, f, top)
