"""`taxonaut learn run`: learn from labelled items, measured before it is adopted."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from taxonaut.cli.learn.learned_view import describe_learned, learned_row
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileOptions, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.option_groups import given
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import is_interactive, print_json


@command(
    "run",
    example="taxonaut learn run labelled.csv --text-column title\n"
    "taxonaut learn run --adopt auto\n"
    "taxonaut learn run train.jsonl --rounds 1 --learner exemplars",
    asks_models=True,
)
def run(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[ITEMS]",
            help="Items with their labels. Default: all that evaluations, reviews and corrections said.",
            show_default=False,
        ),
    ] = None,
    adopt: Annotated[
        Literal["ask", "auto", "never"],
        typer.Option(
            help="Use what was learned from now on: ask first, if it passes the gate (auto), or never. Where nobody "
            "can be asked, ask says how."
        ),
    ] = "ask",
    learner: Annotated[
        str | None,
        typer.Option(
            "--learner",
            metavar="NAMES",
            help="What learns, separated by commas: finetuning (slow, extra train), adapter, exemplars. "
            "Default: as in taxonaut.toml, the last two.",
            show_default=False,
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Most rounds of walking, learning and measuring.", show_default=False
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the items to measure on.",
            rich_help_panel=ADVANCED_PANEL,
            show_default=False,
        ),
    ] = None,
    unseen: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the labels that are not learned where it is measured.",
            rich_help_panel=ADVANCED_PANEL,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Random seed.", rich_help_panel=ADVANCED_PANEL, show_default=False),
    ] = None,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Learn from labelled items: walk, mark, adapt, measure, and again.

    Part of the items and of the labels are kept apart, and what was learned is measured on them, before and after.
    Then it is learned from everything and saved as a version with a card; it is used once it is adopted. The same
    command continues after a kill, and repeats nothing. docs/learning.md has the details.
    """
    learners = None if learner is None else [name.strip() for name in learner.split(",") if name.strip()]
    settings = given(learners=learners, rounds=rounds, holdout=holdout, unseen=unseen, seed=seed)
    with progress(session, json=json) as bar:
        bar.stage("reading items")
        rows = None if file is None else layout.read(file)
        with session.open() as workspace:
            if rows is not None:
                rows = match_gold(session, workspace.index, rows)
            try:
                done = workspace.learn(rows, adopt="auto" if adopt == "auto" else "never", **settings)
            except KeyboardInterrupt:
                raise InterruptedWork(
                    "interrupted: finished walks and rounds are kept, and nothing was adopted; the same command "
                    "continues"
                ) from None
            names = workspace.index
            lines = list(describe_learned(done, session, names))
    if json:
        print_json(learned_row(done))
    elif not session.quiet:
        for line in lines:
            say(line)
    if done.adopted or adopt != "ask" or json:
        return
    if is_interactive() and typer.confirm(
        f"use version {done.version} from now on?", default=done.passed, err=True
    ):
        with session.open() as workspace:
            workspace.learned.adopt(done.version, "adopted after the measures were shown")
        say(f"version {done.version} is in use; to go back: {session.again('learn undo')}")
    else:
        say(f"nothing was adopted; to use it: {session.again(f'learn adopt {done.version}')}")
