"""`taxonaut review apply`: decisions that come back in a table."""

from __future__ import annotations

from typing import Annotated

import typer

from taxonaut.cli.review.start import PersonOption, this_person
from taxonaut.cli.shared.exit_codes import SOME_FAILED, say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json, printable
from taxonaut.workspace import review

SHOWN = 10


@command(
    "apply",
    example="taxonaut review apply errors.xlsx\ntaxonaut review apply errors.csv --person anna --dry-run",
)
def apply(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A table that review errors -o or review next -o wrote, its column decision filled in: keep, none, "
            "undecided, or the id, name or path of the right label; empty for no decision.",
            show_default=False,
        ),
    ],
    person: PersonOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the table, and decide nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Take decisions over from a table that was filled in.

    Rows are matched by id. One whose item is not in the queue, or has another text or other labels there by now, is
    refused with the reason; the others are taken, and the exit code is 6. The same table again changes nothing.
    """
    with session.open() as workspace:
        queue = review.review_queue.ReviewQueue(workspace.folder, this_person(person))
        found = review.decision_table.read_decisions(workspace, queue, file)
        taken = 0
        if not dry_run:
            taken = review.decision_table.apply_decisions(queue, found)
            review.review_statements.send_answers(workspace, queue)
    if json:
        print_json(
            {
                "decisions": len(found.decisions),
                "taken": taken,
                "blank": found.blank,
                "refused": [
                    {"place": each.place, "id": each.item, "why": each.why} for each in found.refused
                ],
            }
        )
    elif not session.quiet:
        same = len(found.decisions) - taken
        done = "would be taken" if dry_run else "taken"
        known = f" ({same:,} said so already)" if same and not dry_run else ""
        say(
            f"{counted(len(found.decisions) if dry_run else taken, 'decision')} {done}{known}, "
            f"{counted(found.blank, 'row')} without one, {len(found.refused):,} refused"
        )
    for each in found.refused[:SHOWN] if not json else ():
        say(f"refused: {each.place}, {printable(each.item)!r}: {printable(each.why)}")
    if len(found.refused) > SHOWN and not json:
        say(f"and {len(found.refused) - SHOWN:,} more; --json lists all")
    if found.refused:
        raise typer.Exit(SOME_FAILED)
