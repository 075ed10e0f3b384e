"""Where a data set's gold labels are lost on their walks: nodes, worst first, and how often for which reason."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.evaluation.methods.method import Chosen
from taxonaut.state.errors import NotFoundError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision
from taxonaut.state.stores.gold_labels import GoldLabels
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
"""Methods of `evaluate` that walk the person's own index, with their settings."""

BLOCK = 1_000
"""Items read from the workspace at once, which bounds memory."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A gold label that one item's walk lost."""

    item: ItemId
    fate: LabelOutcome


@dataclass(frozen=True, slots=True)
class NodeLosses:
    """The gold labels lost at one node: it was opened, and the branch that held them was not.

    `path` names the way to it from the top, empty for the root. `losses` are in the items' order.
    """

    node: NodeId
    path: tuple[str, ...]
    losses: tuple[Loss, ...]

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """How often for which reason, the most frequent first."""
        return dict(Counter(loss.fate.outcome for loss in self.losses).most_common())

    @property
    def branches(self) -> Mapping[NodeId, int]:
        """How many gold labels each closed branch held, the most first."""
        return dict(Counter(loss.fate.branch for loss in self.losses if loss.fate.branch).most_common())


@dataclass(frozen=True, slots=True)
class Attribution:
    """What became of all gold labels.

    `items` have gold labels and a walk, `not_walked` have gold labels and none. `outcomes` counts gold labels.
    `nodes` come with the most losses first, equal ones by node. `changed`: the index is not the one that was
    walked.
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
        """How many gold labels the walked items have."""
        return sum(self.outcomes.values())


def attribute(workspace: Workspace, rows: Sequence[ItemRow], run: Run | None = None) -> Attribution:
    """Follow each gold label through the kept walks of a run; no model is asked.

    Without `run` it is the latest that walked any of the items. `rows` are items with gold labels that the
    index has. Raises NotFoundError if no walk of them is kept.
    """
    judged = [row for row in rows if row.gold]
    run = run or latest_run(workspace, [row.item.id for row in judged])
    return attribute_runs(workspace, judged, [run])


def attribute_runs(
    workspace: Workspace, rows: Sequence[ItemRow], runs: Sequence[Run], *, same_text: bool = False
) -> Attribution:
    """Follow each gold label through the first of these runs that walked its item; no model is asked.

    `run_id` is the first run's, 0 without one. With `same_text` only items count that a run finished with the
    text they have now.
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
            for item, found in fates_of(workspace, run.id, block):
                walked.add(item)
                outcomes.update(fate.outcome for fate in found)
                losses += [Loss(item, fate) for fate in found if fate.outcome != "found"]
        stale = stale or (len(walked) > before and is_stale(workspace, run))
        waiting = [row for row in waiting if row.item.id not in walked]
    return Attribution(
        runs[0].id if runs else RunId(0),
        len(walked),
        len(waiting),
        dict(outcomes.most_common()),
        by_node(workspace, losses),
        tuple(loss for loss in losses if loss.fate.node is None),
        stale,
    )


def keep_gold(workspace: Workspace, rows: Sequence[ItemRow]) -> None:
    """Keep the gold labels of items, so that `gold_rows` gives them again."""
    GoldLabels(workspace.database).keep(
        (row.item.id, unit_key(row.item), row.gold) for row in rows if row.gold
    )


def gold_rows(workspace: Workspace) -> list[ItemRow]:
    """Return the items whose gold labels are known, with those the index still has.

    An item whose text is another now is left out.
    """
    known = GoldLabels(workspace.database).all()
    found = []
    for item in workspace.items.known(list(known)):
        unit, labels = known[item.id]
        there = tuple(label for label in labels if workspace.index.has_label(label))
        if there and unit_key(item) == unit:
            found.append(ItemRow(item, there))
    return found


def walk_run(workspace: Workspace, chosen: Chosen, depth: int) -> Run | None:
    """Return the run of one method of an evaluation that walks this index, ranking `depth` labels; else None."""
    settings = WALKS.get(chosen.method.name)
    if settings is None:
        return None
    walk: Mapping[str, Any] = {"top": depth, **settings, **chosen.own}
    made = workspace.classification(**walk)
    return made.run.known


def latest_run(workspace: Workspace, items: Sequence[ItemId]) -> Run:
    """Return the run that last walked some of the items through the tree."""
    for run in workspace.runs.list(KIND):
        if walked_tree(run) and workspace.trails.latest(run.id, items):
            return run
    raise NotFoundError("no walk of these texts is kept; label them first: taxonaut classify FILE")


def fates_of(
    workspace: Workspace, run: RunId, rows: Sequence[ItemRow]
) -> Iterator[tuple[ItemId, list[LabelOutcome]]]:
    """Yield the outcomes of each walked item's gold labels; decisions are read only where labels were lost."""
    ids = [row.item.id for row in rows]
    trails = workspace.trails.latest(run, ids)
    walks = walks_of(workspace, run, rows, trails)
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
                fate if isinstance(fate, LabelOutcome) else walks[item].nearest_miss(fate, at[item])
                for fate in found
            ],
        )


def walks_of(
    workspace: Workspace, run: RunId, rows: Sequence[ItemRow], trails: Mapping[ItemId, Trail]
) -> dict[ItemId, WalkRecord]:
    """Put together what is known of each walk: trail, answer, and what the general expert was shown."""
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


def by_node(workspace: Workspace, losses: Sequence[Loss]) -> tuple[NodeLosses, ...]:
    """Sort losses by the node they happened at, worst first."""
    at: dict[NodeId, list[Loss]] = defaultdict(list)
    for loss in losses:
        if loss.fate.node is not None:
            at[loss.fate.node].append(loss)
    ways = workspace.index.node_paths(list(at))
    wanted = list(dict.fromkeys(node for way in ways.values() for node in way))
    names = {node.id: node.name for node in workspace.index.nodes(wanted)}
    worst = sorted(at, key=lambda node: (-len(at[node]), node))
    return tuple(
        NodeLosses(node, tuple(names[step] for step in ways[node]), tuple(at[node])) for node in worst
    )
