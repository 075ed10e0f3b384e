"""The data of a vocabulary report: statistics, history, and siblings that are easily confused."""

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
from taxonaut.workspace.vocabulary.origins import Origin, find_origins
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
from taxonaut.workspace.vocabulary.vocabulary_agents import item_text

MOST_COMPARED = 5000
"""Maximum items per parent that are compared with each other; of more, a random sample."""

MIN_ITEMS = 3
"""Minimum items of a reported pair of siblings."""

_ROWS_AT_ONCE = 1024
_NORMAL = 1.959964

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """An item and its nearest neighbour under the same parent; `similarity` is their cosine."""

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
        """The lower bound of the share's 95 % interval (Wilson 1927), by which pairs are ranked."""
        spread = _NORMAL**2 / self.compared
        middle = self.share + spread / 2
        return (middle - sqrt(spread * (self.share * (1 - self.share) + spread / 4))) / (1 + spread)


def find_confused_siblings(
    vocabulary: Vocabulary,
    vectors: Matrix,
    *,
    most: int = 30,
    fewest: int = MIN_ITEMS,
    examples: int = 3,
    seed: int = 0,
) -> list[Confusion]:
    """Return the sibling pairs with the largest share of items whose nearest neighbour is in the sibling.

    Pairs are ranked by `at_least`, so that three of three items rank below forty of fifty.

    `vectors` are float32 unit rows in the order of the vocabulary's taggings; rows of zeros (items without a
    vector) are ignored. Neighbours are searched among the items of the parent's children, at most MOST_COMPARED.
    Pairs of fewer than `fewest` items are left out.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(np.any(vectors, axis=1))
    found: list[Confusion] = []
    for parent, below in group_rows_by_child(vocabulary, known).items():
        if len(below) < 2:
            continue
        rows = np.concatenate([np.asarray(each, dtype=np.int64) for each in below.values()])
        sides = np.repeat(np.arange(len(below)), [len(each) for each in below.values()])
        if len(rows) > MOST_COMPARED:
            drawn = np.sort(rng.choice(len(rows), MOST_COMPARED, replace=False))
            rows, sides = rows[drawn], sides[drawn]
        nearest, similarity = nearest_others(vectors[rows])
        for one, other in linked_pairs(sides, sides[nearest], fewest):
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


def group_rows_by_child(
    vocabulary: Vocabulary, rows: Sequence[int] | Rows
) -> Mapping[NodeId, dict[NodeId, list[int]]]:
    """Return the rows of taggings by parent node and child."""
    found: defaultdict[NodeId, dict[NodeId, list[int]]] = defaultdict(dict)
    for row in rows:
        path = (vocabulary.root, *vocabulary.taggings[row].path)
        for parent, child in pairwise(path):
            found[parent].setdefault(child, []).append(int(row))
    return found


def nearest_others(vectors: Matrix) -> tuple[Rows, Matrix]:
    """Return each row's most similar other row and their similarity, for at least two unit vectors (n, d)."""
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


def linked_pairs(sides: Rows, others: Rows, fewest: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of different sides linked by at least `fewest` items."""
    linked = np.stack([sides, others])[:, sides != others]
    found, counts = np.unique(linked, axis=1, return_counts=True)
    for place in np.flatnonzero(counts >= fewest):
        yield int(found[0, place]), int(found[1, place])


MOST_PATHS = 20

MOST_FURTHER = 8
"""Maximum further descriptors for which resolvers are counted."""

_ITEMS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Facts:
    """A vocabulary with its statistics and history.

    `confused` is None if no vectors of the items are stored. `groups`, `rounds`, `steps` and `origins` are empty
    for a vocabulary that was not built in this workspace.
    """

    vocabulary: Vocabulary
    statistics: VocabularyStatistics
    confused: Sequence[Confusion] | None
    shared: Sequence[tuple[tuple[NodeId, ...], int]]
    groups: Sequence[Group]
    rounds: Sequence[RoundCoverage]
    steps: Sequence[Step]
    origins: Mapping[NodeId, Origin]


def load_facts(workspace: Core) -> Facts:
    """Load the data of a report. Raises InputError without a vocabulary or tagged items."""
    vocabulary = read_vocabulary(workspace)
    if not vocabulary.taggings:
        raise InputError(
            f"no item has been tagged with the vocabulary of {str(workspace.folder)!r} yet; "
            "tag some: taxonaut vocabulary assign ITEMS"
        )
    further = min(MOST_FURTHER, max(len(tagging.others) for tagging in vocabulary.taggings))
    groups = read_history(workspace)
    vectors = load_item_vectors(workspace, [tagging.item_id for tagging in vocabulary.taggings])
    return Facts(
        vocabulary=vocabulary,
        statistics=vocabulary_statistics(vocabulary, further=further),
        confused=None if vectors is None else find_confused_siblings(vocabulary, vectors),
        shared=shared_paths(vocabulary.taggings, MOST_PATHS),
        groups=groups,
        rounds=round_coverage(groups),
        steps=coverage_steps(groups),
        origins=find_origins(groups),
    )


def load_item_vectors(workspace: Core, ids: Sequence[ItemId]) -> Matrix | None:
    """Return the items' stored unit vectors, float32 (n, d), zeros for missing ones; None if all are missing.

    The vectors are those of the texts shown to agents (`vocabulary_agents.item_text`), by the embedder with the
    most of them. Nothing is embedded.
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
            texts = [item_text(item, characters) for item in workspace.items.get(part)]
            rows, found = embeddings.get(model, texts)
            vectors[start : start + len(part)] = rows
            there += int(np.count_nonzero(found))
        if there > most:
            best, most = vectors, there
    return best


def statistics_row(facts: Facts) -> dict[str, Any]:
    """Return the statistics as JSON values; descriptors have id and path."""
    row = asdict(facts.statistics)
    row["uncovered"] = len(facts.statistics.uncovered)
    row["coverage"] = facts.statistics.coverage
    row["levels"] = [{**asdict(each), "utilization": each.utilization} for each in facts.statistics.levels]
    row["rounds"] = [asdict(each) for each in facts.rounds]
    row["steps"] = [asdict(each) for each in facts.steps]
    row["confused"] = facts.confused and [
        {
            "descriptor": node_reference(facts.vocabulary, each.descriptor),
            "sibling": node_reference(facts.vocabulary, each.sibling),
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


def node_reference(vocabulary: Vocabulary, node: NodeId) -> dict[str, Any]:
    """Return a descriptor's id and path."""
    return {"id": node, "path": list(vocabulary.by_id[node].path)}
