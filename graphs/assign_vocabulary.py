"""Assign a vocabulary's descriptors to items (AgenticTagger 4.2): the best per level, or all that fit.

A super-step takes all items of a batch one level down; items at one node are annotated together, so that their
requests share a prefix.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from taxonaut.agents.annotator import CentreText, Job
from taxonaut.agents.roles import Assigns
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.graph_states.assign_vocabulary import AssignInput, AssignState, TreePosition
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Node, distinct_items
from taxonaut.state.updates import ItemTagged, LevelStarted, NodeOpened

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


MAX_PER_LEVEL = 8
"""Most nodes of one level from which an item continues, best first, if all descriptors that fit are wanted."""


ItemText = Callable[[Item], str]
"""Returns an item's text for the annotator."""


def assign_vocabulary(
    index: Index, annotator: Assigns, text_of: ItemText
) -> "StateGraph[AssignState, None, AssignInput, AssignState]":
    """Build the graph; compile it and invoke it with items. The output has `taggings` by item.

    The annotator's `most` limits an item's descriptors at a node; with more than one, the first of each level make
    the path and the most specific of the others are `Tagging.others`. Raises the ModelError of an unavailable
    model; an invalid reply ends an item's path with an error.
    """
    from langgraph.graph import END, START, StateGraph

    steps = Steps(index, annotator, text_of)
    graph = StateGraph(AssignState, input_schema=AssignInput, output_schema=AssignState)
    graph.add_node("start", step(steps.start))
    graph.add_node("descend", step(steps.descend))
    graph.add_node("finish", step(steps.finish))
    graph.add_edge(START, "start")
    graph.add_edge("start", "descend")
    graph.add_conditional_edges("descend", steps.after_level, ["descend", "finish"])
    graph.add_edge("finish", END)
    return graph


class Steps:
    """The graph's nodes over index and annotator; holds no state of a batch."""

    def __init__(self, index: Index, annotator: Assigns, text_of: ItemText) -> None:
        self.index = index
        self.annotator = annotator
        self.text_of = text_of

    async def start(self, state: AssignState) -> AssignState:
        """Start with all items at the root."""
        items = distinct_items(state["items"])
        return {  # type: ignore[typeddict-item]
            "texts": {item.id: self.text_of(item) for item in items},
            "standing": [TreePosition(item.id, (), 0) for item in items],
            "reached": [],
            "errors": {},
            "decisions": [],
        }

    async def descend(self, state: AssignState) -> AssignState:
        """Take every item one level down from each of its nodes."""
        root = self.index.root()
        at: dict[NodeId, list[TreePosition]] = {}
        for each in state["standing"]:
            at.setdefault(each.path[-1] if each.path else root, []).append(each)
        children = self.index.children_of(list(at))
        nodes = [node for node in at if children[node]]
        jobs = [self.job(node, at[node], children[node], state["texts"]) for node in nodes]
        if nodes:
            level = 1 + max(len(each.path) for each in state["standing"])
            emit(LevelStarted(level, len({each.item for node in nodes for each in at[node]}), len(nodes)))
        for node, job in zip(nodes, jobs, strict=True):
            emit(NodeOpened(node, job.path, len(job.labels)))
        results = await self.annotator.assign(jobs)
        decisions = [*state["decisions"], *(row for result in results for row in result.decisions)]
        errors = dict(state["errors"])
        reached: list[TreePosition] = []
        for node, result in zip(nodes, results, strict=True):
            if result.error is not None and not isinstance(result.error, ModelReplyError):
                raise result.error
            errors |= {at[node][place].item: str(result.error) for place in result.failed}
            reached += [
                TreePosition(each.item, (*each.path, children[node][number].id), each.passed + place)
                for each, numbers in zip(at[node], result.each, strict=True)
                for place, number in enumerate(numbers)
            ]
        standing = keep_best(reached)
        return {  # type: ignore[typeddict-item]
            "standing": standing,
            "reached": [*state["reached"], *standing],
            "errors": errors,
            "decisions": decisions,
        }

    def job(
        self,
        node: NodeId,
        standing: Sequence[TreePosition],
        children: Sequence[Node],
        texts: Mapping[ItemId, str],
    ) -> Job:
        """Return the annotator's job at one node."""
        centres = tuple(
            CentreText(child.name, child.description, child.examples, child.includes, child.excludes)
            for child in children
        )
        path = tuple(each.name for each in self.index.nodes(standing[0].path))
        return Job(f"node {node}", tuple(texts[each.item] for each in standing), centres, path, node)

    def after_level(self, state: AssignState) -> str:
        """Continue while an item has descriptors below it."""
        below = self.index.children_of(list({each.path[-1] for each in state["standing"]}))
        return "descend" if any(below.values()) else "finish"

    async def finish(self, state: AssignState) -> AssignState:
        """Return the tagging of each item."""
        found: dict[ItemId, list[TreePosition]] = {item: [] for item in state["texts"]}
        for each in state["reached"]:
            found[each.item].append(each)
        errors = state["errors"]
        taggings = {item: make_tagging(item, places, errors.get(item, "")) for item, places in found.items()}
        for done in taggings.values():
            emit(ItemTagged(done.item_id, done.path, done.others, done.error))
        return {"taggings": taggings, "standing": [], "reached": []}  # type: ignore[typeddict-item]


def keep_best(reached: Sequence[TreePosition]) -> list[TreePosition]:
    """Keep the best positions of each item on a level."""
    found: dict[ItemId, list[TreePosition]] = {}
    for each in reached:
        found.setdefault(each.item, []).append(each)
    return [
        each
        for places in found.values()
        for each in (places if len(places) <= MAX_PER_LEVEL else sorted(places, key=skipped)[:MAX_PER_LEVEL])
    ]


def skipped(place: TreePosition) -> int:
    """Return how many better choices were skipped on the way to a position."""
    return place.passed


def make_tagging(item: ItemId, places: Sequence[TreePosition], error: str) -> Tagging:
    """Return an item's path and the most specific of its other descriptors, best first."""
    best = max((place.path for place in places if not place.passed), key=len, default=())
    ends: dict[NodeId, tuple[int, int]] = {}
    inner = set(best)
    for place in places:
        inner.update(place.path[:-1])
    for place in places:
        if place.passed and place.path[-1] not in inner:
            rank = (place.passed, -len(place.path))
            ends[place.path[-1]] = min(rank, ends.get(place.path[-1], rank))
    return Tagging(item, best, tuple(sorted(ends, key=lambda node: ends[node])), error)
