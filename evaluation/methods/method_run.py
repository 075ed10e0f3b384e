"""Run a method as a resumable run: results are stored, and an equal call computes nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from taxonaut.evaluation.methods.method import Outcome
from taxonaut.prompts.variables import FOR_DEMONSTRATIONS, FOR_DISTRIBUTIONS, FOR_LEARNING
from taxonaut.state import version
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, ItemResult, Prediction
from taxonaut.workspace.core.core import ENCODER_BATCH
from taxonaut.workspace.core.resumable import EMPTY_TEXT, Resumable
from taxonaut.workspace.walk.classification import Classification
from taxonaut.workspace.workspace import Workspace

KIND = "evaluate"

Ranking = Sequence[tuple[LabelId, float]]
"""Labels with their scores, best first."""

Rank = Callable[[Sequence[Item]], Awaitable[tuple[Mapping[ItemId, Ranking], Sequence[Decision]]]]
"""Ranks labels for a batch of items; an item missing from the mapping has no labels."""


async def run_method(
    workspace: Workspace,
    items: Sequence[Item],
    method: str,
    settings: Mapping[str, Any],
    rank: Rank,
    batch: int | None = None,
) -> Outcome:
    """Rank labels for all items with `rank`, as a run.

    `settings` are part of the run's fingerprint: everything the outcome depends on besides the config. `batch`
    is the default batch size, if `[walk]` has none.
    """
    unread = FOR_LEARNING | FOR_DISTRIBUTIONS
    if not workspace.config.learning.demonstrations:
        unread |= FOR_DEMONSTRATIONS
    named = {
        "method": method,
        "settings": dict(settings),
        "index": workspace.index.version(),
        "templates": {
            name: workspace.prompts.hash(name) for name in workspace.prompts.names() if name not in unread
        },
        "version": version.VERSION,
        **workspace.config.answer_settings(),
        **workspace.learned_identity,
    }

    async def label(items: Sequence[Item]) -> Mapping[str, Any]:
        rankings, decisions = await rank(items)
        errors = {each.item_id: each.error for each in reversed(decisions) if each.error}
        results = {
            item.id: ItemResult(
                item.id, make_predictions(workspace, rankings.get(item.id, ())), errors.get(item.id, "")
            )
            for item in items
        }
        return {"results": results, "decisions": decisions}

    size = workspace.config.walk.batch or batch or ENCODER_BATCH
    run = Resumable(workspace.runs, KIND, named)
    made = Classification(
        run,
        workspace.decisions,
        workspace.items,
        label,
        size,
        limits=workspace.text_limits,
        languages=workspace.wiring.languages,
    )
    return await collect_outcome(made, items)


def make_predictions(workspace: Workspace, ranking: Ranking) -> tuple[Prediction, ...]:
    """Return a ranking as predictions; their path is the label's name alone."""
    labels = workspace.index.labels([label for label, _ in ranking])
    return tuple(
        Prediction(label.id, label.name, (label.name,), round(float(score), 4), origin="dense")
        for label, (_, score) in zip(labels, ranking, strict=True)
    )


async def collect_outcome(classification: Classification, items: Sequence[Item]) -> Outcome:
    """Run a classification and collect its predictions and cost."""
    ids = [item.id for item in items]
    before = classification.totals(ids)
    results = [result async for _, result in classification.results(items)]
    totals = classification.totals(ids)
    return Outcome(
        {result.item_id: tuple(label.label_id for label in result.labels) for result in results},
        totals,
        totals.requests - totals.cached - (before.requests - before.cached),
        frozenset(result.item_id for result in results if result.error not in ("", EMPTY_TEXT)),
        {result.item_id: result.labels[0].score for result in results if result.labels},
    )
