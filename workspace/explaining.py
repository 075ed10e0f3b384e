"""Find the walk that is kept of an item, and put its explanation together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.navigation import Trail
from taxonaut.state.records import Decision
from taxonaut.state.runs import Run
from taxonaut.workspace.classification import KIND, loaded, unit_key
from taxonaut.workspace.explanation import Explanation, explanation, latest
from taxonaut.workspace.fates import Walked, fates

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace


def explain(workspace: "Workspace", item_id: ItemId, gold: Sequence[LabelId] = ()) -> Explanation:
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
    ranking = loaded(kept[key]).labels if key in kept else ()
    made = latest(decisions, trail)
    walked = Walked(workspace.index, trail, [label.label_id for label in ranking], shown(made))
    by_node: dict[NodeId, list[Decision]] = defaultdict(list)
    for decision in made:
        if decision.node_id is not None:
            by_node[decision.node_id].append(decision)
    found = fates(walked, list(dict.fromkeys(gold)), by_node)
    told = explanation(workspace.index, run.id, item, trail, decisions, ranking, found)
    return replace(told, changed=is_stale(workspace, run))


def is_stale(workspace: "Workspace", run: Run) -> bool:
    """Say whether the index has changed since a run walked it."""
    return bool(run.settings.get("index") != workspace.index.version())


def latest_walk(workspace: "Workspace", item: ItemId) -> tuple[Run, Trail]:
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
