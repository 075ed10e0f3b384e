"""The tools `label_file` and `evaluate`: label a file's texts, measure the quality on a file with gold labels."""

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import aclosing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.tools.toolkit import Arguments, ToolContext, build_tool
from taxonaut.conversation.tools.walk import embed_missing_labels
from taxonaut.evaluation.harness import MethodReport, Report, aevaluate
from taxonaut.state.errors import InputError
from taxonaut.state.ids import RunId
from taxonaut.state.records import Item
from taxonaut.state.stores.conversations import WrittenFiles
from taxonaut.state.updates import staged
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.files.gold_forms import match_gold
from taxonaut.workspace.files.item_columns import guess_columns
from taxonaut.workspace.files.item_files import ItemFile, open_items
from taxonaut.workspace.files.result_files import open_results
from taxonaut.workspace.files.sources import format_of
from taxonaut.workspace.walk.classification import KIND
from taxonaut.workspace.walk.tally import Tally

FILE: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "description": "The name of a file that the person named.",
}
COLUMN: dict[str, Any] = {
    "type": "string",
    "description": "The column of the texts, where it cannot be guessed.",
}

SUFFIXES = {
    "csv": ".csv", "tsv": ".tsv", "jsonl": ".jsonl", "json": ".jsonl", "parquet": ".parquet", "excel": ".xlsx",
    "arrow": ".arrow",
}  # fmt: skip
"""Suffix of the output by the input's format; CSV for plain lines."""

METHODS = ("navigate", "dense")
CUTOFFS = (1, 5, 10)
MEASURES = ("P@1", "R@5", "R@10")


def tools(context: ToolContext) -> list[Tool]:
    """Return the tools that read files."""
    return [label_tool(context), evaluate_tool(context)]


def label_tool(context: ToolContext) -> Tool:
    """Return the tool `label_file`, which does what `taxonaut classify FILE -o OUT` does."""
    workspace = context.workspace

    async def run(arguments: Arguments) -> Outcome:
        path = context.find_file(str(arguments["file"]))
        items = open_items(path, guess_columns(path, str(arguments.get("column", "")), None))
        given = str(arguments.get("out", ""))
        out = context.check_file(given) if given else default_output(path)
        written = WrittenFiles(workspace.database)
        if out.exists() and not written.is_as_written(out):
            raise InputError(
                f"{str(out)!r} exists and was not written here, or was changed since; it is not overwritten. "
                "Name another file: /label FILE to OUT"
            )
        writer = open_results(out, top=workspace.config.walk.top, fields=items.fields, inputs=[path])
        workspace.check_walkable()
        await embed_missing_labels(context)
        classification = workspace.classification()
        before, started, tally = classification.totals(), time.perf_counter(), Tally()
        try:
            with writer, staged("labelling", items.count):
                held: dict[str, Mapping[str, object]] = {}
                results = classification.results(_holding(items, held))
                async with aclosing(results):
                    async for item, result in results:
                        tally.count(result.error)
                        writer.write([result], [held.pop(item.id, {})])
        finally:
            with suppress(OSError):
                written.note(out)
        tally.seconds = time.perf_counter() - started
        tally.totals = classification.totals().since(before)
        run_id = workspace.runs.list(KIND)[0].id
        context.add_run(run_id)
        asked = tally.totals.requests - tally.totals.cached
        text = render_answer("label_file", tally=tally, out=str(out), file=str(path), asked=asked)
        data = {"file": str(path), "out": str(out), **tally.row()}
        return Outcome(
            text, one_line(f"{tally.items:,} texts -> {out}"), data, Focus(file=str(path), run=run_id)
        )

    return build_tool(
        "label_file",
        "Label all texts of a file; the labels are written to a file beside it.",
        {
            "file": FILE,
            "column": COLUMN,
            "out": {"type": "string", "description": "The file to write, where the person names one."},
        },
        ("file",),
        run,
        ("label", "FILE [column NAME] [to OUT]"),
        lambda words: parse_file_command(words, column="column", to="out"),
        {"file": Slot("file", "Which file?")},
    )


def _holding(items: ItemFile, held: dict[str, Mapping[str, object]]) -> Iterator[Item]:
    """Yield the items of a file, and hold the rows they came in until they are written."""
    for row in items.rows():
        held[row.item.id] = row.values
        yield row.item


def default_output(path: Path) -> Path:
    """Return the default output of a file: `NAME.labelled.csv` next to `NAME.csv`."""
    stem = path.name.removesuffix(".gz") if path.suffix.lower() == ".gz" else path.name
    return path.with_name(f"{Path(stem).stem}.labelled{SUFFIXES.get(str(format_of(path)), '.csv')}")


def evaluate_tool(context: ToolContext) -> Tool:
    """Return the tool `evaluate`."""
    workspace = context.workspace

    async def run(arguments: Arguments) -> Outcome:
        path = context.find_file(str(arguments["file"]))
        columns = guess_columns(path, str(arguments.get("column", "")), str(arguments.get("labels", "")))
        read = list(islice(open_items(path, columns).rows(), arguments.get("limit")))
        rows, _ = match_gold(workspace.index, read)
        if not any(row.gold for row in rows):
            raise InputError(
                f"{str(path)!r} has no gold labels, so nothing can be measured; it needs a column `labels` with "
                "label ids (or name it: /evaluate FILE labels NAME)"
            )
        await embed_missing_labels(context)
        report = await aevaluate(workspace, rows, METHODS, CUTOFFS)
        run_id = record_runs(context)
        methods = [method_row(each) for each in report.methods]
        text = render_answer(
            "evaluate",
            report=report,
            methods=methods,
            measures=MEASURES,
            table=format_table(report),
            file=str(path),
        )
        data = {"file": str(path), "items": report.items, "with_gold": report.with_gold, "methods": methods}
        line = f"P@1 {methods[0]['P@1']:.1%} on {report.with_gold:,} texts"
        return Outcome(text, one_line(line), data, Focus(file=str(path), run=run_id))

    return build_tool(
        "evaluate",
        "Measure how good the labels are on a file that has the right ones: the walk beside dense retrieval.",
        {
            "file": FILE,
            "column": COLUMN,
            "labels": {"type": "string", "description": "The column of the right labels, by their ids."},
            "limit": {"type": "integer", "minimum": 1, "description": "Only so many texts, from the top."},
        },
        ("file",),
        run,
        ("evaluate", "FILE [column NAME] [labels NAME] [limit N]"),
        lambda words: parse_file_command(words, column="column", labels="labels", limit="limit"),
        {
            "file": Slot("file", "Which file?"),
            "limit": Slot("number", "How many texts?", required=False),
        },
    )


def record_runs(context: ToolContext) -> RunId | None:
    """Add the runs of all methods to the conversation; return the walk's run."""
    runs = context.workspace.runs.list()
    for each in runs[: len(METHODS)]:
        context.add_run(each.id)
    return next((each.id for each in runs if each.kind == KIND), None)


def method_row(method: MethodReport) -> dict[str, Any]:
    """Return a method's measures and cost."""
    measures = {name: round(method.quality.intervals[name].value, 4) for name in MEASURES}
    return {
        "method": method.method,
        **measures,
        "requests": method.requests,
        "asked": method.asked,
        "comparisons": method.comparisons,
    }


def format_table(report: Report) -> list[str]:
    """Format the measures as an aligned table, in per cent with half the interval."""
    cells = [["", *MEASURES, "requests", "comparisons"]]
    for each in report.methods:
        found = [each.quality.intervals[name] for name in MEASURES]
        shown = [f"{100 * one.value:.1f} ± {50 * (one.high - one.low):.1f}" for one in found]
        cells.append([each.method, *shown, f"{each.requests:,}", f"{each.comparisons:,}"])
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells
    ]


def parse_file_command(words: str, **options: str) -> Arguments:
    """Parse `FILE [OPTION VALUE]…`; `options` maps option words to arguments. Quote a name with blanks."""
    if not words.strip():
        raise InputError("no file name is given; give one")
    if Path(words.strip()).expanduser().is_file():
        return {"file": words.strip()}
    try:
        file, *rest = shlex.split(words)
    except ValueError:
        raise InputError(f"{words!r} has an unclosed quotation mark") from None
    found: dict[str, Any] = {"file": file}
    while rest:
        word, *value = rest[:2]
        if word.lower() not in options or not value:
            raise InputError(
                f"{' '.join(rest)!r} cannot follow the file; allowed are: "
                + ", ".join(f"{option} {argument.upper()}" for option, argument in options.items())
            )
        found[options[word.lower()]] = parse_count(value[0]) if word.lower() == "limit" else value[0]
        rest = rest[2:]
    return found


def parse_count(given: str) -> int:
    """Parse a count of at least 1."""
    if not (given.isascii() and given.isdecimal() and int(given)):
        raise InputError(f"limit is {given!r}; give a whole number from 1")
    return int(given)
