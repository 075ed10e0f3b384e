"""`taxonaut expert train`: a domain expert from labelled products."""

from typing import Annotated, Any

import typer

from taxonaut.cli.expert.expert_view import card_row, summary
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileOptions, column
from taxonaut.cli.shared.option_groups import given
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import print_json

SETTINGS_PANEL = "How it is trained; else as in taxonaut.toml"


def setting(*names: str, text: str, **more: Any) -> Any:
    """Make an option that replaces a setting of [expert]."""
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=SETTINGS_PANEL, **more)


@command(
    "train",
    example="taxonaut expert train products.csv --text-column title --labels-column category\n"
    "taxonaut expert train train.jsonl --dev dev.jsonl --bootstrap\n"
    "taxonaut expert train products.jsonl --encoder ./xlm-roberta-base --epochs 5",
)
def train(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="ITEMS",
            help="Products with their categories, as label ids: .csv, .tsv, .jsonl, .json, .parquet "
            "(.gz too), or - for stdin.",
        ),
    ],
    dev: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Products to judge by, laid out as ITEMS; else ITEMS are held out in turn, or some for an encoder.",
            show_default=False,
        ),
    ] = None,
    skip_unknown: Annotated[
        bool,
        typer.Option("--skip-unknown", help="Leave out products of categories that the index does not have."),
    ] = False,
    encoder: Annotated[
        str | None,
        setting(
            "--encoder",
            text="A local folder with a transformer to fine-tune; else a head on the workspace's embeddings.",
            metavar="FOLDER",
        ),
    ] = None,
    epochs: Annotated[
        int | None, setting("--epochs", text="Most passes over the products.", min=1, metavar="N")
    ] = None,
    no_augment: Annotated[
        bool, setting("--no-augment", text="Without synthetic products made of category paths.")
    ] = False,
    focal: Annotated[
        bool | None, setting("--focal/--no-focal", text="Phase 1 with focal loss, or with cross-entropy.")
    ] = None,
    bootstrap: Annotated[
        bool | None,
        setting("--bootstrap/--no-bootstrap", text="Phase 2, which trusts given categories less, or none."),
    ] = None,
    seed: Annotated[int | None, setting("--seed", text="Seed of all that is random.", min=0)] = None,
    *,
    layout: LabelledFileOptions,
    popularity_column: Annotated[
        str, column("--popularity-column", "the popularity; definitions are written from popular products")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Train a domain expert: a classifier over the index's categories, from labelled products.

    It is judged on products that it did not learn from, its probabilities are scaled on them, and it is kept in
    the workspace with a model card. The newest expert is the one that categorize asks. docs/expert.md says what
    each setting does.
    """

    settings = given(
        encoder=encoder,
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
        for line in summary(card, folder, session):
            say(line)
