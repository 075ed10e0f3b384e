"""Everything a report on a vocabulary says, read from the workspace once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.stores.embeddings import Matrix
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.vocabulary.origins import Origin, origins
from taxonaut.workspace.vocabulary.reading import Group, Vocabulary, read_history, read_vocabulary
from taxonaut.workspace.vocabulary.statistics import (
    RoundCoverage,
    Step,
    VocabularyStatistics,
    coverage_steps,
    round_coverage,
    shared_paths,
    vocabulary_statistics,
)
from taxonaut.workspace.vocabulary.vocabulary_agents import text_of

MOST_COMPARED = 5000
"""Items of one parent that are compared with each other; of more, so many are drawn."""

FEWEST = 3
"""Items that make a pair of siblings worth a mention."""

_ROWS_AT_ONCE = 1024
_NORMAL = 1.959964

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """An item, and the one next to it below the same parent; `similarity` is their cosine."""

    item: ItemId
    nearest: ItemId
    similarity: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Of `compared` items of `descriptor`, `items` have their nearest other item in `sibling`.

    `parent` is above both. `examples` are the closest of them.
    """

    parent: NodeId
    descriptor: NodeId
    sibling: NodeId
    items: int
    compared: int
    examples: tuple[Neighbours, ...]

    @property
    def share(self) -> float:
        """The share of the descriptor's items."""
        return self.items / self.compared

    @property
    def at_least(self) -> float:
        """The lower end of the share's 95 % interval (Wilson 1927), by which pairs are ordered."""
        spread = _NORMAL**2 / self.compared
        middle = self.share + spread / 2
        return (middle - sqrt(spread * (self.share * (1 - self.share) + spread / 4))) / (1 + spread)


def confused_siblings(
    vocabulary: Vocabulary,
    vectors: Matrix,
    *,
    most: int = 30,
    fewest: int = FEWEST,
    examples: int = 3,
    seed: int = 0,
) -> list[Confusion]:
    """Return the pairs of siblings with the largest share of items next to the other's, the worst first.

    The order is that of `at_least`: three of three items say less than forty of fifty.

    `vectors` are float32 unit rows in the order of the vocabulary's taggings; a row of zeros is an item
    without a vector, which takes no part. An item's nearest other one is looked for among the items of its
    parent's children, at most MOST_COMPARED of them. Pairs of fewer than `fewest` items are left out.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(np.any(vectors, axis=1))
    found: list[Confusion] = []
    for parent, below in divided(vocabulary, known).items():
        if len(below) < 2:
            continue
        rows = np.concatenate([np.asarray(each, dtype=np.int64) for each in below.values()])
        sides = np.repeat(np.arange(len(below)), [len(each) for each in below.values()])
        if len(rows) > MOST_COMPARED:
            drawn = np.sort(rng.choice(len(rows), MOST_COMPARED, replace=False))
            rows, sides = rows[drawn], sides[drawn]
        nearest, similarity = nearest_others(vectors[rows])
        for one, other in pairs(sides, sides[nearest], fewest):
            here = np.flatnonzero((sides == one) & (sides[nearest] == other))
            shown = here[np.argsort(-similarity[here], kind="stable")][:examples]
            found.append(
                Confusion(
                    parent,
                    list(below)[one],
                    list(below)[other],
                    len(here),
                    int(np.count_nonzero(sides == one)),
                    tuple(
                        Neighbours(
                            vocabulary.taggings[rows[place]].item_id,
                            vocabulary.taggings[rows[nearest[place]]].item_id,
                            float(similarity[place]),
                        )
                        for place in shown
                    ),
                )
            )
    return sorted(found, key=lambda each: (-each.at_least, each.descriptor, each.sibling))[:most]


def divided(vocabulary: Vocabulary, rows: Sequence[int] | Rows) -> Mapping[NodeId, dict[NodeId, list[int]]]:
    """Return, for every node with items in children, the rows of the taggings in each of these."""
    found: defaultdict[NodeId, dict[NodeId, list[int]]] = defaultdict(dict)
    for row in rows:
        path = (vocabulary.root, *vocabulary.taggings[row].path)
        for parent, child in pairwise(path):
            found[parent].setdefault(child, []).append(int(row))
    return found


def nearest_others(vectors: Matrix) -> tuple[Rows, Matrix]:
    """Return each row's most similar other row, and how similar it is; at least two rows of unit length."""
    nearest = np.empty(len(vectors), dtype=np.int64)
    similarity = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        scores = vectors[part] @ vectors.T
        own = np.arange(len(scores))
        scores[own, own + start] = -np.inf
        nearest[part] = scores.argmax(axis=1)
        similarity[part] = scores[own, nearest[part]]
    return nearest, similarity


def pairs(sides: Rows, others: Rows, fewest: int) -> Iterator[tuple[int, int]]:
    """Give the pairs of different sides that at least `fewest` items link."""
    linked = np.stack([sides, others])[:, sides != others]
    found, counts = np.unique(linked, axis=1, return_counts=True)
    for place in np.flatnonzero(counts >= fewest):
        yield int(found[0, place]), int(found[1, place])


MOST_PATHS = 20

MOST_FURTHER = 8
"""Further descriptors that resolvers are counted with; fewer where no item has so many."""

_ITEMS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Facts:
    """A vocabulary with all that is counted about it.

    `confused` is None where the workspace keeps no vectors of the items. `groups` and what follows from them
    are empty for a vocabulary that was not built here.
    """

    vocabulary: Vocabulary
    statistics: VocabularyStatistics
    confused: Sequence[Confusion] | None
    shared: Sequence[tuple[tuple[NodeId, ...], int]]
    groups: Sequence[Group]
    rounds: Sequence[RoundCoverage]
    steps: Sequence[Step]
    origins: Mapping[NodeId, Origin]


def read_facts(workspace: Core) -> Facts:
    """Read and count. Raises InputError without a vocabulary, or if no item is tagged with it."""
    vocabulary = read_vocabulary(workspace)
    if not vocabulary.taggings:
        raise InputError(
            f"no item has been tagged with the vocabulary of {str(workspace.folder)!r} yet; "
            "tag some: taxonaut vocabulary assign ITEMS"
        )
    further = min(MOST_FURTHER, max(len(tagging.others) for tagging in vocabulary.taggings))
    groups = read_history(workspace)
    vectors = item_vectors(workspace, [tagging.item_id for tagging in vocabulary.taggings])
    return Facts(
        vocabulary=vocabulary,
        statistics=vocabulary_statistics(vocabulary, further=further),
        confused=None if vectors is None else confused_siblings(vocabulary, vectors),
        shared=shared_paths(vocabulary.taggings, MOST_PATHS),
        groups=groups,
        rounds=round_coverage(groups),
        steps=coverage_steps(groups),
        origins=origins(groups),
    )


def item_vectors(workspace: Core, ids: Sequence[ItemId]) -> Matrix | None:
    """Return the items' kept unit vectors, float32 (n, d), zeros where one is missing; None if all are.

    They are those of the texts as agents read them (`vocabulary_agents.text_of`). Of several embedders the one
    that has most of them is taken. Nothing is embedded, no model opened.
    """
    characters = workspace.config.vocabulary.characters
    embeddings = workspace.wiring.embeddings
    best: Matrix | None = None
    most = 0
    for model, dimension in embeddings.models().items():
        vectors = np.zeros((len(ids), dimension), dtype=np.float32)
        there = 0
        for start in range(0, len(ids), _ITEMS_AT_ONCE):
            part = ids[start : start + _ITEMS_AT_ONCE]
            texts = [text_of(item, characters) for item in workspace.items.get(part)]
            rows, found = embeddings.get(model, texts)
            vectors[start : start + len(part)] = rows
            there += int(np.count_nonzero(found))
        if there > most:
            best, most = vectors, there
    return best


def statistics_row(facts: Facts) -> dict[str, Any]:
    """Return the numbers as plain values for JSON; descriptors are named by id and path."""
    row = asdict(facts.statistics)
    row["uncovered"] = len(facts.statistics.uncovered)
    row["coverage"] = facts.statistics.coverage
    row["levels"] = [{**asdict(each), "utilization": each.utilization} for each in facts.statistics.levels]
    row["rounds"] = [asdict(each) for each in facts.rounds]
    row["steps"] = [asdict(each) for each in facts.steps]
    row["confused"] = facts.confused and [
        {
            "descriptor": named(facts.vocabulary, each.descriptor),
            "sibling": named(facts.vocabulary, each.sibling),
            "items": each.items,
            "compared": each.compared,
            "share": each.share,
            "examples": [asdict(example) for example in each.examples],
        }
        for each in facts.confused
    ]
    row["shared_paths"] = [
        {"path": list(facts.vocabulary.by_id[path[-1]].path), "items": count} for path, count in facts.shared
    ]
    return row


def named(vocabulary: Vocabulary, node: NodeId) -> dict[str, Any]:
    """Return a descriptor's id and path."""
    return {"id": node, "path": list(vocabulary.by_id[node].path)}
