"""`taxonaut expert list|show|remove`: the experts of a workspace and their model cards."""

from typing import Annotated

import typer

from taxonaut.cli.expert.expert_view import card_row, card_table, print_card
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json


@command("list", example="taxonaut expert list")
def list_experts(session: Session, json: JsonOption = False) -> None:
    """List trained experts, newest last.

    categorize uses the newest one.
    """
    with session.open() as workspace:
        experts = workspace.experts
        cards = experts.cards()
        rows = [card_row(card, experts.path(card.number)) for card in cards]
    if json:
        print_json(rows)
    elif cards:
        out().print(card_table(cards))
    elif not session.quiet:
        say(f"no expert was trained yet; train one: {session.again('expert train ITEMS')}")


@command("show", example="taxonaut expert show\ntaxonaut expert show 2 --json")
def show(
    session: Session,
    number: Annotated[
        int | None, typer.Argument(metavar="N", help="Expert number. Default: the newest.", min=1)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show an expert's model card.

    The card says what the expert was trained on, how accurate it is, and when it was trained.
    """
    with session.open() as workspace:
        card = workspace.experts.card(number)
        folder = workspace.experts.path(card.number)
    if json:
        print_json(card_row(card, folder))
    else:
        print_card(out(), card, folder)


@command("remove", example="taxonaut expert remove 1")
def remove(
    session: Session,
    number: Annotated[int, typer.Argument(metavar="N", help="Expert number.", min=1)],
) -> None:
    """Delete an expert, its files and its audit.

    Items that it categorized keep their categories.
    """
    with session.open() as workspace:
        workspace.experts.remove(number)
    if not session.quiet:
        say(f"removed expert {number}")
