"""`taxonaut prompts try`: compare two versions of a template on the same items."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from taxonaut import evaluation
from taxonaut.cli.prompts.check import watch_folder
from taxonaut.cli.prompts.show import NameArgument
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileOptions, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, print_json, printable, styled
from taxonaut.workspace.files.output_files import write_atomically

if TYPE_CHECKING:
    from taxonaut.evaluation.trials.changed_decisions import Change, Chosen
    from taxonaut.evaluation.trials.trial import Side, TrialReport
    from taxonaut.workspace.core.intervals import Interval
    from taxonaut.workspace.files.item_files import ItemRow

LONGEST_TEXT = 100
MOST_OPTIONS = 4
"""Chosen options of a decision that are printed."""

EFFECTS = {"lost": "red", "gained": "green", "neither": "dim"}
NAMES = {
    "packaged": "packaged",
    "workspace": "your copy",
    "kept": "kept",
    "in use": "in use",
    "proposed": "proposed",
}


def print_trial(console: Console, report: TrialReport, limit: int) -> None:
    """Print both versions, the comparison, and the first changed decisions."""
    gold = f", {report.with_gold:,} with right labels" if report.with_gold else ", none with right labels"
    console.print(styled(report.template, "bold"), styled(f"on {counted(report.items, 'item')}{gold}"))
    console.print(table(report))
    for line, style in comparison_lines(report):
        console.print(styled(line, style))
    for change in report.changes[:limit]:
        console.print()
        print_change(console, change)
    hidden = len(report.changes) - limit
    if hidden > 0:
        console.print()
        console.print(styled(f"… {hidden:,} more; --limit-changes N shows more, -o FILE writes all", "dim"))


def table(report: TrialReport) -> Table:
    """Return both versions in columns: quality, then cost."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for side in (report.before, report.after):
        shown.add_column(styled(f"{NAMES[side.origin]} {side.hash}"), justify="right")
    shown.add_column("difference" if report.differences else "", justify="right")
    for name in report.before.quality:
        cells = [format_measure(side.quality[name]) for side in (report.before, report.after)]
        shown.add_row(name, *cells, format_difference(report.differences[name]))
    for name, dim, values in count_rows(report.before, report.after):
        style = "dim" if dim else ""
        shown.add_row(styled(name, style), *(styled(f"{value:,}", style) for value in values), "")
    seconds = [styled(f"{side.cost.seconds:,.1f}", "dim") for side in (report.before, report.after)]
    shown.add_row(styled("seconds", "dim"), *seconds, "")
    return shown


def count_rows(before: Side, after: Side) -> Iterator[tuple[str, bool, tuple[int, int]]]:
    """Give the rows of counts: the name, whether it is secondary, both values."""
    yield "items without a label", False, (before.without_label, after.without_label)
    yield "decisions", True, (before.decisions, after.decisions)
    yield "  chose nothing", False, (before.abstained, after.abstained)
    if before.failed or after.failed:
        yield "  failed", False, (before.failed, after.failed)
    costs = before.cost, after.cost
    yield "requests to models", True, (costs[0].requests, costs[1].requests)
    yield "  asked now", False, (costs[0].asked, costs[1].asked)
    yield "  from the cache", True, (costs[0].cached, costs[1].cached)
    if any(each.kept for each in costs):
        yield "  kept from before", True, (costs[0].kept, costs[1].kept)
    yield "tokens read", True, (costs[0].prompt_tokens, costs[1].prompt_tokens)
    yield "  reused", True, (costs[0].reused_tokens, costs[1].reused_tokens)
    yield "tokens written", True, (costs[0].completion_tokens, costs[1].completion_tokens)


def format_measure(bounds: Interval) -> Text:
    """Return a measure in percent, plus or minus half of its interval."""
    return styled(f"{100 * bounds.value:.1f} ±{50 * (bounds.high - bounds.low):.1f}")


def format_difference(bounds: Interval) -> Text:
    """Return a difference with its interval, in colour if the interval excludes 0."""
    style = "green" if bounds.low > 0 else "red" if bounds.high < 0 else ""
    low, high = 100 * bounds.low, 100 * bounds.high
    return styled(f"{100 * bounds.value:+.1f} ({low:+.1f} to {high:+.1f})", style)


def comparison_lines(report: TrialReport) -> Iterator[tuple[str, str]]:
    """Give the lines that summarize the comparison, each with its style."""
    if report.first is not None:
        yield f"first label: {report.first.words}", "bold"
    else:
        yield "no item has right labels: only changes, abstentions and cost are compared", "yellow"
    if not report.compared:
        yield f"no decision used {report.template}", "yellow"
        return
    if report.renders_the_same:
        asked = report.after.cost.asked
        said = (
            "nothing was asked" if not asked else f"{counted(asked, 'request')} failed before or was not kept"
        )
        yield f"renders the same on all {counted(report.compared, 'decision')}: {said}", ""
        return
    other = report.compared - report.alike
    yield f"{other:,} of {counted(report.compared, 'decision')} that both made had another prompt", ""
    changed = len(report.changes)
    effects = [change.effect for change in report.changes]
    said = f"{changed:,} changed"
    if report.with_gold and changed:
        lost, gained = effects.count("lost"), effects.count("gained")
        said += f": {lost:,} worse for a right label, {gained:,} better, {changed - lost - gained:,} neither"
    yield said, ""


def print_change(console: Console, change: Change) -> None:
    """Print one changed decision: item, node, text, the choice before and after."""
    head = Text()
    head.append(
        describe_effect(change), EFFECTS[change.effect] + " bold" if change.effect != "neither" else "dim"
    )
    where = " > ".join(clipped(printable(step), 60) for step in change.path)
    place = "ranking" if change.node_id is None else where or "top of the tree"
    head.append(f"  {clipped(printable(change.item_id), 60)}", "bold")
    head.append(f"  {place}", "dim")
    console.print(head)
    console.print(styled(f"  {clipped(printable(change.text), LONGEST_TEXT)}"))
    console.print(styled("  - ", "red") + format_choice(change.before))
    console.print(styled("  + ", "green") + format_choice(change.after))
    if change.right:
        console.print(styled("  right: " + "; ".join(clipped(name, 60) for name in change.right), "dim"))
    if change.before.first != change.after.first:
        first = f"{change.before.first or 'none'} → {change.after.first or 'none'}"
        turned = change.after.first_right - change.before.first_right
        said = {-1: " (right before)", 0: "", 1: " (right now)"}[turned]
        style = {-1: "red", 0: "dim", 1: "green"}[turned]
        console.print(styled(f"  first label of the item: {first}{said}", style))


def describe_effect(change: Change) -> str:
    """Say whether a change is worse or better for right labels, and by how much."""
    if change.effect == "neither":
        return "reordered" if change.reordered else "other"
    return f"{'worse' if change.effect == 'lost' else 'better'} {change.worth:+.2f}"


def format_choice(chosen: Chosen) -> Text:
    """Return the chosen options, best first."""
    if chosen.error:
        return styled(f"failed: {clipped(chosen.error, LONGEST_TEXT)}", "red")
    if not chosen.options:
        return styled("nothing", "dim")
    named = [
        clipped(printable(option.name), 60) + (f" {option.score:.2f}" if option.score is not None else "")
        for option in chosen.options[:MOST_OPTIONS]
    ]
    text = styled("; ".join(named))
    more = len(chosen.options) - MOST_OPTIONS
    if more > 0:
        text.append(f"; … {more:,} more", "dim")
    if chosen.reason:
        text.append(f"  “{clipped(printable(chosen.reason), LONGEST_TEXT)}”", "dim")
    return text


EXAMPLES = """\
taxonaut prompts try navigator/expand --on dev.jsonl --limit 100
taxonaut prompts try navigator/expand --on dev.jsonl --limit 100 --watch
taxonaut prompts try general_expert/rank --on dev.jsonl --against 4f2c9a -o changed.jsonl"""


@command("try", example=EXAMPLES, asks_models=True)
def try_template(
    session: Session,
    name: NameArgument,
    on: Annotated[
        str, typer.Option("--on", metavar="ITEMS", help="A file of items, with their right labels if known.")
    ],
    against: Annotated[
        str,
        typer.Option(metavar="HASH", help="The version to compare with: packaged, or a hash of prompts log."),
    ] = "packaged",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Use only the first N items.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Seed of the order of options, for both versions. Default: as in taxonaut.toml.",
            show_default=False,
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Templates of categorize: send all items to the general expert.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = False,
    limit_changes: Annotated[
        int, typer.Option(min=0, metavar="N", help="Print at most N changed decisions.")
    ] = 10,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write all changed decisions to this .jsonl file.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again each time a template is saved, until Ctrl-C.")
    ] = False,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Compare two versions of a template on the same items: quality, cost, and each changed decision.

    The effective template is compared with the packaged one, or with any version that ran here. Only prompts that
    differ are sent to the model; all others come from the cache. Differences have a 95 % bootstrap interval over the
    items, and the first label McNemar's exact test. Interrupted, the same command continues.
    """
    rows = layout.read(on)[:limit]

    def once() -> None:
        report = run_trial(session, name, rows, against, seed, everything=everything, json=json)
        if output is not None:
            write_changes(output, report.changes)
        print_report(session, report, limit_changes, output, json=json)

    if watch:
        watch_folder(session, once)
    else:
        once()


def run_trial(
    session: Session,
    name: str,
    rows: list[ItemRow],
    against: str,
    seed: int | None,
    *,
    everything: bool,
    json: bool,
) -> TrialReport:
    """Run one trial; the workspace is closed afterwards, so that other commands can use it between two."""
    with progress(session, json=json) as bar, session.open() as workspace:
        rows = match_gold(session, workspace.index, rows)
        evaluation.trials.trial_run.find_reader(workspace, name)
        bar.stage("embedding labels")
        if workspace.compares_vectors:
            workspace.embed_labels()
        bar.stage("preparing")
        try:
            return evaluation.trials.trial.try_version(
                workspace,
                name,
                rows,
                against=against,
                seed=seed,
                everything=everything,
            )
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None


def write_changes(path: Path, changes: tuple[Change, ...]) -> None:
    """Write changed decisions as JSON lines."""
    with write_atomically(path) as file:
        for change in changes:
            line = json.dumps(change.row(), ensure_ascii=False) + "\n"
            file.write(line.encode("utf-8", "replace"))


def print_report(
    session: Session, report: TrialReport, limit: int, output: Path | None, *, json: bool
) -> None:
    """Print a trial as a table or as JSON, and where its changes were written."""
    if json:
        print_json(
            {
                **evaluation.trials.trial.summary(report),
                "changes": [change.row() for change in report.changes],
            }
        )
    else:
        print_trial(out(), report, limit)
    if output is not None and str(output) != "-" and not session.quiet:
        say(f"{counted(len(report.changes), 'changed decision')} -> {output}")
