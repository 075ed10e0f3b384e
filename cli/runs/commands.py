"""`taxonaut runs list` and `show`: runs, their decisions, and every prompt and reply."""

from __future__ import annotations

import json as json_format
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled

if TYPE_CHECKING:
    from taxonaut.state.records import Transcript
    from taxonaut.state.stores.transcripts import RecordedDecision
    from taxonaut.workspace.run_records import RunRecord

MOST = 200


@command("list", example="taxonaut runs list\ntaxonaut runs list --kind classify --json")
def list_runs(
    session: Session,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Only runs of one kind, such as classify.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List runs, the latest first: what was worked on, how it ended, what it cost.

    Requests are those that were sent to language models; decisions that compare vectors are comparisons. The cost is
    in US dollars, by the price list in LiteLLM's package, and empty if that lacks one of the models.
    """
    with session.open() as workspace:
        records = workspace.list_runs(kind)
    if json:
        print_json([run_row(record) for record in records])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("run", "kind", "status", "started", "units", "requests", "comparisons", "tokens", "cost"):
        table.add_column(header, justify="left" if header in ("kind", "status", "started") else "right")
    for record in records:
        run, tokens = record.run, record.prompt_tokens + record.completion_tokens
        numbers = (f"{run.units:,}", f"{record.requests:,}", f"{record.comparisons:,}", f"{tokens:,}")
        cells = (str(run.id), run.kind, run.status, run.started, *numbers, cost_text(record.cost))
        table.add_row(*map(styled, cells))
    out().print(table if records else styled("no runs yet", "dim"))


@command(
    "show",
    example="taxonaut runs show 3\ntaxonaut runs show 3 --item 17 --prompt",
)
def show_run(
    session: Session,
    run: Annotated[int, typer.Argument(metavar="RUN", help="Number of a run (runs list).")],
    item: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only the decisions about one item.", show_default=False),
    ] = None,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print what language models were sent and what they replied.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most N decisions.")] = MOST,
    json: JsonOption = False,
) -> None:
    """Show the decisions of a run; with --prompt, each prompt as it was sent and each reply as it came.

    Texts are kept unless taxonaut.toml says `texts = false` under [records]. A decision that was answered from the
    cache shows the prompt that the kept reply answers.
    """
    with session.open() as workspace:
        decisions = workspace.run_decisions(run, item, most=limit + 1)
        record = workspace.get_run(run)
    shown = decisions[:limit]
    if json:
        rows = [decision_row(each, prompt=prompt) for each in shown]
        print_json({**run_row(record), "decisions": rows, "more": len(decisions) > limit})
        return
    console = out()
    console.print(styled(run_line(record), "bold"))
    for number, decision in enumerate(shown, 1):
        console.print(styled(decision_line(number, decision)), soft_wrap=True)
        if prompt:
            print_transcript(decision.transcript)
    if len(decisions) > limit:
        console.print(styled(f"only the first {limit:,} decisions; show more with --limit N", "dim"))


def print_transcript(transcript: Transcript | None) -> None:
    """Print what was sent and what came back, line by line as it is, but for characters that steer terminals."""
    console = out()
    if transcript is None:
        console.print(styled("    no prompt is kept of this decision", "dim"))
        return
    for message in transcript.messages:
        print_message("sent", message)
    for tool in transcript.tools:
        console.print(styled("--- tool", "dim"))
        console.print(styled(json_format.dumps(tool, ensure_ascii=False)), soft_wrap=True)
    for message in transcript.replies:
        print_message("reply", message)
    if not transcript.replies:
        console.print(styled("--- no reply", "dim"))


def print_message(what: str, message: Mapping[str, Any]) -> None:
    """Print one message."""
    console = out()
    console.print(styled(f"--- {what}: {message.get('role', '')}", "dim"))
    if content := message.get("content"):
        for line in str(content).split("\n"):
            console.print(styled(line), soft_wrap=True)
    for call in message.get("tool_calls") or ():
        function = call["function"]
        console.print(styled(f"{function['name']}({function['arguments']})"), soft_wrap=True)


def run_line(record: RunRecord) -> str:
    """Describe a run in a line."""
    run = record.run
    cost = f", {cost_text(record.cost)}" if record.cost else ""
    return (
        f"run {run.id}: {run.kind}, {run.status}, started {run.started}, {run.units:,} units, "
        f"{record.requests:,} requests{cost}, {record.comparisons:,} comparisons"
    )


def decision_line(number: int, decision: RecordedDecision) -> str:
    """Describe a decision in a line."""
    node = f" at node {decision.node_id}" if decision.node_id is not None else ""
    tokens = f", {decision.prompt_tokens:,} + {decision.completion_tokens:,} tokens"
    how = ", from the cache" if decision.cached else f", {decision.latency_s:,.2f} s"
    failed = f", failed: {decision.error}" if decision.error else ""
    asked = tokens if decision.prompt_tokens else ""
    return (
        f"{number}. {decision.item_id}: {decision.agent} called {decision.tool}{node} "
        f"({decision.model}{asked}{how}{failed})"
    )


def cost_text(cost: float | None) -> str:
    """Write money in US dollars; empty if unknown."""
    return "" if cost is None else f"${cost:,.4f}" if cost else "$0"


def run_row(record: RunRecord) -> dict[str, Any]:
    """Return a run as JSON has it."""
    run = asdict(record.run)
    return {**run, **{name: value for name, value in asdict(record).items() if name != "run"}}


def decision_row(decision: RecordedDecision, *, prompt: bool) -> dict[str, Any]:
    """Return a decision as JSON has it; with `prompt`, what was sent and replied too."""
    row = asdict(decision)
    if not prompt:
        del row["transcript"]
    return row
