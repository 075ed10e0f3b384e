"""LangGraph state of `build_vocabulary`: groups of item ids, and the refinement of each."""

import operator
from dataclasses import dataclass
from typing import Annotated

from typing_extensions import TypedDict

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round
from taxonaut.state.graph_states.build_index import Centre, Partition
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item

ItemGroup = Partition[ItemId]
"""Items to be divided by descriptors; its key is its position: "" for all items, "3", "3.0"."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Similar items of a group that no descriptor fits: their number, representative ones, and others that vote.

    `suggestion` is named by word statistics, `why` holds the annotators' remarks.
    """

    size: int
    examples: tuple[ItemId, ...]
    voters: tuple[ItemId, ...]
    suggestion: Centre
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A group with its descriptors so far, the first `initial` of which were proposed at the start.

    `assigned` aligns with the group's items: numbers of descriptors, best first, empty if none fits; `why` then holds
    the annotator's remark. `clusters` and the `changes` proposed for them are the latest round's, before review.
    `error` is that of a failed request about the group, in any round.
    """

    group: ItemGroup
    centres: tuple[Centre, ...]
    initial: int
    problems: tuple[str, ...] = ()
    assigned: tuple[tuple[int, ...], ...] = ()
    why: tuple[str, ...] = ()
    rounds: tuple[Round, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    changes: tuple[ChangeProposal, ...] = ()
    error: str = ""

    @property
    def uncovered(self) -> tuple[int, ...]:
        """The positions of items that no descriptor fits."""
        return tuple(place for place, numbers in enumerate(self.assigned) if not numbers)


class VocabularyInput(TypedDict):
    """The input: the items over which the agents' `VectorClusters` are made."""

    items: list[Item]


class VocabularyState(VocabularyInput, total=False):
    """A build in progress: groups still to be divided, current drafts, and finished refinements.

    `failed` has the error of each group whose refinement lacks an answer.
    """

    waiting: list[ItemGroup]
    drafts: list[Draft]
    refined: Annotated[dict[str, RefinedGroup], operator.or_]
    failed: Annotated[dict[str, str], operator.or_]
    decisions: list[Decision]
