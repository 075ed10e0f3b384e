"""The walk: breadth-first over a batch to a shortlist, then ranking (XMC-Agent, 2.1)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from langgraph.graph import END, START, StateGraph

from taxonaut.agents.asking import Answer
from taxonaut.agents.general_expert import GeneralExpert
from taxonaut.agents.navigator import Navigator
from taxonaut.agents.retriever import Retriever
from taxonaut.graphs.policy import WalkPolicy
from taxonaut.graphs.portal import step
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index import Index
from taxonaut.state.items import Items
from taxonaut.state.navigation import (
    Candidate,
    NavigationInput,
    NavigationOutput,
    NavigationState,
    Shortlist,
    Visit,
)
from taxonaut.state.records import Decision, Item, ItemResult, Prediction
from taxonaut.tools.expand_node import expand_node
from taxonaut.tools.rank_candidates import rank_candidates


def navigate(
    index: Index,
    items: Items,
    navigator: Navigator,
    expert: GeneralExpert,
    retriever: Retriever | None = None,
    policy: WalkPolicy | None = None,
) -> StateGraph[NavigationState, None, NavigationInput, NavigationOutput]:
    """Build the graph; compile it and invoke it with a run and ids of items that `items` holds.

    One super-step opens a whole level for the whole batch. `retriever` is needed for the shortlists `dense`
    and `both`, and to cut a shortlist to `policy.candidates`.
    """
    walk = Walk(index, items, navigator, expert, retriever, policy or WalkPolicy())
    graph = StateGraph(NavigationState, input_schema=NavigationInput, output_schema=NavigationOutput)
    graph.add_node("start", step(walk.start))
    graph.add_node("open_level", step(walk.open_level))
    graph.add_node("retrieve", step(walk.retrieve))
    graph.add_node("rank", step(walk.rank))
    graph.add_edge(START, "start")
    graph.add_conditional_edges("start", walk.after_start, ["open_level", "retrieve"])
    graph.add_conditional_edges("open_level", walk.after_level, ["open_level", "retrieve", "rank"])
    graph.add_edge("retrieve", "rank")
    graph.add_edge("rank", END)
    return graph


class Walk:
    """The graph's steps over their agents; holds no state of a batch."""

    def __init__(
        self,
        index: Index,
        items: Items,
        navigator: Navigator,
        expert: GeneralExpert,
        retriever: Retriever | None,
        policy: WalkPolicy,
    ) -> None:
        if retriever is None and (policy.shortlist != "tree" or policy.candidates):
            raise InputError(
                f"a shortlist {policy.shortlist!r} of {policy.candidates or 'all'} candidates needs a retriever; "
                "give one, or use WalkPolicy(shortlist='tree', candidates=0)"
            )
        self.index = index
        self.items = items
        self.navigator = navigator
        self.expert = expert
        self.retriever = retriever
        self.policy = policy

    async def start(self, state: NavigationState) -> NavigationState:
        """Put every item before the root; labels in the root itself are on its shortlist."""
        root = self.index.root()
        held = self.index.labels_under([root]).get(root, [])
        own = {label: Candidate(0.0, "tree") for label in held} if self.policy.shortlist != "dense" else {}
        return {  # type: ignore[typeddict-item]
            "level": 0,
            "frontier": [Visit(item, root, 0.0) for item in state["item_ids"]],
            "reached": dict.fromkeys(state["item_ids"], 0),
            "opened": {item: frozenset([root]) for item in state["item_ids"]},
            "shortlists": {item: dict(own) for item in state["item_ids"]},
        }

    def after_start(self, state: NavigationState) -> str:
        """Walk, unless only dense retrieval is asked for."""
        return "retrieve" if self.policy.shortlist == "dense" else "open_level"

    async def open_level(self, state: NavigationState) -> NavigationState:
        """Let the navigator choose branches at every node of this level, and open what it chose."""
        texts = self.texts(state)
        nodes = list(dict.fromkeys(visit.node for visit in state["frontier"]))
        expansions = {expansion.node: expansion for expansion in expand_node(self.index, nodes)}
        visits = [visit for visit in state["frontier"] if not expansions[visit.node].is_terminal]
        answers = await self.navigator.choose(
            state["run_id"],
            [(texts[visit.item], visit.node) for visit in visits],
            expansions,
            self.node_names(nodes),
        )
        parents = {(visit.item, visit.node): visit.score for visit in visits}
        chosen = self.budgeted(state, self.scored(answers, parents))
        return self.opened(state, chosen, [answer.decision for answer in answers])

    def scored(
        self, answers: Sequence[Answer[NodeId]], parents: Mapping[tuple[ItemId, NodeId], float]
    ) -> dict[ItemId, dict[NodeId, float]]:
        """Give each chosen branch its path score; a branch reached on several ways keeps the best."""
        branches: dict[ItemId, dict[NodeId, float]] = defaultdict(dict)
        for answer in answers:
            assert answer.question.node is not None
            parent = parents[answer.item.id, answer.question.node]
            for node, own in zip(answer.chosen, answer.scores, strict=True):
                score = self.policy.path_score(parent, own)
                known = branches[answer.item.id]
                known[node] = max(score, known.get(node, score))
        return branches

    def budgeted(self, state: NavigationState, branches: dict[ItemId, dict[NodeId, float]]) -> list[Visit]:
        """Keep as many branches of an item, best first, as its terminal budget still allows."""
        return [
            Visit(item, node, score)
            for item, scores in branches.items()
            for node, score in self.policy.kept(scores, state["reached"][item], state["opened"][item])
        ]

    def opened(
        self, state: NavigationState, chosen: Sequence[Visit], decisions: list[Decision]
    ) -> NavigationState:
        """Add the labels of the opened nodes to the shortlists; what has branches is the next level."""
        nodes = list(dict.fromkeys(visit.node for visit in chosen))
        expansions = {expansion.node: expansion for expansion in expand_node(self.index, nodes)}
        shortlists = {item: dict(shortlist) for item, shortlist in state["shortlists"].items()}
        reached, opened = dict(state["reached"]), dict(state["opened"])
        for visit in chosen:
            expansion = expansions[visit.node]
            reached[visit.item] += expansion.is_terminal
            opened[visit.item] |= {visit.node}
            add(shortlists[visit.item], expansion.labels, visit.score)
        return {  # type: ignore[typeddict-item]
            "level": state["level"] + 1,
            "frontier": [visit for visit in chosen if not expansions[visit.node].is_terminal],
            "reached": reached,
            "opened": opened,
            "shortlists": shortlists,
            "decisions": decisions,
        }

    def after_level(self, state: NavigationState) -> str:
        """Go on while a branch is open."""
        if state["frontier"]:
            return "open_level"
        return "retrieve" if self.policy.shortlist == "both" else "rank"

    async def retrieve(self, state: NavigationState) -> NavigationState:
        """Join the shortlists with what exact dense retrieval finds."""
        assert self.retriever is not None
        texts = self.texts(state)
        found = await self.retriever.search(
            [texts[item].text for item in state["item_ids"]], self.policy.dense
        )
        shortlists = {}
        for item, labels in zip(state["item_ids"], found, strict=True):
            joined = dict(state["shortlists"][item])
            for label, score in labels:
                seen = joined.get(label)
                joined[label] = Candidate(score, "dense") if seen is None else Candidate(seen.score, "both")
            shortlists[item] = joined
        return {"shortlists": shortlists}  # type: ignore[typeddict-item]

    async def rank(self, state: NavigationState) -> NavigationState:
        """Let the general expert order each shortlist; the results carry the path to each label."""
        texts = self.texts(state)
        shortlists = await self.cut([(texts[item], list(state["shortlists"][item])) for item in texts])
        wanted = list(dict.fromkeys(label for _, labels in shortlists for label in labels))
        labels = {label.id: label for label in self.index.labels(wanted)}
        paths = {label: ways[0] for label, ways in self.index.paths_of(wanted).items() if ways}
        answers = await self.expert.rank(state["run_id"], shortlists, labels, paths)
        by_item = {answer.item.id: answer for answer in answers}
        decisions = [answer.decision for answer in answers]
        errors = first_errors([*state.get("decisions", []), *decisions])
        results = {
            item: ItemResult(
                item,
                self.predictions(by_item.get(item), state["shortlists"][item]),
                errors.get(item, ""),
            )
            for item in state["item_ids"]
        }
        return {"decisions": decisions, "results": results}  # type: ignore[typeddict-item]

    async def cut(self, shortlists: list[tuple[Item, list[LabelId]]]) -> list[tuple[Item, list[LabelId]]]:
        """Keep of each shortlist what the retriever scores best, if the policy bounds it."""
        most = self.policy.candidates
        if self.retriever is None or not most:
            return shortlists
        long = [pair for pair in shortlists if len(pair[1]) > most]
        kept = await self.retriever.best(long, most) if long else []
        short = {item.id: labels for (item, _), labels in zip(long, kept, strict=True)}
        return [(item, short.get(item.id, labels)) for item, labels in shortlists]

    def predictions(self, answer: Answer[LabelId] | None, shortlist: Shortlist) -> tuple[Prediction, ...]:
        """Apply the tool call and put path, score, evidence and origin beside each label."""
        if answer is None:
            return ()
        ranked = rank_candidates(self.index, answer.chosen)
        return tuple(
            Prediction(
                label_id=label.label_id,
                name=label.name,
                path=label.path,
                score=round(score, 4),
                evidence=evidence,
                reason=answer.reason,
                origin=shortlist[label.label_id].origin,
            )
            for label, score, evidence in zip(ranked, answer.scores, answer.evidence, strict=True)
        )

    def texts(self, state: NavigationState) -> dict[ItemId, Item]:
        """Read the batch's items; the state carries their ids only."""
        return {item.id: item for item in self.items.get(state["item_ids"])}

    def node_names(self, nodes: Sequence[NodeId]) -> dict[NodeId, tuple[str, ...]]:
        """Return the names on a path from the top down to each node."""
        ways = self.index.node_paths(nodes)
        wanted = list(dict.fromkeys(node for way in ways.values() for node in way))
        names = {node.id: node.name for node in self.index.nodes(wanted)}
        return {node: tuple(names[step] for step in ways[node]) for node in nodes}


def add(shortlist: Shortlist, labels: Sequence[LabelId], score: float) -> None:
    """Put labels on a shortlist; a label found through several parents counts once, with the best score."""
    for label in labels:
        seen = shortlist.get(label)
        if seen is None or seen.score < score:
            shortlist[label] = Candidate(score, "tree")


def first_errors(decisions: Sequence[Decision]) -> dict[ItemId, str]:
    """Return the first error of each item that had one."""
    errors: dict[ItemId, str] = {}
    for decision in decisions:
        if decision.error:
            errors.setdefault(decision.item_id, decision.error)
    return errors
