"""The trained domain expert alone, with the general expert behind it, and the general expert on all it recommends."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, labelled
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.expert.categorize import GENERAL, Categorizing, categorizing
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.workspace import Workspace

BATCH = 1024
"""Items classified together."""


async def expert(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the trained domain expert rank its categories; `expert=N` may follow the name, else it is the newest."""
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

    told = {"depth": settings.depth, "expert": card.number, "made": card.made}
    return await labelled(workspace, items, "expert", told, recommend, BATCH)


async def dual(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Categorize as `categorize` does: below the threshold the general expert decides.

    Settings of `[categorize]` and `expert=N` may follow the name. Where an expert found that none of the
    categories fits, or could not decide, the item has no prediction.
    """
    return await routed(workspace, items, settings, everything=False)


async def general(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the general expert decide every item, over what the domain expert recommends."""
    return await routed(workspace, items, settings, everything=True)


async def routed(
    workspace: Workspace,
    items: Sequence[Item],
    settings: MethodSettings,
    *,
    everything: bool,
) -> Outcome:
    """Categorize items and gather what came of them."""
    own: dict[str, Any] = {key: value for key, value in settings.own.items() if key != "expert"}
    number = settings.own_number("expert", 0) or None
    made = categorizing(workspace, expert=number, everything=everything, **own)
    ids = [item.id for item in items]
    before = requests(made, ids)
    found = [result async for _, (result, _said) in made.results(items)]
    sent = [each.item_id for each in found if was_sent(each)]
    verdicts: Counter[str] = Counter(each.verdict for each in found)
    return Outcome(
        {each.item_id: ranking(each)[: settings.depth] for each in found},
        cost(made, ids, sent),
        requests(made, ids) - before,
        verdicts["failed"],
        verdicts=dict(verdicts),
    )


def was_sent(found: Categorized) -> bool:
    """Say whether the general expert was asked about an item."""
    return found.verdict not in ("domain", "blank") and bool(found.recommended.labels)


def ranking(found: Categorized) -> tuple[LabelId, ...]:
    """Return an item's category before the general expert's further order and what else was recommended.

    Empty where nobody gave it a category.
    """
    if found.label is None:
        return ()
    return tuple(dict.fromkeys([found.label, *found.ranking, *found.recommended.labels]))


def requests(made: Categorizing, items: Sequence[ItemId]) -> int:
    """Count the requests that went to the general expert's model about some items, in all calls."""
    run = made.run.known
    if run is None:
        return 0
    totals = made.workspace.decisions.totals(run.id, items, agent=GENERAL)
    return totals.requests - totals.cached


def cost(made: Categorizing, items: Sequence[ItemId], sent: Sequence[ItemId]) -> Totals:
    """Return what the general expert cost on the items that are its own under this threshold.

    The seconds are both experts'.
    """
    run = made.run.known
    if run is None:
        return Totals()
    decisions = made.workspace.decisions
    asked = decisions.totals(run.id, sent, agent=GENERAL)
    every = decisions.totals(run.id, items).seconds - decisions.totals(run.id, items, agent=GENERAL).seconds
    return replace(asked, seconds=asked.seconds + every)
