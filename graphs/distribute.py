"""A distribution over labels for each item (LLMs do multi-label classification differently, section 4).

A super-step sends the next requests of all items that are not finished: one for *compare-to-none*, all questions at
once for *unary* and *binary breakdown*, and one for each label of a list for *hard* and *max over generations*. An
item's requests follow each other, so that its prefix is read once.
"""

from typing import TYPE_CHECKING

from taxonaut.agents.distributor import Asked, Distributor, Listing
from taxonaut.graphs.sync_bridge import step
from taxonaut.models.requests import ModelReply
from taxonaut.state.errors import ModelError
from taxonaut.state.graph_states.distribute import DistributeInput, DistributeState
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, distinct_items

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


def distribute(
    distributor: Distributor,
) -> "StateGraph[DistributeState, None, DistributeInput, DistributeState]":
    """Build the graph; compile it and invoke it with items. The output has `listings` by item, and `decisions`.

    A failed request ends its item with an error. Raises ModelNotFoundError if the model does not exist.
    """
    from langgraph.graph import END, START, StateGraph

    steps = Steps(distributor)
    graph = StateGraph(DistributeState, input_schema=DistributeInput, output_schema=DistributeState)
    graph.add_node("start", step(steps.start))
    graph.add_node("ask", step(steps.ask))
    graph.add_edge(START, "start")
    graph.add_edge("start", "ask")
    graph.add_conditional_edges("ask", steps.after_ask, ["ask", END])
    return graph


class Steps:
    """The graph's nodes over one distributor; holds no state of a batch."""

    def __init__(self, distributor: Distributor) -> None:
        self.distributor = distributor

    async def start(self, state: DistributeState) -> DistributeState:
        """Begin with all items."""
        items = distinct_items(state["items"])
        return {"listings": {item.id: self.distributor.start(item) for item in items}, "decisions": []}  # type: ignore[typeddict-item]

    async def ask(self, state: DistributeState) -> DistributeState:
        """Send the next requests of all items, and read the replies."""
        listings: dict[ItemId, Listing] = dict(state["listings"])
        pending = [
            (listing, asked)
            for listing in listings.values()
            for asked in self.distributor.next_requests(listing)
        ]
        replies = await self.distributor.ask(pending) if pending else []
        answers: dict[ItemId, list[tuple[Asked, ModelReply | ModelError]]] = {}
        for (listing, asked), reply in zip(pending, replies, strict=True):
            answers.setdefault(listing.item.id, []).append((asked, reply))
        decisions: list[Decision] = list(state["decisions"])
        for id, said in answers.items():
            decisions += self.distributor.read(listings[id], said)
        return {"listings": listings, "decisions": decisions}  # type: ignore[typeddict-item]

    def after_ask(self, state: DistributeState) -> str:
        """Ask again while an item is not finished."""
        from langgraph.graph import END

        open_ = any(listing.values is None and not listing.error for listing in state["listings"].values())
        return "ask" if open_ else END
