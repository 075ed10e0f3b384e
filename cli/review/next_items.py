"""`taxonaut review next`: which items to label next."""

from __future__ import annotations

from typing import Annotated

import typer

from taxonaut.cli.classify.categorize import ExpertOption
from taxonaut.cli.review.errors import (
    LimitOption,
    NoQueueOption,
    open_writer,
    say_what_came,
    say_what_next,
    show_suspects,
)
from taxonaut.cli.shared.file_options import SUFFIXES, LabelledFileOptions, match_gold
from taxonaut.cli.shared.item_command import OutputFormatOption, OutputOption
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted
from taxonaut.workspace import review


@command(
    "next",
    example="taxonaut review next 20 products.csv --text-column title\n"
    "taxonaut review next 200 products.jsonl -o to-label.xlsx\n"
    "taxonaut review",
)
def next_items(
    session: Session,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many items to choose.")],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=f"Items ({SUFFIXES}), or - for standard input; those with labels count as labelled.",
            show_default=False,
        ),
    ],
    output: OutputOption = None,
    limit: LimitOption = 10,
    expert: ExpertOption = None,
    no_queue: NoQueueOption = False,
    output_format: OutputFormatOption = None,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Choose which items to label next: those from which most is learned.

    Chosen are items that the newest expert (without one, the embedder) is uncertain of, that are typical of the items
    without labels, and that are unlike all that is labelled or chosen already, so that labels with few items and new
    kinds of items come in. Each comes with its reasons. They go into the queue of taxonaut review, and with -o into a
    table whose column decision may be filled in and handed back with taxonaut review apply.
    """
    writer = open_writer(output, output_format, file)
    rows = layout.read(file)
    with progress(session, json=json), session.open() as workspace:
        if any(row.gold for row in rows):
            rows = match_gold(session, workspace.index, rows, keep_unknown=True)
        report = workspace.review_next(rows, count, expert=expert)
        folder = workspace.folder
    if not no_queue:
        review.review_queue.ReviewQueue(folder).put("next", report.found)
    show_suspects(report.found, writer, limit, json=json)
    if session.quiet:
        return
    what = (
        f"{counted(len(report.found), 'item')} of {report.items:,} without labels, next to {report.labelled:,} with "
        f"labels, by {report.how}"
    )
    say_what_came(what, report.notes, output)
    say_what_next(session, report.found, limit, output, queued=not no_queue, json=json)
