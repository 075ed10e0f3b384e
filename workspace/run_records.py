"""The runs of a workspace with what they cost, and every decision with the prompt and the reply behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.models.llm.prices import FREE, Prices, listed_prices
from taxonaut.models.settings import IN_PROCESS
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId
from taxonaut.state.stores.decisions import Decisions, ModelTokens
from taxonaut.state.stores.runs import Run, Runs
from taxonaut.state.stores.transcripts import RecordedDecision


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with what it took in all its calls.

    `requests` were sent to language models, without those that were answered from the cache; `cost` is their price in
    US dollars by LiteLLM's list, None if it lacks one of the models. `comparisons` are decisions without a language
    model.
    """

    run: Run
    requests: int
    comparisons: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    models: tuple[str, ...]


def list_runs(runs: Runs, decisions: Decisions, kind: str | None = None) -> list[RunRecord]:
    """Return the runs, the latest first, optionally of one kind."""
    tokens = decisions.by_model()
    return [run_record(run, tokens.get(run.id, ())) for run in runs.list(kind)]


def get_run(runs: Runs, number: int) -> Run:
    """Return a run. Raises NotFoundError."""
    for run in runs.list():
        if run.id == number:
            return run
    raise NotFoundError(f"no run {number}; list them with: taxonaut runs list")


def recorded_decisions(
    runs: Runs, decisions: Decisions, run: int, item: str | None = None, most: int | None = None
) -> list[RecordedDecision]:
    """Return the first `most` decisions of a run, or of one of its items, in their order; None: all.

    Raises NotFoundError if there is no such run, or nothing was decided about the item in it.
    """
    known = get_run(runs, run)
    found = decisions.transcripts.of_run(known.id, None if item is None else ItemId(item), most)
    if item is not None and not found:
        raise NotFoundError(f"run {run} has no decision about the item {item!r}")
    return found


def run_record(run: Run, tokens: Sequence[ModelTokens]) -> RunRecord:
    """Add up what the models of a run took."""
    costs = [cost_of(each) for each in tokens if each.requests]
    known = [cost for cost in costs if cost is not None]
    return RunRecord(
        run,
        sum(each.requests for each in tokens),
        sum(each.comparisons for each in tokens),
        sum(each.prompt_tokens for each in tokens),
        sum(each.completion_tokens for each in tokens),
        sum(known) if len(known) == len(costs) else None,
        tuple(each.model for each in tokens),
    )


def cost_of(tokens: ModelTokens) -> float | None:
    """Return what a model's tokens cost; None if the list lacks it."""
    prices = prices_by_name(tokens.model)
    if prices is None:
        return None
    return prices.cost(tokens.prompt_tokens, tokens.completion_tokens, tokens.reused_tokens)


def prices_by_name(model: str) -> Prices | None:
    """Return the prices of a model as decisions name it."""
    return FREE if model.partition("/")[0] in IN_PROCESS else listed_prices(model)


def by_item(decisions: Sequence[RecordedDecision]) -> Mapping[ItemId, list[RecordedDecision]]:
    """Group decisions by item, in the order of the first one of each."""
    found: dict[ItemId, list[RecordedDecision]] = {}
    for each in decisions:
        found.setdefault(each.item_id, []).append(each)
    return found
