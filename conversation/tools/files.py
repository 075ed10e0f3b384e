"""Files: texts that are labelled into a file beside them, and how good that is where the right labels are known."""

import shlex
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from taxonaut.conversation.answers import answer, folded
from taxonaut.conversation.tools.toolkit import Arguments, Desk, made
from taxonaut.conversation.tools.walk import ready
from taxonaut.evaluation.harness import MethodReport, Report, aevaluate
from taxonaut.state.errors import InputError
from taxonaut.state.ids import RunId
from taxonaut.state.stores.conversations import WrittenFiles
from taxonaut.state.updates import staged
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.files.item_columns import guess_columns
from taxonaut.workspace.files.item_files import open_items
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

SUFFIXES = {"csv": ".csv", "tsv": ".tsv", "jsonl": ".jsonl", "json": ".jsonl", "parquet": ".parquet"}
"""What a file is written as, by the format it was read in; of plain lines, a table."""

METHODS = ("navigate", "dense")
CUTOFFS = (1, 5, 10)
MEASURES = ("P@1", "R@5", "R@10")


def tools(desk: Desk) -> list[Tool]:
    """Return the tools that read files."""
    return [label_tool(desk), evaluate_tool(desk)]


def label_tool(desk: Desk) -> Tool:
    """Return the tool `label_file`, which does what `taxonaut classify FILE -o OUT` does."""
    workspace = desk.workspace

    async def run(arguments: Arguments) -> Outcome:
        path = desk.file(str(arguments["file"]))
        items = open_items(path, guess_columns(path, str(arguments.get("column", "")), None))
        given = str(arguments.get("out", ""))
        out = desk.named_file(given) if given else beside(path)
        written = WrittenFiles(workspace.database)
        if out.exists() and not written.is_as_written(out):
            raise InputError(
                f"{str(out)!r} is there already, and is not as it was written here; it is not written over. "
                "Name another file: /label FILE to OUT"
            )
        writer = open_results(out, inputs=[path])
        workspace.check_walkable()
        await ready(desk)
        classification = workspace.classification()
        before, started, tally = classification.totals(), time.perf_counter(), Tally()
        try:
            with writer, staged("labelling", items.count):
                results = classification.results(row.item for row in items.rows())
                async with aclosing(results):
                    async for _, result in results:
                        tally.count(result.error)
                        writer.write([result])
        finally:
            with suppress(OSError):
                written.note(out)
        tally.seconds = time.perf_counter() - started
        tally.totals = classification.totals().since(before)
        run_id = workspace.runs.list(KIND)[0].id
        desk.spent(run_id)
        asked = tally.totals.requests - tally.totals.cached
        text = answer("label_file", tally=tally, out=str(out), file=str(path), asked=asked)
        data = {"file": str(path), "out": str(out), **tally.row()}
        return Outcome(
            text, folded(f"{tally.items:,} texts -> {out}"), data, Focus(file=str(path), run=run_id)
        )

    return made(
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
        lambda words: parsed(words, column="column", to="out"),
        {"file": Slot("file", "Which file?")},
    )


def beside(path: Path) -> Path:
    """Return where the labels of a file go: `NAME.labelled.csv` beside `NAME.csv`."""
    stem = path.name.removesuffix(".gz") if path.suffix.lower() == ".gz" else path.name
    return path.with_name(f"{Path(stem).stem}.labelled{SUFFIXES.get(str(format_of(path)), '.csv')}")


def evaluate_tool(desk: Desk) -> Tool:
    """Return the tool `evaluate`."""
    workspace = desk.workspace

    async def run(arguments: Arguments) -> Outcome:
        path = desk.file(str(arguments["file"]))
        columns = guess_columns(path, str(arguments.get("column", "")), str(arguments.get("labels", "")))
        rows = list(islice(open_items(path, columns).rows(), arguments.get("limit")))
        if not any(row.gold for row in rows):
            raise InputError(
                f"{str(path)!r} has no right labels, so nothing can be measured; it needs a column `labels` with "
                "label ids (or say which: /evaluate FILE labels NAME)"
            )
        await ready(desk)
        report = await aevaluate(workspace, rows, METHODS, CUTOFFS)
        run_id = last_run(desk)
        methods = [method_row(each) for each in report.methods]
        text = answer(
            "evaluate", report=report, methods=methods, measures=MEASURES, table=table(report), file=str(path)
        )
        data = {"file": str(path), "items": report.items, "with_gold": report.with_gold, "methods": methods}
        line = f"P@1 {methods[0]['P@1']:.1%} on {report.with_gold:,} texts"
        return Outcome(text, folded(line), data, Focus(file=str(path), run=run_id))

    return made(
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
        lambda words: parsed(words, column="column", labels="labels", limit="limit"),
        {
            "file": Slot("file", "Which file?"),
            "limit": Slot("number", "How many texts?", required=False),
        },
    )


def last_run(desk: Desk) -> RunId | None:
    """Return the walk's run, and note it; other methods' runs are part of the conversation, too."""
    runs = desk.workspace.runs.list()
    for each in runs[: len(METHODS)]:
        desk.spent(each.id)
    return next((each.id for each in runs if each.kind == KIND), None)


def method_row(method: MethodReport) -> dict[str, Any]:
    """Return a method's measures and cost."""
    measures = {name: round(method.quality.intervals[name].value, 4) for name in MEASURES}
    return {"method": method.method, **measures, "requests": method.requests, "asked": method.asked}


def table(report: Report) -> list[str]:
    """Return the measures as lines whose columns stand below each other, in per cent with half an interval."""
    cells = [["", *MEASURES, "requests"]]
    for each in report.methods:
        found = [each.quality.intervals[name] for name in MEASURES]
        shown = [f"{100 * one.value:.1f} ± {50 * (one.high - one.low):.1f}" for one in found]
        cells.append([each.method, *shown, f"{each.requests:,}"])
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *aligned(row[1:], widths[1:])]).rstrip() for row in cells]


def aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Put cells to the right of their columns."""
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]


def parsed(words: str, **options: str) -> Arguments:
    """Read `FILE [WORD VALUE]…`, a name with blanks in quotation marks; the words and the arguments they give."""
    if not words.strip():
        raise InputError("no file is named; give its name")
    if Path(words.strip()).expanduser().is_file():
        return {"file": words.strip()}
    try:
        file, *rest = shlex.split(words)
    except ValueError:
        raise InputError(f"{words!r} has a quotation mark without its other half") from None
    found: dict[str, Any] = {"file": file}
    while rest:
        word, *value = rest[:2]
        if word.lower() not in options or not value:
            raise InputError(
                f"{' '.join(rest)!r} cannot follow the file; there may be: "
                + ", ".join(f"{option} {argument.upper()}" for option, argument in options.items())
            )
        found[options[word.lower()]] = whole(value[0]) if word.lower() == "limit" else value[0]
        rest = rest[2:]
    return found


def whole(given: str) -> int:
    """Read a whole number from 1."""
    if not (given.isascii() and given.isdecimal() and int(given)):
        raise InputError(f"limit is {given!r}; give a whole number from 1")
    return int(given)
