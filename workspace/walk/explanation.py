"""The walk of one item as a tree, read from its trail and its decision rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from taxonaut.agents.support.texts import path_text
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.graph_states.navigate import How, Reason, Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Item, Prediction
from taxonaut.state.stores.runs import Run
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.walk.classification import KIND, load_result
from taxonaut.workspace.walk.label_outcomes import Fate, Walked, fates


@dataclass(slots=True)
class Step:
    """A branch the walk saw: opened or passed by, with its own score and the phrase that earned it.

    `how` says how an opened node was reached. `dropped`: the navigator chose it, and the policy left it
    closed, for this reason.
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
class Explanation:
    """One item's walk and ranking. `requests` counts its decisions; `fates` are those of the gold labels.

    `changed`: the index is not the one that was walked; what is told of it is as far as it still stands.
    """

    run_id: RunId
    item: Item
    root: Step
    ranking: tuple[Prediction, ...]
    requests: int
    ranked_from: int
    fates: tuple[Fate, ...] = ()
    changed: bool = False


def explanation(
    index: Index,
    run: RunId,
    item: Item,
    trail: Trail,
    decisions: Sequence[Decision],
    ranking: Sequence[Prediction],
    fates: Sequence[Fate] = (),
) -> Explanation:
    """Put an item's latest walk together as a tree.

    `decisions` are the item's in this run, oldest first; those of earlier walks are passed over.
    """
    made = latest(decisions, trail)
    ranked = next((decision for decision in made if decision.node_id is None), None)
    root = Drawing(index, trail, made).drawn()
    sort(root)
    shown = len(ranked.options) if ranked is not None else 0
    return Explanation(run, item, root, tuple(ranking), len(made), shown, tuple(fates))


def latest(decisions: Sequence[Decision], trail: Trail) -> list[Decision]:
    """Return the decisions of an item's last walk: the last made at each node it opened, and the last ranking.

    One id may have stood for another text before, or its walk may have failed and been made again.
    """
    opened = {way.node for way in trail.opened}
    last: dict[object, Decision] = {}
    for decision in decisions:
        if decision.node_id is None:
            last[None] = decision
        elif decision.node_id in opened:
            last[decision.node_id, decision.seed] = decision
    return list(last.values())


class Drawing:
    """Hangs what a walk saw under the nodes where it saw it."""

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
        self.homes = self.found_homes()

    def found_homes(self) -> dict[NodeId, NodeId]:
        """Say under which node each opened node is drawn with all that is below it."""
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

    def drawn(self) -> Step:
        """Return the root with all that was seen; nodes that no asked node showed hang there by their paths."""
        root = self.index.root()
        top = self.filled(Step(root, "", None, opened=root in self.ways))
        for node, way in self.ways.items():
            if node != root and node not in self.homes:
                step = Step(node, self.path(node), None, opened=True, how=way.how)
                top.steps.append(self.filled(step))
        return top

    def path(self, node: NodeId) -> str:
        """Name a node by its path, if it still has one."""
        if node not in self.names:
            return f"node {node}"
        way = self.index.node_paths([node])[node]
        return path_text([each.name for each in self.index.nodes(way)])

    def filled(self, step: Step) -> Step:
        """Put the labels of an opened node into its step, and the branches seen there below it."""
        if step.opened:
            step.labels = list(self.held.get(step.node, ()))
        for decision in self.asked.get(step.node, ()):
            step.error = step.error or decision.error
            for below in self.branches(decision):
                step.steps.append(below)
                if self.homes.get(below.node) == step.node:
                    self.filled(below)
                elif below.opened:
                    below.labels = list(self.held.get(below.node, ()))
        return step

    def branches(self, decision: Decision) -> list[Step]:
        """Return the branches of one decision as steps."""
        scores = own_scores(decision)
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


def own_scores(decision: Decision) -> Mapping[str, float]:
    """Return the options' own scores; none, if the model gives none."""
    return dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}


def sort(step: Step) -> None:
    """Put opened branches first, then by score."""
    step.steps.sort(key=lambda s: (not s.opened, -(s.score if s.score is not None else 0.0), s.name))
    for child in step.steps:
        sort(child)


def explain(workspace: Core, item_id: ItemId, gold: Sequence[LabelId] = ()) -> Explanation:
    """Return an item's latest walk as a tree, with the fates of its gold labels.

    Raises NotFoundError for an item that was never walked, InputError for a label the index does not have.
    """
    known = set(workspace.index.label_ids()) if gold else set()
    for label in gold:
        if label not in known:
            raise InputError(
                f"{label!r} is no label of this workspace; give label ids, as taxonaut labels list shows them"
            )
    item = workspace.items.get([item_id])[0]
    run, trail = latest_walk(workspace, item_id)
    decisions = workspace.decisions.for_item(run.id, item_id)
    key = unit_key(item)
    kept = workspace.runs.finished(run.id, [key])
    ranking = load_result(kept[key]).labels if key in kept else ()
    made = latest(decisions, trail)
    walked = Walked(workspace.index, trail, [label.label_id for label in ranking], shown(made))
    by_node: dict[NodeId, list[Decision]] = defaultdict(list)
    for decision in made:
        if decision.node_id is not None:
            by_node[decision.node_id].append(decision)
    found = fates(walked, list(dict.fromkeys(gold)), by_node)
    told = explanation(workspace.index, run.id, item, trail, decisions, ranking, found)
    return replace(told, changed=is_stale(workspace, run))


def is_stale(workspace: Core, run: Run) -> bool:
    """Say whether the index has changed since a run walked it."""
    return bool(run.settings.get("index") != workspace.index.version())


def latest_walk(workspace: Core, item: ItemId) -> tuple[Run, Trail]:
    """Return the last run that walked an item, and how; one that only asked dense retrieval comes last."""
    found = [
        (run, trail)
        for run in workspace.runs.list(KIND)
        for trail in workspace.trails.latest(run.id, [item]).values()
    ]
    if not found:
        raise NotFoundError(f"no walk of the item {item!r} is kept; classify it first")
    return next((pair for pair in found if walks(pair[0])), found[0])


def walks(run: Run) -> bool:
    """Say whether a run walked the tree, and did not only ask dense retrieval."""
    return bool(run.settings.get("walk", {}).get("shortlist") != "dense")


def shown(decisions: Sequence[Decision]) -> tuple[str, ...] | None:
    """Return the labels that the general expert was shown; None if it failed or was not asked."""
    ranked = next((decision for decision in decisions if decision.node_id is None), None)
    return None if ranked is None or ranked.error else ranked.options
