"""Attribute lost gold labels to the nodes where walks lost them, with the reasons counted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.evaluation.methods.method import ChosenMethod
from taxonaut.state.errors import NotFoundError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision
from taxonaut.state.stores.runs import Run
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.classification import KIND
from taxonaut.workspace.walk.explanation import is_stale, shown_labels, walked_tree
from taxonaut.workspace.walk.label_outcomes import DeadEnd, LabelOutcome, Outcome, WalkRecord
from taxonaut.workspace.workspace import Workspace

WALKS: Mapping[str, Mapping[str, str]] = {
    "navigate": {},
    "tree": {"shortlist": "tree"},
    "both": {"shortlist": "both"},
}
"""Methods of `evaluate` that walk the workspace's own index, with their settings."""

BLOCK = 1_000
"""Items read per query, to bound memory."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A gold label that one item's walk lost."""

    item_id: ItemId
    outcome: LabelOutcome


@dataclass(frozen=True, slots=True)
class NodeLosses:
    """The gold labels lost at one node: it was opened, the branch with the label was not.

    `path` has the names from the top to the node, empty for the root. `losses` are in the items' order.
    """

    node_id: NodeId
    path: tuple[str, ...]
    losses: tuple[Loss, ...]

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """The losses counted by reason, most frequent first."""
        return dict(Counter(loss.outcome.outcome for loss in self.losses).most_common())

    @property
    def branches(self) -> Mapping[NodeId, int]:
        """The lost gold labels counted by the branch that was not opened, most first."""
        return dict(Counter(loss.outcome.branch for loss in self.losses if loss.outcome.branch).most_common())


@dataclass(frozen=True, slots=True)
class Attribution:
    """The outcome of every gold label.

    `items` counts items with gold labels and a walk, `not_walked` those without a walk; `outcomes` counts gold
    labels. `nodes` are sorted by losses, descending, then by id; `elsewhere` are losses at no node. `changed`:
    the index has changed since the walk.
    """

    run_id: RunId
    items: int
    not_walked: int
    outcomes: Mapping[Outcome, int]
    nodes: tuple[NodeLosses, ...]
    elsewhere: tuple[Loss, ...] = field(repr=False)
    changed: bool = False

    @property
    def gold(self) -> int:
        """The number of gold labels of the walked items."""
        return sum(self.outcomes.values())


def attribute(workspace: Workspace, rows: Sequence[ItemRow], run: Run | None = None) -> Attribution:
    """Trace each gold label through the stored walks of a run; no model is called.

    `run` defaults to the latest run that walked any of the items. The gold labels of `rows` must be in the
    index. Raises NotFoundError if no walk of the items is stored.
    """
    judged = [row for row in rows if row.gold]
    run = run or latest_walk_run(workspace, [row.item.id for row in judged])
    return attribute_runs(workspace, judged, [run])


def attribute_runs(
    workspace: Workspace, rows: Sequence[ItemRow], runs: Sequence[Run], *, same_text: bool = False
) -> Attribution:
    """Trace each gold label through the first of the runs that walked its item; no model is called.

    The report's `run_id` is that of the first run, 0 without runs. With `same_text`, items whose text has
    changed since the run are skipped.
    """
    waiting = [row for row in rows if row.gold]
    losses: list[Loss] = []
    outcomes: Counter[Outcome] = Counter()
    walked: set[ItemId] = set()
    stale = False
    for run in runs:
        before = len(walked)
        for start in range(0, len(waiting), BLOCK):
            block = waiting[start : start + BLOCK]
            if same_text:
                done = workspace.runs.finished(run.id, [unit_key(row.item) for row in block])
                block = [row for row in block if unit_key(row.item) in done]
            for item, found in label_outcomes_of(workspace, run.id, block):
                walked.add(item)
                outcomes.update(outcome.outcome for outcome in found)
                losses += [Loss(item, outcome) for outcome in found if outcome.outcome != "found"]
        stale = stale or (len(walked) > before and is_stale(workspace, run))
        waiting = [row for row in waiting if row.item.id not in walked]
    return Attribution(
        runs[0].id if runs else RunId(0),
        len(walked),
        len(waiting),
        dict(outcomes.most_common()),
        group_by_node(workspace, losses),
        tuple(loss for loss in losses if loss.outcome.node is None),
        stale,
    )


def find_walk_run(workspace: Workspace, chosen: ChosenMethod, depth: int) -> Run | None:
    """Return the run of an evaluated method that walks this index and ranks `depth` labels, or None."""
    settings = WALKS.get(chosen.method.name)
    if settings is None:
        return None
    walk: Mapping[str, Any] = {"top": depth, **settings, **chosen.own}
    made = workspace.classification(**walk)
    return made.run.known


def latest_walk_run(workspace: Workspace, items: Sequence[ItemId]) -> Run:
    """Return the latest run that walked any of the items."""
    for run in workspace.runs.list(KIND):
        if walked_tree(run) and workspace.trails.latest(run.id, items):
            return run
    raise NotFoundError("no walk of these texts is stored; classify them first: taxonaut classify FILE")


def label_outcomes_of(
    workspace: Workspace, run: RunId, rows: Sequence[ItemRow]
) -> Iterator[tuple[ItemId, list[LabelOutcome]]]:
    """Yield the outcomes of each walked item's gold labels; decisions are read only where labels were lost."""
    ids = [row.item.id for row in rows]
    trails = workspace.trails.latest(run, ids)
    walks = load_walks(workspace, run, rows, trails)
    open_ends: dict[ItemId, list[LabelOutcome | list[DeadEnd]]] = {
        row.item.id: [walks[row.item.id].outcome(label) for label in dict.fromkeys(row.gold)]
        for row in rows
        if row.item.id in walks
    }
    places = {
        (item, end.node)
        for item, found in open_ends.items()
        for ends in found
        if not isinstance(ends, LabelOutcome)
        for end in ends
    }
    decisions = workspace.decisions.at(run, sorted(places))
    at: dict[ItemId, dict[NodeId, list[Decision]]] = defaultdict(dict)
    for (item, node), made in decisions.items():
        if node is not None:
            at[item][node] = made
    for item, found in open_ends.items():
        yield (
            item,
            [
                outcome if isinstance(outcome, LabelOutcome) else walks[item].nearest_miss(outcome, at[item])
                for outcome in found
            ],
        )


def load_walks(
    workspace: Workspace, run: RunId, rows: Sequence[ItemRow], trails: Mapping[ItemId, Trail]
) -> dict[ItemId, WalkRecord]:
    """Load each item's walk: its trail, final labels, and the candidates shown to the general expert."""
    keys = {row.item.id: unit_key(row.item) for row in rows}
    kept = workspace.runs.finished(run, list(keys.values()))
    rankings: dict[ItemId, list[LabelId]] = defaultdict(list)
    for item, key in keys.items():
        if key in kept:
            rankings[item] = [LabelId(label["label_id"]) for label in kept[key]["labels"]]
    missed = [row.item.id for row in rows if not set(row.gold) <= set(rankings[row.item.id])]
    ranked = workspace.decisions.at(run, [(item, None) for item in missed if item in trails])
    return {
        item: WalkRecord(workspace.index, trail, rankings[item], shown_labels(ranked.get((item, None), [])))
        for item, trail in trails.items()
    }


def group_by_node(workspace: Workspace, losses: Sequence[Loss]) -> tuple[NodeLosses, ...]:
    """Group losses by node, the node with most losses first."""
    at: dict[NodeId, list[Loss]] = defaultdict(list)
    for loss in losses:
        if loss.outcome.node is not None:
            at[loss.outcome.node].append(loss)
    ways = workspace.index.node_paths(list(at))
    wanted = list(dict.fromkeys(node for way in ways.values() for node in way))
    names = {node.id: node.name for node in workspace.index.nodes(wanted)}
    worst = sorted(at, key=lambda node: (-len(at[node]), node))
    return tuple(
        NodeLosses(node, tuple(names[step] for step in ways[node]), tuple(at[node])) for node in worst
    )
