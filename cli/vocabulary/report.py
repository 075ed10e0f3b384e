"""`taxonaut vocabulary report`: a vocabulary as one HTML file to click through."""

from __future__ import annotations

from typing import Annotated

import typer

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.state.errors import InputError
from taxonaut.workspace import vocabulary

FILE = "vocabulary.html"


@command(
    "report",
    example="taxonaut vocabulary report\ntaxonaut vocabulary report office.html --items 50\n"
    "taxonaut vocabulary report --json",
)
def report(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help=f"Page to write (.html), or - for standard output. Default: {FILE}.",
            show_default=False,
        ),
    ] = None,
    items: Annotated[int, typer.Option(min=1, help="Show N items of each descriptor.")] = 20,
    json: JsonOption = False,
) -> None:
    """Write an HTML report of the vocabulary.

    The page shows the tree down to the items, coverage by level and by round, utilization, siblings that are hard
    to tell apart, and items without a descriptor. It is one file that needs no network. With --json, the numbers
    are printed, and a page is written only if FILE is given. Requires: pip install 'taxonaut[report]'.
    """
    if json and file == "-":
        raise InputError(
            "--json prints the numbers to standard output; name a file for the page, or leave it out"
        )
    chosen = file or ("" if json else FILE)
    if chosen:
        vocabulary.report.check_page(chosen)
    with session.open() as workspace:
        facts = vocabulary.report_data.load_facts(workspace)
        size = vocabulary.report.write_page(workspace, facts, chosen, items=items) if chosen else 0
    if json:
        print_json(vocabulary.report_data.statistics_row(facts))
    if chosen and not session.quiet:
        where = "standard output" if chosen == "-" else chosen
        numbers = facts.statistics
        say(
            f"wrote {counted(numbers.descriptors, 'descriptor')} and {counted(numbers.items, 'item')} to {where} "
            f"({size / 1e6:.1f} MB)"
        )
