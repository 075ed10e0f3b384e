"""The tool `cost`: requests, tokens and seconds of a run, a conversation or a period."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.periods import read_period, utc_now
from taxonaut.conversation.tools.toolkit import Arguments, ToolContext, build_tool
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import RunId
from taxonaut.state.stores.decisions import Totals
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool

LAST = frozenset({"", "last", "that", "it", "this", "the last run", "last run", "just now"})
THREAD = frozenset({"thread", "conversation", "this conversation", "chat", "session", "so far", "in total"})


def tools(context: ToolContext) -> list[Tool]:
    """Return the tool `cost`."""
    return [cost_tool(context)]


def cost_tool(context: ToolContext) -> Tool:
    """Return the tool `cost`."""

    async def run(arguments: Arguments) -> Outcome:
        said = " ".join(str(arguments.get("period", "")).casefold().split())
        runs: list[RunId] = []
        if said in LAST and arguments.get("run") is None and context.last_call is not None:
            what, whole = f"that ({context.last_call[0]})", context.last_call[1]
        else:
            what, runs = select_runs(context, said, arguments.get("run"))
            whole = sum_totals([context.workspace.decisions.totals(run) for run in runs])
        asked = whole.requests - whole.cached
        text = render_answer("cost", what=what, totals=whole, asked=asked)
        line = (
            f"{what}: {asked:,} requests, {whole.prompt_tokens:,} tokens read"
            if asked
            else f"{what}: {whole.comparisons:,} comparisons"
            if whole.comparisons
            else f"{what}: nothing"
        )
        data: dict[str, Any] = {"what": what, "runs": list(map(int, runs)), "asked": asked, **asdict(whole)}
        return Outcome(text, one_line(line), data, Focus(run=runs[0] if len(runs) == 1 else None))

    return build_tool(
        "cost",
        "Say what was asked of models and what it cost: the last run, the thread, or a time such as today.",
        {
            "period": {
                "type": "string",
                "description": "last (the latest run), thread (this conversation), today, last week, all, …",
            },
            "run": {"type": "integer", "minimum": 1, "description": "The number of a run."},
        },
        (),
        run,
        ("cost", "[last | thread | today | PERIOD]"),
        lambda words: {"period": words.strip()} if words.strip() else {},
        {"period": Slot("period", "The cost of what time?", required=False)},
    )


def select_runs(context: ToolContext, said: str, run: object) -> tuple[str, list[RunId]]:
    """Return the description of what was asked for, and its runs."""
    known = context.workspace.runs.list()
    if run is not None:
        found = [each.id for each in known if each.id == run]
        if not found:
            raise NotFoundError(f"there is no run {run!r}; leave it out for the latest")
        return f"run {run}", found
    if said in THREAD:
        there = {each.id for each in known}
        return "this conversation", [each for each in context.runs if each in there]
    if said not in LAST:
        period = read_period(said, utc_now())
        return period.said, [each.id for each in known if period.overlaps(each.started, each.ended)]
    ids = [each.id for each in known]
    latest = next((each for each in ids if each == context.focus.run), None)
    return "the last run", [latest] if latest is not None else ids[:1]


def sum_totals(totals: Sequence[Totals]) -> Totals:
    """Sum the totals of runs."""
    return Totals(*(sum(getattr(each, field.name) for each in totals) for field in fields(Totals)))
