"""`taxonaut expert train`: a domain expert from labelled products."""

from typing import Annotated, Any

import typer

from taxonaut.cli.expert.expert_view import card_row, describe_training
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileArgument, LabelledFileOptions, column, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.option_groups import given
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import print_json


def setting(*names: str, text: str, **more: Any) -> Any:
    """Make an option that replaces a setting of [expert]."""
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=ADVANCED_PANEL, **more)


@command(
    "train",
    example="taxonaut expert train products.csv --text-column title --labels-column category\n"
    "taxonaut expert train train.jsonl --dev dev.jsonl --bootstrap\n"
    "taxonaut expert train products.jsonl --encoder ./xlm-roberta-base --epochs 5\n"
    "taxonaut expert train products.jsonl --encoder ./all-minilm-l6-v2 --contrast",
)
def train(
    session: Session,
    file: LabelledFileArgument,
    dev: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Items to evaluate on, laid out as the first FILE. Default: cross-validation; "
            "with --encoder, a held-out part.",
            show_default=False,
        ),
    ] = None,
    skip_unknown: Annotated[
        bool,
        typer.Option("--skip-unknown", help="Skip items whose category is not in the index."),
    ] = False,
    encoder: Annotated[
        str | None,
        setting(
            "--encoder",
            text="Directory of a transformer to fine-tune. Default: train a head on the "
            "workspace's embeddings.",
            metavar="FOLDER",
        ),
    ] = None,
    contrast: Annotated[
        bool,
        setting("--contrast", text="Fine-tune --encoder by contrast of items and category names."),
    ] = False,
    epochs: Annotated[
        int | None, setting("--epochs", text="Train for at most N epochs.", min=1, metavar="N")
    ] = None,
    no_augment: Annotated[
        bool, setting("--no-augment", text="Add no synthetic items made from category paths.")
    ] = False,
    focal: Annotated[
        bool | None, setting("--focal/--no-focal", text="Use focal loss in phase 1, or cross-entropy.")
    ] = None,
    bootstrap: Annotated[
        bool | None,
        setting(
            "--bootstrap/--no-bootstrap",
            text="Run phase 2, which trusts the given categories less, or skip it.",
        ),
    ] = None,
    seed: Annotated[int | None, setting("--seed", text="Random seed.", min=0)] = None,
    *,
    layout: LabelledFileOptions,
    popularity_column: Annotated[
        str, column("--popularity-column", "the popularity; definitions are written from popular products")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Train a domain expert: a classifier over the index's categories.

    The expert is evaluated and calibrated on items that it was not trained on, and saved in the workspace with a
    model card. categorize uses the newest expert. docs/expert.md describes the settings; those that are left out
    are as in taxonaut.toml.
    """

    settings = given(
        encoder=encoder,
        objective="contrast" if contrast else None,
        epochs=epochs,
        seed=seed,
        augment=0.0 if no_augment else None,
        focal=focal,
        bootstrap=bootstrap,
    )
    with progress(session, json=json) as bar:
        bar.stage("reading products")
        rows = layout.read(file, popularity_column)
        dev_rows = None if dev is None else layout.read(dev, popularity_column)
        with session.open(expert=settings) as workspace:
            rows = match_gold(session, workspace.index, rows, keep_unknown=True)
            if dev_rows is not None:
                dev_rows = match_gold(session, workspace.index, dev_rows, keep_unknown=True)
            try:
                card = workspace.train_expert(rows, dev_rows=dev_rows, skip_unknown=skip_unknown)
            except KeyboardInterrupt:
                raise InterruptedWork(
                    "interrupted: no expert was made of this training; embeddings that were computed are kept, "
                    "and so are earlier experts. The same command starts again"
                ) from None
            folder = workspace.experts.path(card.number)
    if json:
        print_json(card_row(card, folder))
    elif not session.quiet:
        for line in describe_training(card, folder, session):
            say(line)
