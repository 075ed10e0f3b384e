"""The state of a walk as LangGraph carries it: the items, where each stands, and what was found for it."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple, TypedDict

from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Decision, Item, ItemResult

How = Literal["start", "anchor", "branch", "climb"]
"""How a walk came to a node: it began there, dense retrieval pointed there, the navigator chose it, or it was
reached from a node below it."""

Reason = Literal["threshold", "beam", "budget"]
"""Why a branch that the navigator chose was not opened."""


class Candidate(NamedTuple):
    """A label of a shortlist: its score (docs/walk.md), and where it is from (`tree`, `dense`, `both`)."""

    score: float
    origin: str


Shortlist = dict[LabelId, Candidate]


class OpenedNode(NamedTuple):
    """A node that a walk opened: its path score, how it was reached, and from which node."""

    node: NodeId
    score: float
    how: How
    via: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """What one walk did, in its order: the record that `explain` and attribution read.

    `dropped` are the nodes that the policy left closed although the navigator chose them (or, around anchors,
    the walk came to them from below), by reason. `anchors` are the labels that dense retrieval pointed to, with
    their scores; a walk from the root has none.
    `retrieved` are the labels of the shortlist that dense retrieval alone found.
    """

    opened: tuple[OpenedNode, ...] = ()
    dropped: Mapping[Reason, tuple[NodeId, ...]] = field(default_factory=dict)
    anchors: tuple[tuple[LabelId, float], ...] = ()
    retrieved: tuple[LabelId, ...] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """One item on its walk. Steps make new ones; none is changed.

    `asking`: nodes whose branches the navigator is asked about next. `stack`: depth-first only, nodes still to
    be opened, the next one last. `reached`: terminal nodes opened so far, anchored ones not counted.
    """

    asking: tuple[OpenedNode, ...] = ()
    stack: tuple[OpenedNode, ...] = ()
    opened: dict[NodeId, OpenedNode] = field(default_factory=dict)
    dropped: dict[NodeId, Reason] = field(default_factory=dict)
    reached: int = 0
    shortlist: Shortlist = field(default_factory=dict)
    anchors: tuple[tuple[LabelId, float], ...] = ()

    def trail(self, shortlist: Shortlist) -> Trail:
        """Return what is worth keeping of it and of the shortlist it ended with."""
        left: dict[Reason, tuple[NodeId, ...]] = {}
        for node, reason in self.dropped.items():
            if node not in self.opened:
                left[reason] = (*left.get(reason, ()), node)
        dense = tuple(label for label, candidate in shortlist.items() if candidate.origin == "dense")
        return Trail(tuple(self.opened.values()), left, self.anchors, dense)


class NavigationInput(TypedDict):
    """What a caller gives: the items to walk."""

    items: list[Item]


class NavigationState(NavigationInput, total=False):
    """A batch on its walk; `level` counts the steps in which the navigator was asked."""

    level: int
    journeys: dict[ItemId, Journey]
    decisions: Annotated[list[Decision], operator.add]
    shortlists: dict[ItemId, Shortlist]
    trails: dict[ItemId, Trail]
    results: dict[ItemId, ItemResult]


class NavigationOutput(TypedDict, total=False):
    """What a walk leaves: shortlists (best first), trails, a result for each item, the rows of every decision.

    Without a general expert there are no results.
    """

    results: dict[ItemId, ItemResult]
    shortlists: dict[ItemId, Shortlist]
    trails: dict[ItemId, Trail]
    decisions: list[Decision]
