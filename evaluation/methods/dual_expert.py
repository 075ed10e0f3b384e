"""The methods `expert` (the domain expert alone), `dual` (routed by threshold) and `general` (all to the LLM)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, run_method
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.expert.categorize import GENERAL, Categorization, prepare_categorization
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.workspace import Workspace

BATCH = 1024
"""Items per batch."""


async def expert(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank categories by the trained domain expert. Option: `expert` (its number; default: the newest)."""
    experts = Experts(workspace)
    card = experts.card(settings.own_number("expert", 0) or None)
    opened: list[DomainExpert] = []

    async def recommend(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        if not opened:
            opened.append(DomainExpert(experts.classifier(card.number), settings.depth))
        found = await opened[0].recommend(batch)
        ranked: dict[ItemId, Ranking] = {
            each.item_id: list(zip(each.labels, each.probabilities, strict=True)) for each, _ in found
        }
        return ranked, [decision for _, decision in found]

    used = {"depth": settings.depth, "expert": card.number, "made": card.made}
    return await run_method(workspace, items, "expert", used, recommend, BATCH)


async def dual(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Categorize as `categorize` does: below the threshold the general expert decides.

    Options: `expert` and all settings of `[categorize]`. An item has no prediction if an expert found that no
    category fits, or could not decide.
    """
    return await run_categorize(workspace, items, settings, everything=False)


async def general(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the general expert decide every item, among the domain expert's candidates."""
    return await run_categorize(workspace, items, settings, everything=True)


async def run_categorize(
    workspace: Workspace,
    items: Sequence[Item],
    settings: MethodSettings,
    *,
    everything: bool,
) -> Outcome:
    """Categorize items and collect predictions and cost."""
    own: dict[str, Any] = {key: value for key, value in settings.own.items() if key != "expert"}
    number = settings.own_number("expert", 0) or None
    made = prepare_categorization(workspace, expert=number, everything=everything, **own)
    ids = [item.id for item in items]
    before = count_requests(made, ids)
    found = [result async for _, (result, _said) in made.results(items)]
    sent = [each.item_id for each in found if was_sent(each)]
    verdicts: Counter[str] = Counter(each.verdict for each in found)
    return Outcome(
        {each.item_id: ranking_of(each)[: settings.depth] for each in found},
        cost_of(made, ids, sent),
        count_requests(made, ids) - before,
        frozenset(each.item_id for each in found if each.verdict == "failed"),
        verdicts=dict(verdicts),
    )


def was_sent(found: Categorized) -> bool:
    """Whether the general expert was asked about an item."""
    return found.verdict not in ("domain", "blank") and bool(found.recommended.labels)


def ranking_of(found: Categorized) -> tuple[LabelId, ...]:
    """Return an item's category, then the general expert's ranking, then the other candidates.

    Empty for an item without a category.
    """
    if found.label_id is None:
        return ()
    return tuple(dict.fromkeys([found.label_id, *found.ranking, *found.recommended.labels]))


def count_requests(made: Categorization, items: Sequence[ItemId]) -> int:
    """Count the requests sent to the general expert's model for the items, in all calls."""
    run = made.run.known
    if run is None:
        return 0
    totals = made.workspace.decisions.totals(run.id, items, agent=GENERAL)
    return totals.requests - totals.cached


def cost_of(made: Categorization, items: Sequence[ItemId], sent: Sequence[ItemId]) -> Totals:
    """Return the general expert's cost for the items sent to it; the seconds are those of both experts."""
    run = made.run.known
    if run is None:
        return Totals()
    decisions = made.workspace.decisions
    asked = decisions.totals(run.id, sent, agent=GENERAL)
    every = decisions.totals(run.id, items).seconds - decisions.totals(run.id, items, agent=GENERAL).seconds
    return replace(asked, seconds=asked.seconds + every)
