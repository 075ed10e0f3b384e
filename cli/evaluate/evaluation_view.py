"""An evaluation's report on a screen and as JSON: measures with intervals next to cost, a method a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from taxonaut import evaluation
from taxonaut.cli.evaluate.summary_view import name_method
from taxonaut.cli.shared.terminal import styled

if TYPE_CHECKING:
    from taxonaut.evaluation.curves import Point
    from taxonaut.evaluation.harness import MethodReport, Quality, Report
    from taxonaut.evaluation.incremental import IncrementalReport
    from taxonaut.evaluation.measures.refusal import RefusalScores
    from taxonaut.evaluation.measures.selection import ShownMeasure
    from taxonaut.workspace.core.intervals import Interval

DASH = "–"
NAMES = {"inc": "Inc", "inc_offered": "Inc, only Y1 on offer", "overall": "Overall"}
NOTE = "± is half of the 95 % bootstrap interval; the best of a row stands out."
MOST_EQUAL = 6
"""Names of measures that are listed as equal to one."""

DEFINITIONS = {
    "accuracy": "accuracy: texts whose first label is right",
    "P": "P@k: hits among the first k / k",
    "R": "R@k: hits among the first k / right labels",
    "RP": "RP@k: hits among the first k / min(k, right labels)",
    "NDCG": "NDCG@k: hits weighted by rank",
    "MRR": "MRR: 1 / rank of the first hit",
    "micro": "micro: all texts' labels together",
    "macro": "macro: mean over labels",
    "example": "example: mean over texts",
    "h": "h…: labels count with their ancestors",
}
"""What the measures are, for those that are shown."""


def comparison_tables(report: Report, shown: Sequence[ShownMeasure], console: Console) -> list[Table]:
    """Return the table, a row for each measure, a column for each method; divided where the terminal is narrow."""

    def make(methods: Sequence[MethodReport]) -> Table:
        table = empty_table([each.method for each in methods])
        qualities = [each.quality for each in methods]
        for measure in shown:
            cells = format_with_intervals(
                [each.intervals.get(measure.name) for each in qualities],
                [each.quality.intervals.get(measure.name) for each in report.methods],
            )
            table.add_row(styled(measure.title), *cells)
        table.add_section()
        for name, values in cost_rows(methods, report.items):
            table.add_row(styled(name, "dim"), *(styled(value, "dim") for value in values))
        return table

    return divide_columns(make, report.methods, console)


def divide_columns(
    make: Callable[[Sequence[MethodReport]], Table], methods: Sequence[MethodReport], console: Console
) -> list[Table]:
    """Return tables of as many methods as the terminal has room for; one alone may be wider."""
    wide = console.options.update(max_width=10_000)
    for size in range(len(methods), 0, -1):
        tables = [make(methods[start : start + size]) for start in range(0, len(methods), size)]
        if all(Measurement.get(console, wide, table).maximum <= console.width for table in tables):
            return tables
    return [make([each]) for each in methods]


def empty_table(titles: Sequence[str]) -> Table:
    """Return a table without rows; settings of a method are below its name."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    headers = [method_title(title) for title in titles]
    lines = max((header.plain.count("\n") for header in headers), default=0)
    for header in headers:
        table.add_column(header.append("\n" * (lines - header.plain.count("\n"))), justify="right")
    return table


def method_title(title: str) -> Text:
    """Return a method's name with its settings below it."""
    name, *settings = name_method(title).split(":")
    return Text("\n").join([styled(name), *(styled(each) for each in settings)])


def describe_shown(shown: Sequence[ShownMeasure], report: Report) -> str:
    """Say what the measures are, which equal one another, and what the others are."""
    said = []
    names = [each.title if each.title == "accuracy" else each.name for each in shown]
    for kind, meaning in DEFINITIONS.items():
        if any(is_of(kind, name) for name in names):
            said.append(meaning)
    if not shown:
        return "No text has a right label that could be measured."
    parts = [f"{'; '.join(said)}." if said else ""]
    equal = [f"{each.title} is also {listed(each.same)}" for each in shown if each.same]
    if report.single:
        equal = ["each text has one right label", *equal]
    if equal:
        said_equal = "; ".join(equal)
        parts.append(f"{said_equal[:1].upper()}{said_equal[1:]}.")
    return " ".join([*filter(None, parts), NOTE])


def listed(names: Sequence[str]) -> str:
    """Write the first names of a list, and how many more there are."""
    more = len(names) - MOST_EQUAL
    return f"{', '.join(names[:MOST_EQUAL])} and {more} more" if more > 0 else ", ".join(names)


def is_of(kind: str, name: str) -> bool:
    """Whether a measure is of a kind of `DEFINITIONS`."""
    if kind == "h":
        return name.split()[-1].startswith("h")
    return (
        name.split()[0] == kind if kind in ("micro", "macro", "example") else name.partition("@")[0] == kind
    )


def difference_table(report: Report, shown: Sequence[ShownMeasure], console: Console) -> Table | None:
    """Return the paired differences of the other methods from the first; None with one method.

    There are as many measures as the terminal has room for, three at most.
    """
    others = [each for each in report.methods if each.quality.differences]
    measures = chosen_differences(shown)
    if not others or not measures:
        return None
    wide = console.options.update(max_width=10_000)
    tables = [
        make_difference_table(report, others, measures[:count]) for count in range(len(measures), 0, -1)
    ]
    fitting = (each for each in tables if Measurement.get(console, wide, each).maximum <= console.width)
    return next(fitting, tables[-1])


def make_difference_table(
    report: Report, others: Sequence[MethodReport], measures: Sequence[ShownMeasure]
) -> Table:
    """Return the differences of some methods from the first in some measures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(styled(f"less {name_method(report.methods[0].method)}"), overflow="fold")
    for measure in measures:
        table.add_column(styled(measure.title), justify="right", no_wrap=True)
    for each in others:
        cells = (gap_cells(each.quality.differences.get(measure.name)) for measure in measures)
        table.add_row(method_title(each.method), *cells)
    return table


def refusal_tables(report: Report, console: Console) -> list[Table]:
    """Return how methods refuse texts that fit no label; none where there are no such texts."""

    def make(methods: Sequence[MethodReport]) -> Table:
        table = empty_table([each.method for each in methods])
        found = [each.refusal for each in methods if each.refusal is not None]
        table.add_row("refused", *(f"{each.refused:,}" for each in found))
        for name in ("precision", "recall", "f1"):
            title = name.replace("f1", "F1")
            table.add_row(title, *format_with_intervals([getattr(each, name) for each in found]))
        if any(each.auroc is not None for each in found):
            table.add_row("AUROC of scores", *format_scores([each.auroc for each in found]))
        return table

    methods = [each for each in report.methods if each.refusal is not None]
    return divide_columns(make, methods, console) if methods else []


def describe_refusing(report: Report) -> str:
    """Say what refusing is."""
    return (
        f"{report.out_of_scope:,} texts fit no label. Refused is a text without a label, or whose first label scores "
        "below the least score; AUROC is how often a text with a right label scores higher than one without."
    )


def chosen_differences(shown: Sequence[ShownMeasure]) -> list[ShownMeasure]:
    """Return the three measures whose differences are shown: the first, the deepest recall, macro F1, else others."""
    recalls = [each for each in shown if each.name.startswith("R@")]
    macro = [each for each in shown if each.name.startswith("macro F1")]
    return list({each.name: each for each in [*shown[:1], *recalls[-1:], *macro[:1], *shown[1:]]}.values())[
        :3
    ]


def format_with_intervals(
    values: Sequence[Interval | None], among: Sequence[Interval | None] | None = None
) -> list[Text]:
    """Write scores with half of their intervals, in per cent, the best (of `among`) standing out."""
    best = max((one.value for one in (values if among is None else among) if one is not None), default=None)
    cells = format_scores([None if value is None else value.value for value in values], best)
    for cell, value in zip(cells, values, strict=True):
        if value is not None:
            cell.append(f" ±{50 * (value.high - value.low):.1f}", "dim not bold")
    return cells


def format_scores(values: Sequence[float | None], best: float | None = None) -> list[Text]:
    """Write scores in per cent, the best standing out."""
    if best is None:
        best = max((value for value in values if value is not None), default=None)
    return [
        styled(DASH if value is None else f"{100 * value:.1f}", "bold green" if value == best else "")
        for value in values
    ]


def gap_cells(gap: Interval | None) -> Text:
    """Write a difference with its interval; one that holds no 0 is bold."""
    if gap is None:
        return styled(DASH, "dim")
    sure = gap.low > 0 or gap.high < 0
    cell = styled(signed(gap.value), "bold" if sure else "dim")
    cell.append(f" ({signed(gap.low)} … {signed(gap.high)})", "dim not bold")
    return cell


def signed(value: float) -> str:
    """Write a difference in points."""
    return f"{100 * value:+.1f}".replace("-", "−")


def cost_rows(methods: Sequence[MethodReport], items: int) -> Iterator[tuple[str, list[str]]]:
    """Give what the methods cost, written out."""
    if any(method.requests for method in methods):
        yield "requests", [f"{method.requests:,}" for method in methods]
        yield "asked now", [f"{method.asked:,}" for method in methods]
    if any(method.comparisons for method in methods):
        yield "comparisons", [f"{method.comparisons:,}" for method in methods]
    if any(method.prompt_tokens for method in methods):
        yield "tokens read", [f"{method.prompt_tokens:,}" for method in methods]
        yield "of them reused", [f"{method.reused_tokens:,}" for method in methods]
        yield "tokens written", [f"{method.completion_tokens:,}" for method in methods]
    yield "seconds", [f"{method.seconds:,.1f}" for method in methods]
    yield "ms a text", [f"{1000 * method.seconds / max(items, 1):,.1f}" for method in methods]
    if any(method.failed for method in methods):
        yield "texts failed", [f"{method.failed:,}" for method in methods]


def incremental_tables(report: IncrementalReport) -> Iterator[tuple[str, Table]]:
    """Give the three readings of an incremental evaluation, each a title and a table."""
    titles = [f"{each.method} {each.index}".strip() for each in report.methods]
    for reading, meaning in evaluation.incremental.READINGS.items():
        table = empty_table(titles)
        qualities: list[Quality] = [getattr(each, reading) for each in report.methods]
        for name in (name for name in qualities[0].intervals if " " not in name and not name.startswith("h")):
            cells = format_with_intervals([each.intervals.get(name) for each in qualities])
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
    for title in ("budget", "decisions a text", "labels", "recall"):
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
        "out_of_scope": report.out_of_scope,
        "labels": report.labels,
        "single": report.single,
        "set_size": report.set_size,
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
        "comparisons": method.comparisons,
        "prompt_tokens": method.prompt_tokens,
        "completion_tokens": method.completion_tokens,
        "reused_tokens": method.reused_tokens,
        "seconds": round(method.seconds, 3),
        "failed": method.failed,
        **({} if method.refusal is None else {"refusal": refusal_row(method.refusal)}),
    }


def refusal_row(refusal: RefusalScores) -> dict[str, Any]:
    """Return how a method refuses as JSON has it."""
    rows = {name: getattr(refusal, name) for name in ("precision", "recall", "f1")}
    return {
        **asdict(refusal),
        **{name: None if found is None else interval_row(found) for name, found in rows.items()},
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
