"""A trial on a screen: both versions side by side, what the difference means, and the decisions that changed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from taxonaut.cli.terminal import clipped, counted, printable, styled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from taxonaut.evaluation.intervals import Interval
    from taxonaut.evaluation.trial import Side, TrialReport
    from taxonaut.evaluation.trial_changes import Change, Chosen

LONGEST_TEXT = 100
MOST_OPTIONS = 4
"""Chosen options of a decision that are shown."""

EFFECTS = {"lost": "red", "gained": "green", "neither": "dim"}
NAMES = {"packaged": "packaged", "workspace": "your copy", "kept": "kept"}


def print_trial(console: "Console", report: "TrialReport", limit: int) -> None:
    """Print a trial."""
    gold = f", {report.with_gold:,} with right labels" if report.with_gold else ", none with right labels"
    console.print(styled(report.template, "bold"), styled(f"on {counted(report.items, 'item')}{gold}"))
    console.print(table(report))
    for line, style in verdict(report):
        console.print(styled(line, style))
    for change in report.changes[:limit]:
        console.print()
        print_change(console, change)
    hidden = len(report.changes) - limit
    if hidden > 0:
        console.print()
        console.print(styled(f"… {hidden:,} more; --limit-changes N shows more, -o FILE writes all", "dim"))


def table(report: "TrialReport") -> "Table":
    """Return both versions side by side: quality, then cost."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for side in (report.before, report.after):
        shown.add_column(styled(f"{NAMES[side.origin]} {side.hash}"), justify="right")
    shown.add_column("difference" if report.differences else "", justify="right")
    for name in report.before.quality:
        cells = [percent(side.quality[name]) for side in (report.before, report.after)]
        shown.add_row(name, *cells, gap(report.differences[name]))
    for name, dim, values in figures(report.before, report.after):
        style = "dim" if dim else ""
        shown.add_row(styled(name, style), *(styled(f"{value:,}", style) for value in values), "")
    seconds = [styled(f"{side.cost.seconds:,.1f}", "dim") for side in (report.before, report.after)]
    shown.add_row(styled("seconds", "dim"), *seconds, "")
    return shown


def figures(before: "Side", after: "Side") -> "Iterator[tuple[str, bool, tuple[int, int]]]":
    """Give the rows that are whole numbers: the name, whether it is secondary, both values."""
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


def percent(bounds: "Interval") -> "Text":
    """Write a measure with half of its interval."""
    return styled(f"{100 * bounds.value:.1f} ±{50 * (bounds.high - bounds.low):.1f}")


def gap(bounds: "Interval") -> "Text":
    """Write a difference with its interval, in colour where the interval leaves 0 out."""
    style = "green" if bounds.low > 0 else "red" if bounds.high < 0 else ""
    low, high = 100 * bounds.low, 100 * bounds.high
    return styled(f"{100 * bounds.value:+.1f} ({low:+.1f} to {high:+.1f})", style)


def verdict(report: "TrialReport") -> "Iterator[tuple[str, str]]":
    """Give the lines that say what came out, each with its style."""
    if report.first is not None:
        yield f"first label: {report.first.words}", "bold"
    else:
        yield "no item has right labels: changes, abstentions and cost only", "yellow"
    if not report.compared:
        yield f"nothing read {report.template}: no item came to it", "yellow"
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
    said = f"{changed:,} chose otherwise"
    if report.with_gold and changed:
        lost, gained = effects.count("lost"), effects.count("gained")
        said += f": {lost:,} worse for a right label, {gained:,} better, {changed - lost - gained:,} neither"
    yield said, ""


def print_change(console: "Console", change: "Change") -> None:
    """Print one decision: where, on which text, what was chosen before and what after."""
    from rich.text import Text

    head = Text()
    head.append(worth(change), EFFECTS[change.effect] + " bold" if change.effect != "neither" else "dim")
    where = " > ".join(clipped(printable(step), 60) for step in change.path)
    place = "ranking" if change.node is None else where or "top of the tree"
    head.append(f"  {clipped(printable(change.item), 60)}", "bold")
    head.append(f"  {place}", "dim")
    console.print(head)
    console.print(styled(f"  {clipped(printable(change.text), LONGEST_TEXT)}"))
    console.print(styled("  - ", "red") + options(change.before))
    console.print(styled("  + ", "green") + options(change.after))
    if change.right:
        console.print(styled("  right: " + "; ".join(clipped(name, 60) for name in change.right), "dim"))
    if change.before.first != change.after.first:
        first = f"{change.before.first or 'none'} → {change.after.first or 'none'}"
        turned = change.after.first_right - change.before.first_right
        said = {-1: " (right before)", 0: "", 1: " (right now)"}[turned]
        style = {-1: "red", 0: "dim", 1: "green"}[turned]
        console.print(styled(f"  first label of the item: {first}{said}", style))


def worth(change: "Change") -> str:
    """Say what a change did to right labels."""
    if change.effect == "neither":
        return "reordered" if change.reordered else "other"
    return f"{'worse' if change.effect == 'lost' else 'better'} {change.worth:+.2f}"


def options(chosen: "Chosen") -> "Text":
    """Write what was chosen, best first."""
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


def rows(changes: "Sequence[Change]") -> list[dict[str, object]]:
    """Return changes as JSON has them."""
    return [change.row() for change in changes]
