"""`taxonaut review export` and `import`: the queue for Label Studio and Argilla, and the answers back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from taxonaut.cli.review.start import PersonOption, this_person
from taxonaut.cli.shared.exit_codes import SOME_FAILED, say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json, printable
from taxonaut.state.errors import DiskError, InputError
from taxonaut.workspace import review

SHOWN = 10


@command(
    "export",
    example="taxonaut review export tasks.json --format label-studio --interface interface.xml\n"
    "taxonaut review export records.json --format argilla",
)
def export(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)],
    format: Annotated[
        Literal["label-studio", "argilla"], typer.Option("--format", help="The tool that reads it.")
    ] = "label-studio",
    interface: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the questions with all labels too: Label Studio's labeling interface (XML), for Argilla the "
            "labels by id (JSON).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the open items of the queue for another annotation tool, with what is suggested.

    Label Studio gets tasks with predictions for a Taxonomy tag, Argilla records with suggestions for a question
    named labels. What comes back is taken over with taxonaut review import.
    """
    with session.open() as workspace:
        items = review.handover.open_items(review.review_queue.ReviewQueue(workspace.folder))
        write_file(file, review.handover.write_tasks(items, format))
        if interface is not None:
            write_file(interface, review.handover.write_interface(workspace.index, format))
    if not session.quiet:
        say(f"{counted(len(items), 'open item')} -> {file}")


def write_file(path: str, text: str) -> None:
    """Write a text file."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DiskError(f"cannot write {path!r}: {error.strerror}") from None


@command(
    "import", example="taxonaut review import project-1.json\ntaxonaut review import records.json --json"
)
def import_answers(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Label Studio's export as JSON, or what Argilla's dataset.records.to_json wrote.",
            show_default=False,
        ),
    ],
    person: PersonOption = None,
    json: JsonOption = False,
) -> None:
    """Take answers over from Label Studio or Argilla, each under the name of its annotator.

    An answer is refused, with the reason, if its item is not in the queue or has another text there by now, or if it
    names no label; the others are taken, and the exit code is 6. The same file again changes nothing.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read {file!r}: {getattr(error, 'strerror', None) or 'it is no UTF-8'}"
        ) from None
    with session.open() as workspace:
        queue = review.review_queue.ReviewQueue(workspace.folder, this_person(person))
        found = review.handover.read_answers(workspace, queue, text)
        taken = review.handover.apply_answers(queue, found)
        review.review_statements.send_answers(workspace, queue)
    refused = [{"place": each.place, "id": each.item, "why": each.why} for each in found.refused]
    if json:
        print_json(
            {
                "format": found.format,
                "answers": len(found.decisions),
                "taken": taken,
                "blank": found.blank,
                "refused": refused,
            }
        )
    else:
        if not session.quiet:
            known = len(found.decisions) - taken
            said = f" ({known:,} known already)" if known else ""
            say(
                f"{counted(taken, 'answer')} taken{said}, {counted(found.blank, 'item')} without one, "
                f"{len(refused):,} refused"
            )
        for each in found.refused[:SHOWN]:
            say(f"refused: {each.place}, {printable(each.item)!r}: {printable(each.why)}")
    if refused:
        raise typer.Exit(SOME_FAILED)
