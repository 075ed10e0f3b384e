"""Walk a batch of items to shortlists of labels, then rank them (XMC-Agent, 2.1)."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from taxonaut.agents.asking import Answer
from taxonaut.agents.roles import Navigates, Ranks, Retrieves
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step, tell_step
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.navigate import (
    Candidate,
    Journey,
    NavigationInput,
    NavigationOutput,
    NavigationState,
    OpenedNode,
    Reason,
    Shortlist,
)
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import ALTERNATIVE_NAME, Decision, Item, ItemResult, Prediction, distinct_items
from taxonaut.state.text_words import stems
from taxonaut.state.updates import ItemFinished, LevelStarted, NodeOpened
from taxonaut.tools.expand_node import expand_node
from taxonaut.tools.rank_candidates import rank_candidates

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


ENCODER_MODEL = "encoder/"
"""Begins the name of a model that compares vectors."""

BEST_SCORES = 11
"""Scores of a shortlist that a result keeps."""

Ways = dict[NodeId, OpenedNode]
Step = Callable[[NavigationState], Awaitable[NavigationState]]


class Chosen(NamedTuple):
    """A branch that the navigator chose at a node, with its own score."""

    at: NodeId
    node: NodeId
    own: float


class Guides(Protocol):
    """Decides how walks continue: `Guide`, or the caller's own object."""

    def from_root(self) -> Journey:
        """Start at the root."""

    def from_anchors(self, anchors: Sequence[tuple[LabelId, float]]) -> Journey:
        """Start at the nodes of some labels, given with their scores."""

    def on(self, journey: Journey, chosen: Iterable[Chosen]) -> Journey:
        """Continue to the chosen branches of the nodes in `asking`; the walk ends when `asking` is empty."""


@dataclass(frozen=True, slots=True)
class Guide:
    """Continues walks by a policy. It is stateless: the same answers give the same walk."""

    index: Index
    policy: WalkPolicy

    def from_root(self) -> Journey:
        """Start at the root."""
        root = OpenedNode(self.index.root(), 0.0, "start")
        return replace(self.open(Journey(), [root]), asking=self.inner([root]))

    def from_anchors(self, anchors: Sequence[tuple[LabelId, float]]) -> Journey:
        """Start at the nodes of some labels, given with their scores, and at their parents.

        An anchored node has the score of its best anchor. Labels below the threshold or in no node are ignored;
        without any other nothing is opened.
        """
        low = self.policy.threshold
        used = tuple(pair for pair in anchors if low is None or pair[1] >= low)
        ways: Ways = {}
        for label, score in used:
            for node in self.index.placements_of(label):
                keep_better(ways, OpenedNode(node, score, "anchor"))
        starts = sort_by_score(ways.values())
        journey = self.open(Journey(anchors=used), starts)
        inner = self.inner(starts)
        if self.policy.order == "depth":
            return self.pop(replace(journey, stack=tuple(reversed(inner))), self.above(starts))
        on = self.level(journey, {}, self.above(starts))
        return replace(on, asking=(*inner, *on.asking))

    def on(self, journey: Journey, chosen: Iterable[Chosen]) -> Journey:
        """Continue to the chosen branches, and to the parents of nodes reached from below."""
        asked = {opened.node: opened.score for opened in journey.asking}
        ways: Ways = {}
        for at, node, own in chosen:
            keep_better(ways, OpenedNode(node, self.policy.path_score(asked[at], own), "branch", at))
        climbs = self.above(journey.asking)
        if self.policy.order == "depth":
            return self.pop(journey, climbs, ways)
        return self.level(journey, ways, climbs)

    def above(self, nodes: Sequence[OpenedNode]) -> Ways:
        """Return the parents of nodes that were reached as an anchor or from below."""
        ways: Ways = {}
        for opened in nodes:
            if opened.how in ("anchor", "climb"):
                for parent in self.index.parents(opened.node):
                    keep_better(ways, OpenedNode(parent.id, opened.score, "climb", opened.node))
        return ways

    def level(self, journey: Journey, ways: Ways, climbs: Ways) -> Journey:
        """Breadth-first: open the best nodes, downwards and upwards; inner ones are asked about next."""
        for climb in climbs.values():
            keep_better(ways, climb)
        kept, journey = self.keep(journey, ways)
        return replace(self.open(journey, kept), asking=self.inner(kept))

    def pop(self, journey: Journey, *pushed: Ways) -> Journey:
        """Depth-first: push nodes, best and last given on top; open them until one has branches."""
        stack = list(journey.stack)
        for ways in pushed:
            kept, journey = self.keep(journey, ways)
            stack += reversed(kept)
        while stack and journey.reached < self.policy.terminals:
            way = stack.pop()
            again = way.node in journey.opened
            if again and way.how != "anchor":
                continue
            journey = journey if again else self.open(journey, [way])
            if asking := self.inner([way]):
                return replace(journey, stack=tuple(stack), asking=asking)
        left: dict[NodeId, Reason] = dict.fromkeys((way.node for way in stack), "budget")
        return replace(journey, stack=(), asking=(), dropped=journey.dropped | left)

    def keep(self, journey: Journey, ways: Ways) -> tuple[list[OpenedNode], Journey]:
        """Apply the policy to the nodes that could be opened; record those left closed."""
        scores = {node: way.score for node, way in ways.items()}
        nodes, why = self.policy.kept(scores, journey.reached, journey.opened)
        return [ways[node] for node in nodes], replace(journey, dropped=journey.dropped | why)

    def open(self, journey: Journey, ways: Sequence[OpenedNode]) -> Journey:
        """Open nodes: add their labels to the shortlist, and count terminal ones."""
        held = self.index.labels_under([way.node for way in ways])
        opened, shortlist, reached = dict(journey.opened), dict(journey.shortlist), journey.reached
        for way in ways:
            opened[way.node] = way
            reached += way.how == "branch" and self.index.is_terminal(way.node)
            add_labels(shortlist, held[way.node], way.score)
        return replace(journey, opened=opened, shortlist=shortlist, reached=reached)

    def inner(self, ways: Sequence[OpenedNode]) -> tuple[OpenedNode, ...]:
        """Return the nodes that have branches."""
        return tuple(way for way in ways if not self.index.is_terminal(way.node))


def keep_better(ways: Ways, found: OpenedNode) -> None:
    """Keep the way to a node with the higher score; of equal ones the first."""
    if found.node not in ways or ways[found.node].score < found.score:
        ways[found.node] = found


def sort_by_score(ways: Iterable[OpenedNode]) -> list[OpenedNode]:
    """Sort ways, best first; ties by node id."""
    return sorted(ways, key=lambda way: (-way.score, way.node))


def add_labels(shortlist: Shortlist, labels: Sequence[LabelId], score: float) -> None:
    """Add labels to a shortlist; a label found in several nodes keeps its best score."""
    candidate = Candidate(score, "tree")
    for label in labels:
        seen = shortlist.get(label)
        if seen is None or seen.score < score:
            shortlist[label] = candidate


def navigate(
    index: Index,
    navigator: Navigates,
    expert: Ranks | None = None,
    retriever: Retrieves | None = None,
    policy: WalkPolicy | None = None,
    guide: Guides | None = None,
) -> "StateGraph[NavigationState, None, NavigationInput, NavigationOutput]":
    """Build the graph; compile it and invoke it with `{"items": [Item(...), ...]}`.

    One super-step asks about every item's next nodes at once: a whole level, or, depth-first, one node of each.
    Without `expert` it ends with the shortlists, best label first. `retriever` is needed for the shortlists `dense`
    and `both`, for an anchored start, and to cut a shortlist to `policy.candidates`; if given, it also orders
    labels of one node (`Walk.order_shortlists`). `guide` decides what is opened next, in place of `Guide` with the
    policy.
    """
    return build_walk_graph(Walk(index, navigator, expert, retriever, policy or WalkPolicy(), guide))


def build_walk_graph(
    walk: "Walk",
) -> "StateGraph[NavigationState, None, NavigationInput, NavigationOutput]":
    """Build the graph of a walk; see `navigate`."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(NavigationState, input_schema=NavigationInput, output_schema=NavigationOutput)
    graph.add_node("start", step(walk.start))
    graph.add_node("open_level", step(walk.open_level))
    graph.add_node("retrieve", step(walk.retrieve))
    graph.add_edge(START, "start")
    graph.add_conditional_edges("start", walk.after_level, ["open_level", "retrieve"])
    graph.add_conditional_edges("open_level", walk.after_level, ["open_level", "retrieve"])
    if walk.expert is None:
        graph.add_edge("retrieve", END)
    else:
        graph.add_node("rank", step(walk.rank))
        graph.add_edge("retrieve", "rank")
        graph.add_edge("rank", END)
    return graph


class Walk:
    """The graph's nodes over their agents; holds no state of a batch."""

    def __init__(
        self,
        index: Index,
        navigator: Navigates,
        expert: Ranks | None,
        retriever: Retrieves | None,
        policy: WalkPolicy,
        guide: Guides | None,
    ) -> None:
        if retriever is None and policy.needs_retriever:
            raise InputError(
                f"a shortlist {policy.shortlist!r} of {policy.candidates or 'all'} candidates, started at "
                f"{policy.start!r}, needs a retriever; give one, or use "
                "WalkPolicy(shortlist='tree', candidates=0, start='root')"
            )
        self.index = index
        self.navigator = navigator
        self.expert = expert
        self.retriever = retriever
        self.policy = policy
        self.guide: Guides = guide or Guide(index, policy)

    async def run(self, items: Sequence[Item]) -> NavigationState:
        """Walk a batch through the graph's steps without LangGraph; returns what the compiled graph returns.

        To import LangGraph takes longer than to label a few texts.
        """
        state: NavigationState = {"items": list(items), "decisions": []}
        await self.take(self.start, state)
        while self.after_level(state) == "open_level":
            await self.take(self.open_level, state)
        await self.take(self.retrieve, state)
        if self.expert is not None:
            await self.take(self.rank, state)
        return state

    async def take(self, step: Step, state: NavigationState) -> None:
        """Take a step and join its result with the state, as the graph's reducers do."""
        tell_step(step)
        found = await step(state)
        decisions = [*state["decisions"], *found.get("decisions", ())]
        state.update({**found, "decisions": decisions})

    async def start(self, state: NavigationState) -> NavigationState:
        """Start every item at the root or its anchors; nowhere if the shortlist is dense retrieval alone."""
        items = distinct_items(state["items"])
        if self.policy.shortlist == "dense":
            journeys = {item.id: Journey() for item in items}
        elif self.policy.start == "root":
            journeys = dict.fromkeys((item.id for item in items), self.guide.from_root())
        else:
            assert self.retriever is not None
            anchors = await self.retriever.search([item.text for item in items], self.policy.anchors)
            journeys = {
                item.id: self.guide.from_anchors(found) for item, found in zip(items, anchors, strict=True)
            }
        return {"journeys": journeys}  # type: ignore[typeddict-item]

    async def open_level(self, state: NavigationState) -> NavigationState:
        """Ask the navigator at every item's nodes, and continue each walk."""
        items, journeys = by_id(state), state["journeys"]
        visits = [(items[item], way.node) for item, journey in journeys.items() for way in journey.asking]
        nodes = Counter(node for _, node in visits)
        names, level = self.node_names(list(nodes)), state.get("level", 0) + 1
        emit(LevelStarted(level, sum(bool(journey.asking) for journey in journeys.values()), len(nodes)))
        for node, count in nodes.items():
            emit(NodeOpened(node, names[node], count))
        expansions = {expansion.node: expansion for expansion in expand_node(self.index, list(nodes))}
        answers = await self.navigator.choose(visits, expansions, names, self.policy.ancestors)
        chosen: dict[ItemId, list[Chosen]] = defaultdict(list)
        for answer in answers:
            at = answer.question.node
            assert at is not None
            scored = zip(answer.chosen, answer.scores, strict=True)
            chosen[answer.item.id] += [Chosen(at, node, own) for node, own in scored]
        return {  # type: ignore[typeddict-item]
            "journeys": {
                item: self.guide.on(journey, chosen[item]) if journey.asking else journey
                for item, journey in journeys.items()
            },
            "decisions": [answer.decision for answer in answers],
            "level": level,
        }

    def after_level(self, state: NavigationState) -> str:
        """Continue while a walk has nodes to ask about."""
        return "open_level" if any(j.asking for j in state["journeys"].values()) else "retrieve"

    async def retrieve(self, state: NavigationState) -> NavigationState:
        """Make the shortlists: labels of the walks joined with those of exact dense retrieval."""
        journeys, items = state["journeys"], by_id(state)
        shortlists = {item: dict(journey.shortlist) for item, journey in journeys.items()}
        if self.policy.shortlist != "tree":
            assert self.retriever is not None
            texts = [item.text for item in items.values()]
            found = await self.retriever.search(texts, self.policy.dense)
            for item, labels in zip(items, found, strict=True):
                add_dense(shortlists[item], self.policy.near_enough(labels))
        shortlists = await self.order_shortlists(items, shortlists)
        trails = {item: journey.trail(shortlists[item]) for item, journey in journeys.items()}
        if self.expert is None:
            for item, shortlist in shortlists.items():
                emit(ItemFinished(item, tuple(shortlist)))
        return {"shortlists": shortlists, "trails": trails}  # type: ignore[typeddict-item]

    async def order_shortlists(
        self, items: dict[ItemId, Item], shortlists: dict[ItemId, Shortlist]
    ) -> dict[ItemId, Shortlist]:
        """Sort each shortlist, best label first, by path scores extended to the label itself.

        A label's score is inherit * its node's + (1 - inherit) * the retriever's for its own text; for labels of
        dense retrieval alone it is the retriever's. Without a retriever it is the node's score. Ties keep the order
        in which the labels were found.
        """
        pairs = [(items[item], list(shortlist)) for item, shortlist in shortlists.items()]
        if self.retriever is None:
            own = [[known.score for known in shortlist.values()] for shortlist in shortlists.values()]
        else:
            own = await self.retriever.scores(pairs)
        path_score, found = self.policy.path_score, {}
        for (item, shortlist), (_, labels), scores in zip(shortlists.items(), pairs, own, strict=True):
            if self.retriever is not None:
                scores = [
                    path_score(score if origin == "dense" else known, score)
                    for (known, origin), score in zip(shortlist.values(), scores, strict=True)
                ]
            order = sorted(range(len(labels)), key=scores.__getitem__, reverse=True)
            found[item] = {labels[at]: Candidate(scores[at], shortlist[labels[at]].origin) for at in order}
        return found

    async def rank(self, state: NavigationState) -> NavigationState:
        """Let the general expert rank each shortlist; results have the path to each label."""
        assert self.expert is not None
        items = by_id(state)
        most = self.policy.candidates or None
        shortlists = [(item, list(state["shortlists"][item.id])[:most]) for item in items.values()]
        wanted = list(dict.fromkeys(label for _, labels in shortlists for label in labels))
        labels = {label.id: label for label in self.index.labels(wanted)}
        paths = {label: ways[0] for label, ways in self.index.paths_of(wanted).items() if ways}
        answers = await self.expert.rank(shortlists, labels, paths)
        by_item = {answer.item.id: answer for answer in answers}
        decisions = [answer.decision for answer in answers]
        errors = first_errors([*state.get("decisions", []), *decisions])
        results = {
            item: ItemResult(
                item,
                self.predictions(by_item.get(item), state["shortlists"][item]),
                errors.get(item, ""),
                best_scores(by_item.get(item)),
            )
            for item in items
        }
        for result in results.values():
            emit(finished_update(result))
        return {"decisions": decisions, "results": results}  # type: ignore[typeddict-item]

    def predictions(self, answer: Answer[LabelId] | None, shortlist: Shortlist) -> tuple[Prediction, ...]:
        """Apply the tool call; return the chosen labels with path, score, evidence and origin."""
        if answer is None:
            return ()
        ranked = rank_candidates(self.index, answer.chosen)
        places = answer.places or (None,) * len(ranked)
        return tuple(
            Prediction(
                label_id=label.label_id,
                name=label.name,
                path=label.path,
                score=round(score, 4),
                evidence=evidence,
                reason=answer.reason or self.alternative_name(label.label_id, evidence),
                origin=shortlist[label.label_id].origin,
                place=place,
            )
            for label, score, evidence, place in zip(
                ranked, answer.scores, answer.evidence, places, strict=True
            )
        )

    def alternative_name(self, label: LabelId, evidence: str) -> str:
        """Return the reason `ALTERNATIVE_NAME` if the evidence is one of the label's; else nothing."""
        known = self.index.label(label)
        forms = {" ".join(stems(name)) for name in known.alternatives} - {" ".join(stems(known.name))}
        return ALTERNATIVE_NAME if forms and " ".join(stems(evidence)) in forms else ""

    def node_names(self, nodes: Sequence[NodeId]) -> dict[NodeId, tuple[str, ...]]:
        """Return the names on the path from the root to each node."""
        ways = self.index.node_paths(nodes)
        wanted = list(dict.fromkeys(node for way in ways.values() for node in way))
        names = {node.id: node.name for node in self.index.nodes(wanted)}
        return {node: tuple(names[step] for step in ways[node]) for node in nodes}


def by_id(state: NavigationState) -> dict[ItemId, Item]:
    """Return the items of a batch by id."""
    return {item.id: item for item in state["items"]}


def add_dense(shortlist: Shortlist, found: Sequence[tuple[LabelId, float]]) -> None:
    """Add the labels of dense retrieval; those that the walk found too keep their path score."""
    for label, score in found:
        seen = shortlist.get(label)
        shortlist[label] = Candidate(score, "dense") if seen is None else Candidate(seen.score, "both")


def best_scores(answer: Answer[LabelId] | None) -> tuple[float, ...]:
    """Return the best scores that an encoder gave a shortlist; () of any other model."""
    if answer is None or not answer.decision.model.startswith(ENCODER_MODEL):
        return ()
    return tuple(sorted(answer.decision.scores, reverse=True)[:BEST_SCORES])


def finished_update(result: ItemResult) -> ItemFinished:
    """Return the update for a classified item."""
    labels = tuple(label.label_id for label in result.labels)
    best = result.labels[0] if result.labels else None
    if best is None:
        return ItemFinished(result.item_id, error=result.error)
    return ItemFinished(result.item_id, labels, best.path, best.score, error=result.error)


def first_errors(decisions: Sequence[Decision]) -> dict[ItemId, str]:
    """Return the first error of each item with one."""
    errors: dict[ItemId, str] = {}
    for decision in decisions:
        if decision.error:
            errors.setdefault(decision.item_id, decision.error)
    return errors
