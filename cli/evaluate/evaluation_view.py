"""An evaluation's report on a screen and as JSON: measures with intervals next to cost, a method a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from taxonaut import evaluation
from taxonaut.cli.shared.terminal import styled

if TYPE_CHECKING:
    from taxonaut.evaluation.curves import Point
    from taxonaut.evaluation.harness import MethodReport, Quality, Report
    from taxonaut.evaluation.incremental import IncrementalReport
    from taxonaut.evaluation.measures.intervals import Interval

DASH = "–"
NAMES = {"inc": "Inc", "inc_offered": "Inc, only Y1 on offer", "overall": "Overall"}
NOTE = (
    "P@k divides hits among the first k by k, RP@k by min(k, right labels), R@k by the right labels. "
    "± is half of the 95 % bootstrap interval."
)


def comparison_table(report: Report) -> Table:
    """Return the table: a row for each measure, a column for each method, the best of a row standing out."""
    table = empty_table([method.method for method in report.methods])
    add_quality(table, [method.quality for method in report.methods])
    table.add_section()
    for name, shown in cost_rows(report.methods):
        table.add_row(styled(name, "dim"), *(styled(value, "dim") for value in shown))
    return table


def empty_table(titles: Sequence[str]) -> Table:
    """Return a table without rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in titles:
        table.add_column(styled(title.replace(":", " ")), justify="right")
    return table


def add_quality(table: Table, qualities: Sequence[Quality]) -> None:
    """Add a row for each measure, then the differences from the first method."""
    for name, cells in quality_rows(qualities):
        table.add_row(styled(name), *cells)
    rows = list(gap_rows(qualities))
    if rows:
        table.add_section()
        for name, cells in rows:
            table.add_row(styled(name), *cells)


def quality_rows(qualities: Sequence[Quality]) -> Iterator[tuple[str, list[Text]]]:
    """Give each measure with every method's value and interval."""
    known = next((each for each in qualities if each.scores is not None), None)
    if known is None:
        return
    for name in known.intervals:
        if name != "RP@1":
            yield name, format_with_intervals([each.intervals.get(name) for each in qualities])
    for name, field in (("hP", "precision"), ("hR", "recall"), ("hF", "f")):
        hierarchies = [None if each.scores is None else each.scores.hierarchy for each in qualities]
        yield name, format_scores([None if one is None else getattr(one, field) for one in hierarchies])


def format_with_intervals(values: Sequence[Interval | None]) -> list[Text]:
    """Write scores with half of their intervals, in per cent, the best standing out."""
    cells = format_scores([None if value is None else value.value for value in values])
    for cell, value in zip(cells, values, strict=True):
        if value is not None:
            cell.append(f" ±{50 * (value.high - value.low):.1f}", "dim not bold")
    return cells


def format_scores(values: Sequence[float | None]) -> list[Text]:
    """Write scores in per cent, the best standing out."""
    best = max((value for value in values if value is not None), default=None)
    return [
        styled(DASH if value is None else f"{100 * value:.1f}", "bold green" if value == best else "")
        for value in values
    ]


def gap_rows(qualities: Sequence[Quality]) -> Iterator[tuple[str, list[Text]]]:
    """Give paired differences from the first method; one that the choice of texts does not explain is bold."""
    others = [each.differences for each in qualities if each.differences]
    if not others:
        return
    depth = max((int(name.partition("@")[2]) for name in others[0] if name.startswith("R@")), default=0)
    for name in (f"R@{depth}", f"RP@{depth}"):
        yield f"{name} less the first's", [gap_cells(each.differences.get(name)) for each in qualities]


def gap_cells(gap: Interval | None) -> Text:
    """Write a difference with half of its interval; one that holds no 0 is bold."""
    if gap is None:
        return styled(DASH, "dim")
    sure = gap.low > 0 or gap.high < 0
    cell = styled(f"{100 * gap.value:+.1f}", "bold" if sure else "dim")
    cell.append(f" ±{50 * (gap.high - gap.low):.1f}", "dim not bold")
    return cell


def cost_rows(methods: Sequence[MethodReport]) -> Iterator[tuple[str, list[str]]]:
    """Give what the methods cost, written out."""
    yield "requests", [f"{method.requests:,}" for method in methods]
    yield "asked now", [f"{method.asked:,}" for method in methods]
    if any(method.prompt_tokens for method in methods):
        yield "tokens read", [f"{method.prompt_tokens:,}" for method in methods]
        yield "of them reused", [f"{method.reused_tokens:,}" for method in methods]
        yield "tokens written", [f"{method.completion_tokens:,}" for method in methods]
    yield "seconds", [f"{method.seconds:,.1f}" for method in methods]
    if any(method.failed for method in methods):
        yield "texts failed", [f"{method.failed:,}" for method in methods]


def incremental_tables(report: IncrementalReport) -> Iterator[tuple[str, Table]]:
    """Give the three readings of an incremental evaluation, each a title and a table."""
    titles = [f"{each.method} {each.index}".strip() for each in report.methods]
    for reading, meaning in evaluation.incremental.READINGS.items():
        table = empty_table(titles)
        for name, cells in quality_rows([getattr(each, reading) for each in report.methods]):
            if not name.startswith("h"):
                table.add_row(styled(name), *cells)
        if reading == "overall":
            table.add_section()
            for name, value in (("requests", "requests"), ("asked now", "asked")):
                written = (f"{getattr(each, value):,}" for each in report.methods)
                table.add_row(styled(name, "dim"), *(styled(cell, "dim") for cell in written))
            if any(each.failed for each in report.methods):
                table.add_row(
                    styled("texts failed"), *(styled(f"{each.failed:,}") for each in report.methods)
                )
        yield f"{NAMES[reading]}: {meaning}", table


def curve_table(points: Sequence[Point]) -> Table:
    """Return what a figure shows, as numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("shortlist")
    for title in ("budget", "requests a text", "labels", "recall"):
        table.add_column(title, justify="right")
    for point in points:
        table.add_row(
            styled(point.series),
            f"{point.budget:,}",
            f"{point.requests:,.1f}",
            f"{point.size:,.1f}",
            format_with_intervals([point.recall])[0],
        )
    return table


def report_row(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it."""
    return {
        "items": report.items,
        "with_gold": report.with_gold,
        "left_out": report.left_out,
        "labels": report.labels,
        "conventions": dict(evaluation.measures.comparison.CONVENTIONS),
        "methods": [method_row(method) for method in report.methods],
    }


def method_row(method: MethodReport) -> dict[str, Any]:
    """Return one method's quality and cost as JSON has it."""
    return {
        "method": method.method,
        **quality_row(method.quality),
        "requests": method.requests,
        "asked": method.asked,
        "prompt_tokens": method.prompt_tokens,
        "completion_tokens": method.completion_tokens,
        "reused_tokens": method.reused_tokens,
        "seconds": round(method.seconds, 3),
        "failed": method.failed,
    }


def quality_row(quality: Quality) -> dict[str, Any]:
    """Return scores, their intervals and their differences from the first method as JSON has them."""
    return {
        "scores": None if quality.scores is None else asdict(quality.scores),
        "intervals": {name: interval_row(value) for name, value in quality.intervals.items()},
        "differences": {name: interval_row(value) for name, value in quality.differences.items()},
    }


def interval_row(interval: Interval) -> list[float]:
    """Return a value and its bounds."""
    return [round(value, 6) for value in (interval.value, interval.low, interval.high)]


def incremental_row(report: IncrementalReport) -> dict[str, Any]:
    """Return an incremental report as JSON has it."""
    return {
        "seed": report.split.seed,
        "labels_known": len(report.split.known),
        "labels_later": len(report.split.later),
        "build": report.build,
        "items": report.items,
        "items_later": report.items_later,
        "left_out": report.left_out,
        "conventions": dict(evaluation.measures.comparison.CONVENTIONS),
        "readings": dict(evaluation.incremental.READINGS),
        "methods": [
            {
                "method": each.method,
                "index": each.index or None,
                **{
                    reading: quality_row(getattr(each, reading))
                    for reading in evaluation.incremental.READINGS
                },
                "requests": each.requests,
                "asked": each.asked,
                "seconds": round(each.seconds, 3),
                "failed": each.failed,
            }
            for each in report.methods
        ],
    }


def curve_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return a figure's points as JSON has them."""
    return [{**asdict(point), "recall": interval_row(point.recall)} for point in points]
