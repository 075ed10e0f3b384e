"""What language models and encoders were asked, and what that cost: of a run, a conversation, a time."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from taxonaut.conversation.answers import answer, folded
from taxonaut.conversation.nlu.periods import read_period, utc_now
from taxonaut.conversation.tools.toolkit import Arguments, Desk, made
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import RunId
from taxonaut.state.stores.decisions import Totals
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool

LAST = frozenset({"", "last", "that", "it", "this", "the last run", "last run", "just now"})
THREAD = frozenset({"thread", "conversation", "this conversation", "chat", "session", "so far", "in total"})


def tools(desk: Desk) -> list[Tool]:
    """Return the tool `cost`."""
    return [cost_tool(desk)]


def cost_tool(desk: Desk) -> Tool:
    """Return the tool `cost`."""

    async def run(arguments: Arguments) -> Outcome:
        said = " ".join(str(arguments.get("period", "")).casefold().split())
        runs: list[RunId] = []
        if said in LAST and arguments.get("run") is None and desk.last is not None:
            what, whole = f"that ({desk.last[0]})", desk.last[1]
        else:
            what, runs = asked_runs(desk, said, arguments.get("run"))
            whole = added([desk.workspace.decisions.totals(run) for run in runs])
        asked = whole.requests - whole.cached
        text = answer("cost", what=what, totals=whole, asked=asked)
        line = (
            f"{what}: {asked:,} requests, {whole.prompt_tokens:,} tokens read"
            if asked
            else f"{what}: nothing"
        )
        data: dict[str, Any] = {"what": what, "runs": list(map(int, runs)), "asked": asked, **asdict(whole)}
        return Outcome(text, folded(line), data, Focus(run=runs[0] if len(runs) == 1 else None))

    return made(
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


def asked_runs(desk: Desk, said: str, run: object) -> tuple[str, list[RunId]]:
    """Return which runs are meant, and what they are called."""
    known = desk.workspace.runs.list()
    if run is not None:
        found = [each.id for each in known if each.id == run]
        if not found:
            raise NotFoundError(f"there is no run {run!r}; leave it out for the latest")
        return f"run {run}", found
    if said in THREAD:
        there = {each.id for each in known}
        return "this conversation", [each for each in desk.runs if each in there]
    if said not in LAST:
        period = read_period(said, utc_now())
        return period.said, [each.id for each in known if period.meets(each.started, each.ended)]
    ids = [each.id for each in known]
    latest = next((each for each in ids if each == desk.focus.run), None)
    return "the last run", [latest] if latest is not None else ids[:1]


def added(totals: Sequence[Totals]) -> Totals:
    """Add up what runs cost."""
    return Totals(*(sum(getattr(each, field.name) for each in totals) for field in fields(Totals)))
