"""The state of a vocabulary on its way as LangGraph carries it: groups of item ids, and what became of each."""

import operator
from dataclasses import dataclass
from typing import Annotated, TypedDict

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round
from taxonaut.state.graph_states.build_index import Centre, Partition
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item

ItemGroup = Partition[ItemId]
"""Items that are to be divided by descriptors; its key names it among the others: "" all items, "3", "3.0"."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Items of a group that fit nothing and are alike: how many, some that stand for them, some others that vote.

    `suggestion` is what word statistics would call them, `why` what annotators said about them.
    """

    size: int
    examples: tuple[ItemId, ...]
    voters: tuple[ItemId, ...]
    suggestion: Centre
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A group with its descriptors so far, the first `initial` of which were proposed at once.

    `assigned` aligns with the group's items: numbers of descriptors, best first, none for an item that fits
    nothing; `why` says of such an item what annotators said. `clusters` and the `changes` proposed for them are
    the latest round's, before their review.
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

    @property
    def uncovered(self) -> tuple[int, ...]:
        """The places of the items that fit nothing."""
        return tuple(place for place, numbers in enumerate(self.assigned) if not numbers)


class VocabularyInput(TypedDict):
    """What a caller gives: the items, those that the agents' `Suggestions` were made over."""

    items: list[Item]


class VocabularyState(VocabularyInput, total=False):
    """A vocabulary on its way: groups still to be divided, those at work, and what became of the others."""

    waiting: list[ItemGroup]
    drafts: list[Draft]
    refined: Annotated[dict[str, RefinedGroup], operator.or_]
    decisions: list[Decision]
