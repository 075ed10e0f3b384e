"""Divide labelled texts and labels into those that are learned from and those that the gate measures on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId
from taxonaut.state.records import hash_text
from taxonaut.workspace.learn.feedback import MarkedItem

ALIKE = 0.97
"""Cosine of two texts from which they count as near-equal."""

MOST_COMPARED = 20_000
"""Texts that are compared by vectors; of more, only those of equal words count as near-equal."""

FEWEST_LABELS = 20
"""Labels with items of which some are kept unseen; of fewer, all are learned."""

_WORD = re.compile(r"\w+")
_BLOCK = 2_000


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """How items and labels are divided: shares of both that are not learned from, decided by hashes with `seed`.

    A hash is of an item's words and of a label's id, so that the same ones are kept apart when others are added.
    """

    holdout: float = 0.2
    unseen: float = 0.2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Which labels are unseen, and which items, by their places, are held out.

    `groups` numbers the groups of near-equal texts, (n,): a group is on one side. `sizes` are those of the groups.
    """

    items: Sequence[MarkedItem]
    unseen: frozenset[LabelId]
    held_out: frozenset[int]
    groups: npt.NDArray[np.int64]
    sizes: Mapping[int, int]

    def learned(self) -> list[tuple[MarkedItem, tuple[LabelId, ...], float]]:
        """Return the items that are learned from, with the right labels that are, and a weight up to 1.

        Near-equal texts count as one together.
        """
        return self._weighted([at for at in range(len(self.items)) if at not in self.held_out], self.unseen)

    def everything(self) -> list[tuple[MarkedItem, tuple[LabelId, ...], float]]:
        """Return all items with all their labels, as `learned` does."""
        return self._weighted(range(len(self.items)), frozenset())

    def _weighted(
        self, places: Sequence[int], without: frozenset[LabelId]
    ) -> list[tuple[MarkedItem, tuple[LabelId, ...], float]]:
        most = max((max(each.weights.values(), default=1.0) for each in self.items), default=1.0)
        found = []
        for at in places:
            item = self.items[at]
            right = tuple(label for label in item.right if label not in without)
            if right:
                given = sum(item.weights.get(label, 1.0) for label in right) / len(right)
                found.append((item, right, given / most / self.sizes[int(self.groups[at])]))
        return found

    def measured_seen(self) -> list[int]:
        """Return the places of held-out items with a seen label, one of each group."""
        return self._one_each(
            [at for at in sorted(self.held_out) if not self.unseen.issuperset(self.items[at].right)]
        )

    def measured_unseen(self) -> list[int]:
        """Return the places of items with an unseen label that nothing is learned from, one of each group."""
        return self._one_each(
            [
                at
                for at, item in enumerate(self.items)
                if item.right
                and not self.unseen.isdisjoint(item.right)
                and (at in self.held_out or self.unseen.issuperset(item.right))
            ]
        )

    def _one_each(self, places: Sequence[int]) -> list[int]:
        first: dict[int, int] = {}
        for at in places:
            if self.items[at].right:
                first.setdefault(int(self.groups[at]), at)
        return list(first.values())


def split_items(items: Sequence[MarkedItem], vectors: Matrix, settings: SplitSettings) -> Split:
    """Divide items with right labels; `vectors` are those of their texts, unit rows (n, d)."""
    words = [" ".join(_WORD.findall(item.item.text.casefold())) for item in items]
    groups = group_alike(words, vectors)
    names: dict[int, str] = {}
    for group, name in zip(groups.tolist(), words, strict=True):
        names[group] = min(name, names.get(group, name))
    labels = sorted({label for item in items for label in item.right})
    unseen = (
        frozenset(label for label in labels if share_of("label", label, settings.seed) < settings.unseen)
        if len(labels) >= FEWEST_LABELS
        else frozenset()
    )
    held = {
        group for group, name in names.items() if share_of("item", name, settings.seed) < settings.holdout
    }
    sizes = dict(zip(*(each.tolist() for each in np.unique(groups, return_counts=True)), strict=True))
    return Split(
        items,
        unseen,
        frozenset(at for at, group in enumerate(groups.tolist()) if group in held),
        groups,
        sizes,
    )


def share_of(kind: str, name: str, seed: int) -> float:
    """Return a number from 0 to 1 that a name always has."""
    return int(hash_text(f"{kind}\0{seed}\0{name}")[:8], 16) / 16**8


def group_alike(words: Sequence[str], vectors: Matrix) -> npt.NDArray[np.int64]:
    """Number the groups of texts of equal words or near-equal vectors, (n,)."""
    parent = list(range(len(words)))

    def top(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, name in enumerate(words):
        parent[at] = first.setdefault(name, at)
    if len(vectors) <= MOST_COMPARED:
        for start in range(0, len(vectors), _BLOCK):
            rows, columns = np.nonzero(vectors[start : start + _BLOCK] @ vectors[start:].T >= ALIKE)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                one, other = top(start + row), top(start + column)
                parent[max(one, other)] = min(one, other)
    return np.array([top(at) for at in range(len(words))], np.int64)
