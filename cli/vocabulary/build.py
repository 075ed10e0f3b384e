"""`taxonaut vocabulary build|assign`: a vocabulary from items, and its descriptors on items."""

from typing import Annotated, Any

import typer

from taxonaut.cli.shared.columns import EncodingOption, FormatOption, column
from taxonaut.cli.shared.exit_codes import SOME_FAILED, say
from taxonaut.cli.shared.item_input import ItemInput, item_input
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import print_json
from taxonaut.cli.vocabulary.run import (
    Outcome,
    assign_items,
    built,
    check_output,
    print_taggings,
    write_taggings,
)
from taxonaut.state.errors import InputError
from taxonaut.workspace.files.item_files import ItemColumns

POLICY_PANEL = "How it is built; else as in taxonaut.toml"

EveryOption = Annotated[
    bool | None,
    typer.Option(
        "--all/--best",
        help="All descriptors that fit, or one best a level; else all where no language model is asked.",
        show_default=False,
    ),
]
IdColumn = Annotated[str, column("--id-column", "its id; without one its line number is the id")]
TextColumn = Annotated[str, column("--text-column", "the text")]


def setting(text: str, least: int = 1) -> Any:
    """Make the option that replaces one whole number of [vocabulary]."""
    return typer.Option(min=least, help=text, show_default=False, rich_help_panel=POLICY_PANEL)


@command(
    "build",
    example="taxonaut vocabulary build products.csv --text-column title\n"
    "taxonaut vocabulary build products.jsonl --categories 12 --split-threshold 50 --sample 5000\n"
    "taxonaut vocabulary build tickets.txt --depth 3 --branching 0",
)
def build(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="ITEMS", help=".csv, .tsv, .jsonl, .json, .parquet, .txt (.gz too), or - for stdin."
        ),
    ],
    categories: Annotated[int | None, setting("Descriptors proposed for a group at first.", 2)] = None,
    split_threshold: Annotated[int | None, setting("Items from which on a group is divided.", 2)] = None,
    depth: Annotated[int | None, setting("Most levels.")] = None,
    refinement_cycles: Annotated[int | None, setting("Most rounds of changes to a group.", 0)] = None,
    branching: Annotated[
        int | None, setting("Descriptors an item goes on with at a level; 0: all that fit.", 0)
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            min=0, help="Build from so many items, drawn at random; 0: all.", rich_help_panel=POLICY_PANEL
        ),
    ] = 0,
    every: EveryOption = None,
    text_column: TextColumn = "text",
    id_column: IdColumn = "id",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    json: JsonOption = False,
) -> None:
    """Build a vocabulary of descriptors from items, coarse to fine, and put it on them.

    Level by level, an architect proposes descriptors for a group of items, annotators assign them or report why
    nothing fits, and what fits nothing becomes change proposals, which the architect reviews, until the items are
    covered. The models are those of the roles architect and annotator. What is finished is kept: the same
    command goes on after Ctrl-C or a kill. index undo takes the vocabulary back.
    """
    given = read_items([file], text_column, id_column, format, encoding)
    if given.is_texts:
        raise InputError(
            f"there is no file {file!r}; give the file that holds the items, or - for standard input"
        )
    changed = {
        "categories": categories,
        "split_threshold": split_threshold,
        "depth": depth,
        "max_refinement_cycles": refinement_cycles,
        "branching": branching,
    }
    settings = {name: value for name, value in changed.items() if value is not None}
    with progress(session, json=json) as bar, session.open(vocabulary=settings) as workspace:
        report = built(workspace, given, sample, bar)
        outcome = assign_items(workspace, given, bar, every=every)
    if json:
        print_json({**report.row(), "assigned": outcome.row()})
    elif not session.quiet:
        for line in (*report.lines(), *outcome.lines(), f"next: {session.again('vocabulary report')}"):
            say(line)
    end(outcome)


@command(
    "assign",
    example='taxonaut vocabulary assign "A5 notebook, dotted, 120 pages"\n'
    "taxonaut vocabulary assign new_products.csv --text-column title -o tagged.jsonl\n"
    "taxonaut vocabulary assign products.jsonl --all",
)
def assign(
    session: Session,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="Texts, or one file (.csv, .tsv, .jsonl, .json, .parquet, .txt; .gz too), or - for stdin.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Write there: .jsonl, .json or .csv.", show_default=False
        ),
    ] = None,
    every: EveryOption = None,
    text_column: TextColumn = "text",
    id_column: IdColumn = "id",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    json: JsonOption = False,
) -> None:
    """Put descriptors on items: the best of each level, from coarse to fine, as far as anything fits.

    New items need no rebuild. An item that was assigned before gets what it is assigned now. With --json items are
    JSON lines on standard output; with -o they go there as vocabulary export --format plain writes them.
    """
    given = read_items(texts or [], text_column, id_column, format, encoding)
    check_output(output)
    with progress(session, json=json) as bar, session.open() as workspace:
        outcome = assign_items(workspace, given, bar, every=every)
        if output:
            write_taggings(workspace, outcome, output)
        else:
            print_taggings(workspace, outcome, given, json=json)
    if not session.quiet:
        for line in outcome.lines():
            say(line + (f" -> {output}" if output else ""))
    end(outcome)


def read_items(
    given: list[str], text_column: str, id_column: str, format: str | None, encoding: str
) -> ItemInput:
    """Open what the person wants described."""
    columns = ItemColumns(id=id_column, text=text_column, labels="")
    return item_input(given, columns, format=format, encoding=encoding)


def end(outcome: Outcome) -> None:
    """End with 6 if items failed that another run can ask for again."""
    if outcome.failed:
        say(
            f"{outcome.failed:,} of {len(outcome.taggings):,} items failed, the first: {outcome.first_error}\n"
            "run the same command again to ask for these only"
        )
        raise typer.Exit(SOME_FAILED)
