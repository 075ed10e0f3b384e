"""Label items by any means as a run: finished items are kept, the same call again computes nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from taxonaut.evaluation.methods.method import OnDone, Outcome
from taxonaut.state import version
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, ItemResult, Prediction
from taxonaut.workspace.core.core import ENCODER_BATCH
from taxonaut.workspace.walk.classification import Classification
from taxonaut.workspace.workspace import Workspace

KIND = "evaluate"

Ranking = Sequence[tuple[LabelId, float]]
"""Labels with their scores, best first."""

Work = Callable[[Sequence[Item]], Awaitable[tuple[Mapping[ItemId, Ranking], Sequence[Decision]]]]
"""Ranks labels for a batch of items; an item that is not in the mapping has none."""


class Labelling:
    """Stands where a classification has its graph."""

    def __init__(self, workspace: Workspace, work: Work) -> None:
        self.workspace = workspace
        self.work = work

    async def ainvoke(self, state: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """Rank labels for the items of one batch."""
        items = state["items"]
        rankings, decisions = await self.work(items)
        errors = {each.item_id: each.error for each in reversed(decisions) if each.error}
        results = {
            item.id: ItemResult(item.id, self.predictions(rankings.get(item.id, ())), errors.get(item.id, ""))
            for item in items
        }
        return {"results": results, "decisions": list(decisions)}

    def predictions(self, ranking: Ranking) -> tuple[Prediction, ...]:
        """Put names beside the labels; there is no path that led to them."""
        labels = self.workspace.index.labels([label for label, _ in ranking])
        return tuple(
            Prediction(label.id, label.name, (label.name,), round(float(score), 4), origin="dense")
            for label, (_, score) in zip(labels, ranking, strict=True)
        )


async def labelled(
    workspace: Workspace,
    items: Sequence[Item],
    method: str,
    settings: Mapping[str, Any],
    work: Work,
    on_done: OnDone | None,
    batch: int | None = None,
) -> Outcome:
    """Carry the work out batch by batch; `settings` are all that the outcome depends on beside the config.

    `batch`: items in one, unless `[walk]` says how many.
    """
    named = {
        "method": method,
        "settings": dict(settings),
        "index": workspace.index.version(),
        "templates": {name: workspace.prompts.hash(name) for name in workspace.prompts.names()},
        "version": version.VERSION,
        **workspace.config.deciding(),
    }
    size = workspace.config.walk.batch or batch or ENCODER_BATCH
    graph: Any = Labelling(workspace, work)
    made = Classification(workspace.runs, workspace.decisions, workspace.items, graph, named, size, KIND)
    return await outcome(made, items, on_done)


async def outcome(classification: Classification, items: Sequence[Item], on_done: OnDone | None) -> Outcome:
    """Gather what a classification gives, with what it cost."""
    ids = [item.id for item in items]
    before = classification.totals(ids)
    results = [result async for result in classification.results(items, on_done)]
    totals = classification.totals(ids)
    return Outcome(
        {result.item_id: tuple(label.label_id for label in result.labels) for result in results},
        totals,
        totals.requests - totals.cached - (before.requests - before.cached),
        sum(bool(result.error) for result in results),
        {result.item_id: result.labels[0].score for result in results if result.labels},
    )
