"""The state of a walk as LangGraph carries it: ids and scores, never an item's text."""

import operator
from typing import Annotated, NamedTuple, TypedDict

from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision, ItemResult


class Visit(NamedTuple):
    """An item that stands before a node, with the score of the path that led there."""

    item: ItemId
    node: NodeId
    score: float


class Candidate(NamedTuple):
    """A label of a shortlist: the best path score that reached it, and from where (`tree`, `dense`, `both`)."""

    score: float
    origin: str


Shortlist = dict[LabelId, Candidate]


class NavigationInput(TypedDict):
    """What a caller gives: the run its decisions belong to, and items that the index holds."""

    run_id: RunId
    item_ids: list[ItemId]


class NavigationState(NavigationInput, total=False):
    """A batch on its walk. `reached` counts an item's terminal nodes, `opened` holds all its nodes."""

    level: int
    frontier: list[Visit]
    reached: dict[ItemId, int]
    opened: dict[ItemId, frozenset[NodeId]]
    shortlists: dict[ItemId, Shortlist]
    decisions: Annotated[list[Decision], operator.add]
    results: dict[ItemId, ItemResult]


class NavigationOutput(TypedDict):
    """What a walk leaves: a result for each item, and the rows of every decision."""

    results: dict[ItemId, ItemResult]
    decisions: list[Decision]
