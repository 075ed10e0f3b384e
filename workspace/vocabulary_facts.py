"""Everything a report on a vocabulary says, read from the workspace once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.state.embeddings import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.vocabulary import Group, Vocabulary, read_history, read_vocabulary
from taxonaut.workspace.vocabulary_confusion import Confusion, confused_siblings
from taxonaut.workspace.vocabulary_origins import Origin, origins
from taxonaut.workspace.vocabulary_statistics import (
    RoundCoverage,
    Step,
    VocabularyStatistics,
    coverage_steps,
    round_coverage,
    shared_paths,
    vocabulary_statistics,
)

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

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


def read_facts(workspace: "Workspace") -> Facts:
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


def item_vectors(workspace: "Workspace", ids: Sequence[ItemId]) -> Matrix | None:
    """Return the items' kept unit vectors, float32 (n, d), zeros where one is missing; None if all are.

    They are those of the texts as agents read them (`vocabulary_crew.text_of`). Of several embedders the one
    that has most of them is taken. Nothing is embedded, no model opened.
    """
    from taxonaut.workspace.vocabulary_crew import text_of

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
