"""Find the nodes of an index that new labels belong in (Search of XMC-Agent, algorithm 3).

Each super-step takes all new labels one level down, with all requests in flight together. It reads the nodes on the
way and their branches only, whatever the size of the index.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from taxonaut.agents.annotator import CentreText, Job
from taxonaut.agents.roles import Assigns
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.graph_states.insert_labels import InsertInput, InsertState, LabelsByNode
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Node
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import LabelPlaced, LevelStarted, NodeOpened, Progress

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


BRANCHES_PER_REQUEST = 64
"""Most branches of a node in one prompt; an encoder reads no prompt and compares all at once."""

Choices = dict[NodeId, list[tuple[NodeId, ...]]]
"""The branches that each label at a node fits, in the labels' order; () if none."""

Centre = Callable[[Node], CentreText]
"""Returns the text of a node that labels are compared with."""


def node_text(node: Node) -> CentreText:
    """Return a node's stored name, description and example labels."""
    return CentreText(node.name, node.description, node.examples)


def insert_labels(
    index: Index,
    annotator: Assigns,
    texts: Mapping[LabelId, str],
    units: RunUnits | None = None,
    centre: Centre = node_text,
) -> "StateGraph[InsertState, None, InsertInput, InsertState]":
    """Build the graph; compile it and invoke it with ids of new labels, whose `texts` are given here.

    The index is only read: `inserted` in the output has the nodes of each label: terminal nodes or, if no branch of
    an inner node fits, that node (as *other* of algorithm 2). A label for which a model makes no valid call is not
    inserted but in `failed`. With `units`, each level is stored as a unit of a run, and a killed insertion continues
    after the last finished one; no level is stored after a failed request, so that the next insertion asks again.
    Raises the ModelError of an unavailable model.
    """
    from langgraph.graph import END, START, StateGraph

    steps = Steps(index, annotator, texts, units, centre)
    graph = StateGraph(InsertState, input_schema=InsertInput, output_schema=InsertState)
    graph.add_node("start", step(steps.start))
    graph.add_node("compare", step(steps.compare))
    graph.add_edge(START, "start")
    graph.add_conditional_edges("start", steps.after_level, ["compare", END])
    graph.add_conditional_edges("compare", steps.after_level, ["compare", END])
    return graph


class Steps:
    """The graph's nodes over index and annotator; holds no state of an insertion."""

    def __init__(
        self,
        index: Index,
        annotator: Assigns,
        texts: Mapping[LabelId, str],
        units: RunUnits | None,
        centre: Centre,
    ) -> None:
        self.index = index
        self.annotator = annotator
        self.texts = texts
        self.units = units
        self.centre = centre

    async def start(self, state: InsertState) -> InsertState:
        """Start with all labels at the root."""
        root, labels = self.index.root(), tuple(dict.fromkeys(state["label_ids"]))
        return {  # type: ignore[typeddict-item]
            "level": 0,
            "standing": {root: labels} if labels else {},
            "visited": {root: frozenset(labels)},
            "inserted": {},
            "unfit": {},
            "failed": {},
        }

    def after_level(self, state: InsertState) -> str:
        """Continue while labels are at a node."""
        from langgraph.graph import END

        return "compare" if state["standing"] else END

    async def compare(self, state: InsertState) -> InsertState:
        """Compare every label with the branches of its nodes; move it into those that fit, else insert it there."""
        standing, level = state["standing"], state["level"]
        below = self.index.children_of(list(standing))
        inner = {node: labels for node, labels in standing.items() if below[node]}
        if inner:
            emit(LevelStarted(level + 1, len(set(chain.from_iterable(inner.values()))), len(inner)))
        choices, errors = await self.level_choices(level, inner, below, keep=not state["failed"])
        failed = {**errors, **state["failed"]}
        inserted: defaultdict[LabelId, tuple[NodeId, ...]] = defaultdict(tuple, state["inserted"])
        unfit: defaultdict[LabelId, tuple[NodeId, ...]] = defaultdict(tuple, state["unfit"])
        visited = dict(state["visited"])
        onward: defaultdict[NodeId, list[LabelId]] = defaultdict(list)
        for node, labels in standing.items():
            for label, branches in zip(labels, choices.get(node, [()] * len(labels)), strict=True):
                if label in failed:
                    continue
                if not branches:
                    inserted[label] = (*inserted[label], node)
                    emit(LabelPlaced(label, node, not below[node]))
                    if below[node]:
                        unfit[label] = (*unfit[label], node)
                for branch in branches:
                    if label not in visited.get(branch, ()):
                        onward[branch].append(label)
        for branch, arriving in onward.items():
            onward[branch] = list(dict.fromkeys(arriving))
            visited[branch] = visited.get(branch, frozenset()) | frozenset(arriving)
        for label in errors:
            inserted.pop(label, None)
            unfit.pop(label, None)
        total = len(state["label_ids"])
        emit(Progress("comparing with the index", total - len(set(chain(*onward.values()))), total))
        return {  # type: ignore[typeddict-item]
            "level": level + 1,
            "standing": {node: tuple(labels) for node, labels in onward.items()},
            "visited": visited,
            "inserted": dict(inserted),
            "unfit": dict(unfit),
            "failed": failed,
        }

    async def level_choices(
        self, level: int, inner: LabelsByNode, below: Mapping[NodeId, Sequence[Node]], *, keep: bool
    ) -> tuple[Choices, Mapping[LabelId, str]]:
        """Return a level's choices, stored by an earlier call of this run or made by the annotator.

        Returns the error of each label about which a request failed, too. The choices are stored to `keep` them if
        there are none.
        """
        key = f"level {level}"
        kept = self.units.finished([key]) if self.units is not None and keep else {}
        if key in kept:
            return load_choices(kept[key]), {}
        choices, decisions, errors = await self.choose(inner, below)
        if self.units is not None:
            self.units.finish({key: dump_choices(choices)} if keep and not errors else {}, decisions)
        return choices, errors

    async def choose(
        self, inner: LabelsByNode, below: Mapping[NodeId, Sequence[Node]]
    ) -> tuple[Choices, list[Decision], dict[LabelId, str]]:
        """Let the annotator compare labels with branches; a node with many branches takes several requests."""
        paths = self.index.node_paths(list(inner))
        names = {node.id: node.name for node in self.index.nodes(list(dict.fromkeys(chain(*paths.values()))))}
        for node, labels in inner.items():
            emit(NodeOpened(node, tuple(names[each] for each in paths[node]), len(labels)))
        parts = [
            (node, start, job)
            for node, labels in inner.items()
            for start, job in self.jobs(node, labels, below[node], tuple(names[each] for each in paths[node]))
        ]
        results = await self.annotator.assign([job for _, _, job in parts])
        decisions = [decision for result in results for decision in result.decisions]
        errors = (result.error for result in results)
        error = next((each for each in errors if each and not isinstance(each, ModelReplyError)), None)
        if error is not None:
            if self.units is not None:
                self.units.finish({}, decisions)
            raise error
        found: defaultdict[NodeId, list[list[list[NodeId]]]] = defaultdict(list)
        failed: dict[LabelId, str] = {}
        for (node, start, _), result in zip(parts, results, strict=True):
            failed |= {inner[node][place]: str(result.error) for place in sorted(result.failed)}
            found[node].append(
                [[below[node][start + number].id for number in numbers] for numbers in result.each]
            )
        most = self.annotator.most
        choices = {
            node: [interleave(each, most) for each in zip(*lists, strict=True)]
            for node, lists in found.items()
        }
        return choices, decisions, failed

    def jobs(
        self, node: NodeId, labels: Sequence[LabelId], branches: Sequence[Node], path: tuple[str, ...]
    ) -> Iterator[tuple[int, Job]]:
        """Yield the jobs of one node, each with the position of its first branch."""
        whole = Job(
            f"node {node}",
            tuple(self.texts[label] for label in labels),
            tuple(map(self.centre, branches)),
            path,
            node,
        )
        size = BRANCHES_PER_REQUEST if self.annotator.reads_prompts else len(branches)
        for start in range(0, len(branches), size):
            yield start, replace(whole, centres=whole.centres[start : start + size])


def interleave(parts: Sequence[Sequence[NodeId]], most: int) -> tuple[NodeId, ...]:
    """Merge a label's choices of several requests: the best of each, then the second of each, up to `most`."""
    turns = chain.from_iterable(zip_longest(*parts))
    return tuple(node for node in turns if node is not None)[:most]


def dump_choices(choices: Choices) -> dict[str, Any]:
    """Return a level's choices as JSON values."""
    return {str(node): [list(branches) for branches in each] for node, each in choices.items()}


def load_choices(row: Mapping[str, Any]) -> Choices:
    """Return the choices that `dump_choices` wrote."""
    return {
        NodeId(int(node)): [tuple(map(NodeId, branches)) for branches in each] for node, each in row.items()
    }
