"""LangGraph state of `navigate`: the items, the position of each, and the labels found for it."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from typing_extensions import TypedDict

from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Decision, Item, ItemResult

How = Literal["start", "anchor", "branch", "climb"]
"""How a walk reached a node: as its start, as an anchor of dense retrieval, by the navigator's choice, or from a
node below."""

Reason = Literal["threshold", "beam", "budget"]
"""Why a branch that the navigator chose was not opened."""


class Candidate(NamedTuple):
    """A label of a shortlist: its score (docs/walk.md), and its origin (`tree`, `dense`, `both`)."""

    score: float
    origin: str


Shortlist = dict[LabelId, Candidate]


class OpenedNode(NamedTuple):
    """A node that a walk opened: its path score, how and from which node it was reached."""

    node: NodeId
    score: float
    how: How
    via: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """The trace of one walk, in order, which `explain` and attribution read.

    `dropped` holds, by reason, the nodes that the policy left closed although the navigator chose them (or, around
    anchors, the walk reached them from below). `anchors` are the labels found by dense retrieval, with their scores;
    a walk from the root has none. `retrieved` are the labels of the shortlist that only dense retrieval found.
    """

    opened: tuple[OpenedNode, ...] = ()
    dropped: Mapping[Reason, tuple[NodeId, ...]] = field(default_factory=dict)
    anchors: tuple[tuple[LabelId, float], ...] = ()
    retrieved: tuple[LabelId, ...] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """The state of one item's walk; immutable, each step makes a new one.

    `asking`: nodes whose branches the navigator is asked about next. `stack`: for depth-first order, nodes still to
    be opened, the next one last. `reached`: the number of terminal nodes opened so far, without anchored ones.
    """

    asking: tuple[OpenedNode, ...] = ()
    stack: tuple[OpenedNode, ...] = ()
    opened: dict[NodeId, OpenedNode] = field(default_factory=dict)
    dropped: dict[NodeId, Reason] = field(default_factory=dict)
    reached: int = 0
    shortlist: Shortlist = field(default_factory=dict)
    anchors: tuple[tuple[LabelId, float], ...] = ()

    def trail(self, shortlist: Shortlist) -> Trail:
        """Return the trace of the walk and its final shortlist, for storage."""
        left: dict[Reason, tuple[NodeId, ...]] = {}
        for node, reason in self.dropped.items():
            if node not in self.opened:
                left[reason] = (*left.get(reason, ()), node)
        dense = tuple(label for label, candidate in shortlist.items() if candidate.origin == "dense")
        return Trail(tuple(self.opened.values()), left, self.anchors, dense)


class NavigationInput(TypedDict):
    """The input: the items to walk."""

    items: list[Item]


class NavigationState(NavigationInput, total=False):
    """A batch of walks in progress; `level` counts the steps in which the navigator was asked."""

    level: int
    journeys: dict[ItemId, Journey]
    decisions: Annotated[list[Decision], operator.add]
    shortlists: dict[ItemId, Shortlist]
    trails: dict[ItemId, Trail]
    results: dict[ItemId, ItemResult]


class NavigationOutput(TypedDict, total=False):
    """The output: shortlists (best first), trails, the result of each item, and all decisions.

    Without a general expert there are no results.
    """

    results: dict[ItemId, ItemResult]
    shortlists: dict[ItemId, Shortlist]
    trails: dict[ItemId, Trail]
    decisions: list[Decision]
