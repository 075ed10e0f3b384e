"""Explain the walk of one item as a tree, from its trail and its stored decisions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from taxonaut.agents.support.texts import path_text
from taxonaut.models.catalog import ENCODER
from taxonaut.models.score_sources import ExplainsScores
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.graph_states.navigate import How, Reason, Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Item, Prediction
from taxonaut.state.stores.runs import Run
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.walk.classification import KIND, load_result
from taxonaut.workspace.walk.item_scores import scores_of
from taxonaut.workspace.walk.label_outcomes import LabelOutcome, WalkRecord, label_outcomes


@dataclass(slots=True)
class Step:
    """A branch that the walk saw, opened or not, with its own score and the phrase of evidence for it.

    `how` says how an opened node was reached. `dropped`: the navigator chose the branch, and the policy left it
    closed for this reason.
    """

    node: NodeId
    name: str
    score: float | None
    opened: bool
    evidence: str = ""
    dropped: Reason | None = None
    error: str = ""
    how: How | None = None
    steps: list["Step"] = field(default_factory=list)
    labels: list[LabelId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScoreShare:
    """What one source says of a ranked label: how likely it is, from 0 to 1, and why; `added` to the similarity."""

    label_id: LabelId
    source: str
    score: float
    added: float
    why: str = ""


EXPLAINED = 3
"""Ranked labels whose scores are divided into their sources."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One item's walk and ranking.

    `shares` divide the scores of the best labels, where more than an embedder scored them; empty if what was learned
    has changed since.

    `requests` counts its decisions by language models, `comparisons` those by vectors, `candidates` the ranked
    labels; `outcomes` are those of the gold labels.
    `index_changed`: the index was changed after the walk; nodes that are gone have no names.
    """

    run_id: RunId
    item: Item
    root: Step
    ranking: tuple[Prediction, ...]
    requests: int
    candidates: int
    outcomes: tuple[LabelOutcome, ...] = ()
    index_changed: bool = False
    shares: tuple[ScoreShare, ...] = ()
    comparisons: int = 0


def build_explanation(
    index: Index,
    run: RunId,
    item: Item,
    trail: Trail,
    decisions: Sequence[Decision],
    ranking: Sequence[Prediction],
    outcomes: Sequence[LabelOutcome] = (),
) -> Explanation:
    """Build the tree of an item's latest walk.

    `decisions` are the item's in this run, oldest first; those of earlier walks are ignored.
    """
    made = latest_decisions(decisions, trail)
    ranked = next((decision for decision in made if decision.node_id is None), None)
    root = StepTree(index, trail, made).build()
    sort_steps(root)
    candidates = len(ranked.options) if ranked is not None else 0
    requests = sum(each.is_request for each in made)
    return Explanation(
        run,
        item,
        root,
        tuple(ranking),
        requests,
        candidates,
        tuple(outcomes),
        comparisons=len(made) - requests,
    )


def latest_decisions(decisions: Sequence[Decision], trail: Trail) -> list[Decision]:
    """Return the decisions of an item's last walk: the last ones at each node it opened, and the last ranking.

    Earlier ones are from a walk that failed, or of another text under the same id.
    """
    opened = {way.node for way in trail.opened}
    last: dict[object, Decision] = {}
    for decision in decisions:
        if decision.node_id is None:
            last[None] = decision
        elif decision.node_id in opened:
            last[decision.node_id, decision.seed] = decision
    return list(last.values())


class StepTree:
    """Arranges the branches that a walk saw below the nodes where it saw them."""

    def __init__(self, index: Index, trail: Trail, decisions: Sequence[Decision]) -> None:
        self.index = index
        self.ways = {way.node: way for way in trail.opened}
        self.dropped = {node: reason for reason, nodes in trail.dropped.items() for node in nodes}
        self.asked: dict[NodeId, list[Decision]] = defaultdict(list)
        for decision in decisions:
            if decision.node_id is not None:
                self.asked[decision.node_id].append(decision)
        seen = {NodeId(int(option)) for made in self.asked.values() for d in made for option in d.options}
        known = [node for node in sorted({*seen, *self.ways}) if index.has_node(node)]
        self.names = {node.id: node.name for node in index.nodes(known)}
        self.held = index.labels_under(known)
        self.parents = self.find_parents()

    def find_parents(self) -> dict[NodeId, NodeId]:
        """Return for each opened node the node under which its subtree is shown."""
        shown: dict[NodeId, NodeId] = {}
        for node, made in self.asked.items():
            for decision in made:
                for option in decision.options:
                    shown.setdefault(NodeId(int(option)), node)
        return {
            node: way.via if way.how == "branch" and way.via is not None else shown[node]
            for node, way in self.ways.items()
            if node in shown
        }

    def build(self) -> Step:
        """Return the root with its subtree; nodes that no decision showed are below it, named by their paths."""
        root = self.index.root()
        top = self.fill(Step(root, "", None, opened=root in self.ways))
        for node, way in self.ways.items():
            if node != root and node not in self.parents:
                step = Step(node, self.path(node), None, opened=True, how=way.how)
                top.steps.append(self.fill(step))
        return top

    def path(self, node: NodeId) -> str:
        """Return a node's path, or its number if it is no longer in the index."""
        if node not in self.names:
            return f"node {node}"
        way = self.index.node_paths([node])[node]
        return path_text([each.name for each in self.index.nodes(way)])

    def fill(self, step: Step) -> Step:
        """Add an opened node's labels and the branches seen there."""
        if step.opened:
            step.labels = list(self.held.get(step.node, ()))
        for decision in self.asked.get(step.node, ()):
            step.error = step.error or decision.error
            for below in self.branches(decision):
                step.steps.append(below)
                if self.parents.get(below.node) == step.node:
                    self.fill(below)
                elif below.opened:
                    below.labels = list(self.held.get(below.node, ()))
        return step

    def branches(self, decision: Decision) -> list[Step]:
        """Return the options of one decision as steps."""
        scores = option_scores(decision)
        evidence = dict(zip(decision.choice, decision.evidence, strict=False))
        steps = []
        for option in decision.options:
            node, chosen = NodeId(int(option)), option in decision.choice
            way = self.ways.get(node)
            opened = way is not None and (chosen or way.how != "branch")
            dropped = self.dropped.get(node) if chosen and not opened else None
            steps.append(
                Step(
                    node,
                    self.names.get(node, f"node {node}"),
                    scores.get(option),
                    opened=opened,
                    evidence=evidence.get(option, ""),
                    dropped=dropped,
                    how=way.how if way is not None and opened else None,
                )
            )
        return steps


def option_scores(decision: Decision) -> Mapping[str, float]:
    """Return the score of each option; empty if the model gave none."""
    return dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}


def sort_steps(step: Step) -> None:
    """Sort a tree in place: opened branches first, then by score."""
    step.steps.sort(key=lambda s: (not s.opened, -(s.score if s.score is not None else 0.0), s.name))
    for child in step.steps:
        sort_steps(child)


def explain(workspace: Core, item_id: ItemId, gold: Sequence[LabelId] = ()) -> Explanation:
    """Explain an item's latest walk, with the outcomes of its gold labels.

    Raises NotFoundError for an item that was never walked, InputError for a label the index does not have.
    """
    known = set(workspace.index.label_ids()) if gold else set()
    gold = workspace.index.present(gold)
    for label in gold:
        if label not in known:
            raise InputError(
                f"no label {label!r} in this workspace; give label ids as `taxonaut labels list` shows them"
            )
    item = workspace.items.get([item_id])[0]
    run, trail = latest_walk(workspace, item_id)
    decisions = workspace.decisions.for_item(run.id, item_id)
    key = unit_key(item)
    kept = workspace.runs.finished(run.id, [key])
    ranking = load_result(kept[key]).labels if key in kept else ()
    made = latest_decisions(decisions, trail)
    walk = WalkRecord(workspace.index, trail, [label.label_id for label in ranking], shown_labels(made))
    by_node: dict[NodeId, list[Decision]] = defaultdict(list)
    for decision in made:
        if decision.node_id is not None:
            by_node[decision.node_id].append(decision)
    outcomes = label_outcomes(walk, list(dict.fromkeys(gold)), by_node)
    shown = scores_of(workspace).show(load_result(kept[key])).labels if key in kept else ()
    explained = build_explanation(workspace.index, run.id, item, trail, decisions, shown, outcomes)
    stale = is_stale(workspace, run)
    shares = () if stale else score_shares(workspace, run, item, [label.label_id for label in shown])
    return replace(explained, index_changed=stale, shares=shares)


def score_shares(workspace: Core, run: Run, item: Item, labels: Sequence[LabelId]) -> tuple[ScoreShare, ...]:
    """Divide the scores of the best labels into what each source says; only what the walk itself used is asked."""
    now, then = (
        {name: given[name] for name in SCORES if name in given}
        for given in (workspace.scores_identity, run.settings)
    )
    if workspace.config.models.general_expert.provider != ENCODER or now != then:
        return ()
    learned, best = workspace.wiring.scorer.learned, tuple(labels[:EXPLAINED])
    if learned is None or not best:
        return ()
    found = []
    for each, likely in zip(learned.sources, learned.likely([item.text], best), strict=True):
        for label, chance in zip(best, likely[0].tolist(), strict=True):
            if chance >= LEAST_SHOWN:
                why = each.source.explain(item.text, label) if isinstance(each.source, ExplainsScores) else ""
                added = each.weight * chance**each.exponent
                found.append(ScoreShare(label, each.source.name, round(chance, 4), round(added, 4), why))
    return tuple(found)


SCORES = ("learned", "walk_expert")
"""What a run's settings say of the sources of its scores (`Core.scores_identity`)."""

LEAST_SHOWN = 0.005
"""Sources that say less of a label are not shown."""


def is_stale(workspace: Core, run: Run) -> bool:
    """Tell whether the index has changed since a run walked it."""
    return bool(run.settings.get("index") != workspace.index.version())


def latest_walk(workspace: Core, item: ItemId) -> tuple[Run, Trail]:
    """Return the last run that walked an item, and the trail; runs of dense retrieval alone come last."""
    found = [
        (run, trail)
        for run in workspace.runs.list(KIND)
        for trail in workspace.trails.latest(run.id, [item]).values()
    ]
    if not found:
        raise NotFoundError(f"no walk of item {item!r} is stored; classify it first")
    return next((pair for pair in found if walked_tree(pair[0])), found[0])


def walked_tree(run: Run) -> bool:
    """Tell whether a run walked the tree, rather than use dense retrieval alone."""
    return bool(run.settings.get("walk", {}).get("shortlist") != "dense")


def shown_labels(decisions: Sequence[Decision]) -> tuple[str, ...] | None:
    """Return the labels shown to the general expert; None if it failed or was not asked."""
    ranked = next((decision for decision in decisions if decision.node_id is None), None)
    return None if ranked is None or ranked.error else ranked.options
