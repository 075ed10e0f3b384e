"""`taxonaut review errors`: items whose labels are likely wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from taxonaut.cli.classify.categorize import ExpertOption
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import SUFFIXES, LabelledFileOptions, match_gold
from taxonaut.cli.shared.item_command import OutputFormatOption, OutputOption
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, path_text, print_json, styled
from taxonaut.workspace import files, review

if TYPE_CHECKING:
    from taxonaut.workspace.files.result_files import ResultWriter
    from taxonaut.workspace.review.suspects import Suspect

LONGEST_TEXT = 300

NoQueueOption = Annotated[
    bool, typer.Option("--no-queue", help="Do not put the items into the queue of taxonaut review.")
]
LimitOption = Annotated[int, typer.Option(min=0, help="Print at most N items; 0 for all.")]


@command(
    "errors",
    example="taxonaut review errors\n"
    "taxonaut review errors train.csv --labels-column category -o errors.xlsx\n"
    "taxonaut review errors --least 0.9 --most 200\n"
    "taxonaut review",
)
def errors(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help=f"Items with their labels ({SUFFIXES}), or - for standard input. Default: the items that the newest "
            "expert was trained on.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    least: Annotated[float, typer.Option(min=0, max=1, help="Least score of an item.")] = 0.5,
    most: Annotated[int, typer.Option(min=0, metavar="N", help="Find at most N items; 0 for all.")] = 0,
    limit: LimitOption = 10,
    expert: ExpertOption = None,
    no_queue: NoQueueOption = False,
    output_format: OutputFormatOption = None,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Rank labelled items by how likely their labels are wrong.

    An item's score, from 0 to 1, is by an expert that had not seen the item, by the labels of its nearest items, and
    by equal texts with other labels; confident learning (cleanlab) and near duplicates give reasons besides. Nothing
    is trained for items that the newest expert was trained on; without an expert one is trained for this. What is
    found goes into the queue of taxonaut review, and with -o into a table, whose column decision may be filled in and
    handed back with taxonaut review apply.
    """
    writer = open_writer(output, output_format, file)
    rows = None if file is None else layout.read(file)
    with progress(session, json=json), session.open() as workspace:
        if rows is not None:
            rows = match_gold(session, workspace.index, rows, keep_unknown=True)
        report = workspace.review_errors(rows, expert=expert, least=least, limit=most)
        folder = workspace.folder
    if not no_queue:
        review.review_queue.ReviewQueue(folder).put("errors", report.found)
    show_suspects(report.found, writer, limit, json=json)
    if session.quiet:
        return
    what = (
        f"{counted(len(report.found), 'likely error')} among {counted(report.items, 'item')}, by {report.how}"
    )
    say_what_came(what, report.notes, output)
    say_what_next(session, report.found, limit, output, queued=not no_queue, json=json)


def say_what_came(what: str, notes: Sequence[str], output: str | None) -> None:
    """Say notes, and in a sentence what was found and where it was written."""
    for note in notes:
        say(f"note: {note}")
    say(f"{what} -> {output}" if output is not None else what)


def open_writer(
    output: str | None, output_format: str | None, file: str | None
) -> ResultWriter[Suspect] | None:
    """Open the table that items are written to, before any work; None without one."""
    if output is None:
        return None
    inputs = [file] if file else []
    return files.result_files.open_file(output, review.suspects.SUSPECT, output_format, inputs=inputs)


def say_what_next(
    session: Session, found: Sequence[Suspect], limit: int, output: str | None, *, queued: bool, json: bool
) -> None:
    """Say how many are not shown, and how to go through them."""
    if not json and output is None and 0 < limit < len(found):
        say(f"{limit:,} of them shown; --limit 0 shows all, -o FILE writes all")
    if queued and found:
        say(f"go through them: {session.again('review')}")


def show_suspects(
    found: Sequence[Suspect], writer: ResultWriter[Suspect] | None, limit: int, *, json: bool
) -> None:
    """Write the items to a file, or print them."""
    if writer is not None:
        with writer:
            writer.write(found)
        for note in writer.notes:
            say(f"note: {note}")
    elif json:
        print_json([review.suspects.suspect_row(each) for each in found])
    else:
        for each in found[: limit or None]:
            print_suspect(out(), each)


def print_suspect(console: Console, found: Suspect) -> None:
    """Print an item with its labels, the first suggestion, and the reasons."""
    title = styled(f"{found.score:.2f}  {found.item.id}  ", "dim")
    console.print(title.append_text(styled(clipped(" ".join(found.item.text.split()), LONGEST_TEXT), "bold")))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for path in found.given_paths:
        table.add_row("  given", path_text(path))
    for each in found.suggestions[:1]:
        table.add_row("  better" if found.given else "  likely", path_text(each.path))
    for number, reason in enumerate(found.reasons):
        table.add_row("" if number else "  why", styled(reason, "yellow"))
    console.print(table)
    console.print()
