"""Commands that work through items: stream and count results, write them, say how to continue after Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar

import typer
from rich.console import Console

from taxonaut.cli.shared.exit_codes import SOME_FAILED, InterruptedWork, say
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import counted, out, print_json, utf8_output
from taxonaut.state.errors import InputError
from taxonaut.state.records import Item
from taxonaut.workspace import files

if TYPE_CHECKING:
    from taxonaut.state.stores.decisions import Totals
    from taxonaut.workspace.files.result_files import RowFormat
    from taxonaut.workspace.files.table_writers.excel_tables import TreeRows
    from taxonaut.workspace.walk.tally import Tally
    from taxonaut.workspace.workspace import Workspace

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)
MOST_PROBLEMS = 20
"""Documents that are named if they could not be read."""

Sink = Callable[[Item, R, Mapping[str, object]], None]
"""Takes each item with its result and the row that it came in, in order."""

OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the results to FILE: .jsonl, .json, .csv, .tsv, .xlsx, .parquet or .arrow.",
        show_default=False,
    ),
]
OutputFormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Format of the results: jsonl, json, csv, tsv, excel, parquet or arrow. Default: by the suffix of FILE.",
        rich_help_panel=ADVANCED_PANEL,
        show_default=False,
    ),
]


LongOption = Annotated[
    bool,
    typer.Option("--long", help="Tables: write a row for each label, not one for each item."),
]
RawCellsOption = Annotated[
    bool,
    typer.Option(
        "--raw-cells",
        help="Write cells that begin like formulas (=, +, -, @) as they are, which a spreadsheet may run.",
        rich_help_panel=ADVANCED_PANEL,
    ),
]


class Summary(Protocol[R_contra]):
    """What a call did: counts results, and tells of them as JSON and in lines."""

    @property
    def tally(self) -> Tally:
        """The counts, the time and the cost."""

    def count(self, result: R_contra) -> None:
        """Count one result."""

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""

    def lines(self, output: str | None) -> list[str]:
        """Return it as lines for the user."""


@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """What gives items with their results, in their order, and what models were asked for it in all calls so far."""

    results: Callable[[Iterator[Item]], AsyncGenerator[tuple[Item, R], None]]
    totals: Callable[[], Totals]


class Output(Protocol[R_contra]):
    """Where results go: to a file, to standard output, or to the user."""

    @property
    def file(self) -> str | None:
        """The file that `-o` names."""

    @property
    def json(self) -> bool:
        """Whether JSON was asked for."""

    def open(
        self, console: Console, given: ItemInput
    ) -> Callable[[Workspace], AbstractContextManager[Sink[R_contra]]]:
        """Choose the place. Raises InputError if it cannot be written; nothing is written yet."""


@dataclass(frozen=True, slots=True)
class ResultOutput(Generic[R]):
    """Results as the rows of a file, or printed one after the other.

    `show` prints an item with its result, and with its id where it comes from a file. `sheet` returns the header and
    the rows of a workbook's second sheet.
    """

    file: str | None
    format: str | None
    json: bool
    shape: Callable[[Workspace], RowFormat[R]]
    show: Callable[[Console, Item, R, bool], None]
    sheet: Callable[[Workspace], TreeRows]
    long: bool = False
    raw: bool = False

    def open(
        self, console: Console, given: ItemInput
    ) -> Callable[[Workspace], AbstractContextManager[Sink[R]]]:
        """Choose the place. Raises InputError if it cannot be written; nothing is written yet."""
        place = self.file or ("-" if self.json or self.format else None)
        if place is None:
            if self.long:
                raise InputError("--long is for tables: name a file with -o, or give --output-format csv")
            with_id = bool(given.file)
            return lambda _: nullcontext(
                lambda item, result, values: self.show(console, item, result, with_id)
            )
        return write_results(place, self.format, self.shape, self.sheet, given, long=self.long, raw=self.raw)


def write_results(
    place: str,
    format: str | None,
    shape: Callable[[Workspace], RowFormat[R]],
    sheet: Callable[[Workspace], TreeRows],
    given: ItemInput,
    *,
    long: bool = False,
    raw: bool = False,
) -> Callable[[Workspace], AbstractContextManager[Sink[R]]]:
    """Return what opens a result file; see `ResultOutput`. Raises InputError if it cannot be written."""
    if place == "-":
        utf8_output()
    inputs = [given.file] if given.file else []
    chosen = files.result_files.check_results(place, format, inputs)
    if long and chosen in files.result_files.OBJECTS:
        raise InputError(f"--long is for tables; {chosen} has one object for each item, with all its labels")

    @contextmanager
    def opened(workspace: Workspace) -> Iterator[Sink[R]]:
        writer = files.result_files.open_file(
            place,
            shape(workspace),
            format,
            fields=given.fields,
            inputs=inputs,
            options=files.result_files.TableOptions(long, raw),
        )
        writer.tree = lambda: sheet(workspace)
        with writer:
            yield lambda _, result, values: writer.write([result], [values])
        for note in writer.notes:
            say(f"note: {note}")

    return opened


def run_item_command(
    session: Session,
    given: ItemInput,
    output: Output[R],
    prepare: Callable[[Workspace, Bar], tuple[Work[R], Summary[R]]],
    stage: str,
    language: str = "",
) -> None:
    """Work through all items, write or print the results, then the summary.

    `prepare` gets the open workspace, which shows names in `language`; `stage` is what the bar says meanwhile. Ends
    with exit code 6 if items failed.
    """
    console = out()
    open_sink = output.open(console, given)
    with (
        progress(session, console, json=output.json and not output.file) as bar,
        session.open_in(language) as workspace,
    ):
        summary = run_items(workspace, given, open_sink, bar, prepare, stage)
    if output.json and output.file:
        print_json(summary.row())
    if not session.quiet:
        for line in summary.lines(output.file):
            say(line)
    say_problems(given)
    fail_if_some_failed(summary.tally)
    fail_if_unread(given)


def run_items(
    workspace: Workspace,
    given: ItemInput,
    open_sink: Callable[[Workspace], AbstractContextManager[Sink[R]]],
    bar: Bar,
    prepare: Callable[[Workspace, Bar], tuple[Work[R], Summary[R]]],
    stage: str,
) -> Summary[R]:
    """Hand each item's result to the sink, which is opened when all else is ready, and count.

    No more items than a batch are held. Raises InterruptedWork on Ctrl-C, after what runs has been ended in order.
    """
    done = 0
    try:
        bar.stage("preparing")
        work, summary = prepare(workspace, bar)
        before = work.totals()
        bar.stage(stage, given.count)
        started = time.perf_counter()

        with open_sink(workspace) as write, asyncio.Runner() as runner:

            async def read() -> None:
                nonlocal done
                async with aclosing(work.results(given.items())) as results:
                    async for item, result in results:
                        done += 1
                        summary.count(result)
                        write(item, result, given.take(item))

            try:
                runner.run(read())
            except KeyboardInterrupt:
                workspace.wiring.close()  # ends what its threads still compute; the runner waits for them
                raise
        summary.tally.seconds = time.perf_counter() - started
        summary.tally.totals = work.totals().since(before)
    except KeyboardInterrupt:
        raise InterruptedWork(
            f"{done:,} of {given.count:,} done and kept; run the same command again to continue"
        ) from None
    return summary


def embed_labels(workspace: Workspace, bar: Bar) -> None:
    """Embed the labels that have no vector yet."""
    bar.stage("embedding labels")
    workspace.embed_labels()
    bar.stage("preparing")


def fail_if_some_failed(tally: Tally | None = None, failures: Sequence[str] = ()) -> None:
    """End with exit code 6 if items or other `failures` are left that another run can ask for again."""
    lines = list(failures)
    if tally is not None and tally.failed:
        lines.append(
            f"{tally.failed:,} of {counted(tally.items, 'item')} failed, the first: {tally.first_error}"
        )
    if lines:
        say("\n".join([*lines, "run the same command again to ask for these only"]))
        raise typer.Exit(SOME_FAILED)


def say_problems(given: ItemInput) -> None:
    """Say which documents could not be read, and why."""
    problems = list(given.problems.values())
    for line in problems[:MOST_PROBLEMS]:
        say(f"not read: {line}")
    if len(problems) > MOST_PROBLEMS:
        say(f"not read: {len(problems) - MOST_PROBLEMS:,} more documents")


def fail_if_unread(given: ItemInput) -> None:
    """End with exit code 6 if documents could not be read."""
    if given.problems:
        raise typer.Exit(SOME_FAILED)


def describe_failures(errors: Collection[str], what: str) -> list[str]:
    """Describe the errors of some of `what` (in the singular) as a line; none without errors."""
    return [f"{counted(len(errors), what)} failed, the first: {next(iter(errors))}"] if errors else []


def describe_speed(tally: Tally) -> str:
    """Say how long it took."""
    rate = tally.items / tally.seconds if tally.seconds else 0.0
    return f"in {tally.seconds:,.1f} s ({rate:,.1f}/s)"


def describe_cost(totals: Totals) -> str:
    """Say what was asked of models."""
    if not totals.requests:
        if totals.comparisons:
            return f"{counted(totals.comparisons, 'comparison')}, no language model asked"
        return "no model was asked: all was kept from before"
    said = counted(totals.requests, "request")
    if totals.cached:
        said += f", {totals.cached:,} of them answered from the cache"
    if totals.prompt_tokens:
        reused = totals.reused_tokens / totals.prompt_tokens
        said += f", {totals.prompt_tokens:,} tokens read ({reused:.0%} reused)"
        said += f", {totals.completion_tokens:,} written"
    return said


def describe_place(output: str | None) -> str:
    """Write ` -> FILE`, or nothing for standard output."""
    return f" -> {output}" if output and output != "-" else ""
