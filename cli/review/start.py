"""`taxonaut review`: go through the queue at a terminal, one item a screen, one key a decision."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from taxonaut.cli.review.screen import ReviewScreen
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.state.errors import InputError
from taxonaut.workspace import review

PersonOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Who decides. Default: the name of the user of this computer.",
        show_default=False,
    ),
]


def this_person(given: str | None) -> str:
    """Return who decides. Raises InputError if nobody knows."""
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise InputError("this computer does not say who you are; give your name: --person NAME") from None


@command(
    "start",
    example="taxonaut review start --person anna\ntaxonaut review\ntaxonaut review --status",
)
def start(
    session: Session,
    person: PersonOption = None,
    status: Annotated[
        bool, typer.Option("--status", help="Print how far the queue is, and who decided what, and exit.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Go through the queue at a terminal, one item a screen.

    A screen shows a text, its labels, why it is in the queue, and labels that may be right. One key decides: 1 to 9
    choose, k keeps the labels, n says none of these, ? that it cannot be told, s skips, / searches labels, u takes
    the latest decision back, q stops. Each decision is kept at once; the same command goes on where it stopped.
    Several people can work at the same time, each with a --person NAME, and get no doubles. Without a terminal, hand
    decisions in as a table: taxonaut review apply.
    """
    session.require_workspace()
    queue = review.review_queue.ReviewQueue(session.folder, this_person(person))
    if status or json:
        with session.open() as workspace:
            review.review_statements.send_answers(workspace, queue)
        show_status(session, queue, json=json)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "taxonaut review needs a terminal; without one, fill in the column decision of a table (taxonaut review "
            "errors -o errors.csv) and hand it in: taxonaut review apply errors.csv"
        )
    if not queue.progress().open:
        say(describe_empty(session, queue))
        return
    ReviewScreen(session, queue).run()


def describe_empty(session: Session, queue: review.review_queue.ReviewQueue) -> str:
    """Say that nothing is open, and how to fill the queue."""
    done = "nothing is left to review" if queue.progress().answered else "the review queue is empty"
    return (
        f"{done}; fill it with likely errors ({session.again('review errors')}) or with items to label next "
        f"({session.again('review next 20 ITEMS')})"
    )


def show_status(session: Session, queue: review.review_queue.ReviewQueue, *, json: bool) -> None:
    """Print how far the queue is, and how many decisions of which kind each person made."""
    kinds = review.review_queue.KINDS
    people: dict[str, dict[str, int]] = {}
    for answers in queue.answers().values():
        for each in answers:
            counts = people.setdefault(each.person, dict.fromkeys(kinds[:-1], 0))
            counts[each.decision.kind] += 1
    found = queue.progress()
    if json:
        print_json({"open": found.open, "answered": found.answered, "people": people})
        return
    typer.echo(f"{counted(found.open, 'item')} open, {found.answered:,} answered")
    words = {"label": "other label", "keep": "kept", "none": "none of these", "undecided": "cannot tell"}
    for name, counts in people.items():
        said = ", ".join(f"{words[kind]} {count:,}" for kind, count in counts.items() if count)
        typer.echo(f"{name}: {said}")
