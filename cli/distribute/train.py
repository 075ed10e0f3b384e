"""`taxonaut distribute train`: fit a method to the votes of annotators."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from taxonaut.cli.distribute.run import ModelOption, NodeOption, ShotsOption
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileArgument, LabelledFileOptions, match_gold
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.state.ids import NodeId


@command(
    "train",
    example="taxonaut distribute train votes.jsonl\n"
    "taxonaut distribute train votes.jsonl --method linear-probe --model gguf/smollm2-135m-instruct",
)
def train(
    session: Session,
    file: LabelledFileArgument,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="trained: regression on the embedder's vectors and on words; linear-probe: on the last layer of a "
            "gguf/… model; similarity and compare-to-none: Platt scaling.",
        ),
    ] = "trained",
    model: ModelOption = None,
    node: NodeOption = None,
    shots: ShotsOption = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out votes for labels that are not in the index.")
    ] = False,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Fit a method to items with the votes of annotators, or with labels.

    Votes are in a column `annotators`: a list with the list of labels of each annotator, [] where none fits, null
    where one did not answer. Items without it count as labelled by one annotator. Penalty, calibration, thresholds
    and intervals are chosen by cross-validation. The fitted method replaces an earlier one of its kind.
    """
    rows = layout.read(file)
    shown = [] if shots is None else layout.read(shots)
    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage("reading items")
        rows = match_gold(session, workspace.index, rows, keep_unknown=True)
        try:
            card = workspace.train_distribution(
                rows,
                method,
                model=model,
                node=None if node is None else NodeId(node),
                shots=shown,
                skip_unknown=skip_unknown,
            )
        except KeyboardInterrupt:
            raise InterruptedWork(
                "interrupted: nothing was fitted; replies and embeddings that were computed are kept"
            ) from None
    if json:
        print_json(asdict(card))
        return
    for note in card.notes if not session.quiet else ():
        say(f"note: {note}")
    if not session.quiet:
        fitted = f", penalty {card.penalty:g}" if card.penalty is not None else ""
        say(
            f"{card.method} fitted to {counted(card.items, 'item')} and {counted(card.labels, 'label')} in "
            f"{card.seconds:,.1f} s{fitted}; scores times {card.slope:.2f} plus {card.offset:.2f}"
        )
        say(f"use it: taxonaut distribute FILE --method {card.method}")
        say("measure it: taxonaut evaluate FILE --distribution " + card.method)
