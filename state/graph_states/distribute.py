"""LangGraph state of `distribute`: what each item's requests have said so far."""

from typing import Any, NotRequired, TypedDict

from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item


class DistributeInput(TypedDict):
    """The input: items."""

    items: list[Item]


class DistributeState(DistributeInput, total=False):
    """A batch between two steps; `listings` holds an `agents.distributor.Listing` for each item."""

    listings: NotRequired[dict[ItemId, Any]]
    decisions: list[Decision]
