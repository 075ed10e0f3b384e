"""`taxonaut calibrate`: scores that say how likely a label is right, by items that were labelled."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import LabelledFileOptions
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import print_json


@command(
    "calibrate", example="taxonaut calibrate labelled.csv --text-column title\ntaxonaut calibrate --forget"
)
def calibrate(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help="Items with their labels. Default: those of earlier evaluations.",
            show_default=False,
        ),
    ] = None,
    *,
    layout: LabelledFileOptions,
    forget: Annotated[
        bool, typer.Option("--forget", help="Remove the calibration: scores are by the built-in prior again.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fit the scores of classify to labelled items, so that they say how likely a label is right.

    Without a calibration a prior is used, fitted on other label sets. The items, at least 20, are classified first;
    those that are finished are not classified again. The calibration is kept in the workspace, as calibration.json.
    """
    rows = None if file is None else layout.read(file)
    with progress(session, json=json) as bar, session.open() as workspace:
        if forget:
            there = workspace.forget_calibration()
            say("scores are by the prior again" if there else "there is no calibration")
            return
        bar.stage("labelling")
        card = workspace.calibrate(rows)
    if json:
        print_json(asdict(card))
    else:
        say(
            f"scores of this workspace are fitted to {card.items:,} items, the first label right in {card.right:,}; "
            f"expected calibration error {100 * card.before:.1f} % by the prior, {100 * card.after:.1f} % fitted"
        )
