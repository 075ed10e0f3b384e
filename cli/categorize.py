"""`taxonaut categorize`: one category for each text, from a trained expert or, where it is unsure, another one."""

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from taxonaut.cli.classify import OutputOption, given_only
from taxonaut.cli.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.reporting import SOME_FAILED, say
from taxonaut.cli.session import JsonOption, Session, command
from taxonaut.cli.terminal import counted, utf8_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from taxonaut.cli.categorizing import Sink, Tally
    from taxonaut.cli.item_input import ItemInput
    from taxonaut.state.expertise import Categorized
    from taxonaut.workspace.result_files import ResultWriter

app = typer.Typer()

GENERAL_PANEL = "The general expert"


Shown = Literal["leaf", "path", "name", "definition"]
Ask = Literal["choose", "rank", "think"]

CandidatesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Categories it chooses from; else as in taxonaut.toml.",
        rich_help_panel=GENERAL_PANEL,
        show_default=False,
    ),
]
ShownOption = Annotated[
    Shown | None,
    typer.Option(help="How it sees a category.", rich_help_panel=GENERAL_PANEL, show_default=False),
]
AskOption = Annotated[
    Ask | None,
    typer.Option(
        help="Choose at once, rank, or think and then rank.",
        rich_help_panel=GENERAL_PANEL,
        show_default=False,
    ),
]
ExpertOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="The trained expert; else the newest.", show_default=False),
]


@command(
    app,
    "categorize",
    example='taxonaut categorize "stainless steel water bottle, 750 ml"\n'
    "taxonaut categorize products.csv --text-column title -o categorized.jsonl\n"
    "taxonaut categorize products.csv --threshold 0.8 --ask think -o categorized.csv",
)
def categorize(
    session: Session,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="Texts, or one file (.csv, .tsv, .jsonl, .json, .parquet, .txt; .gz too), or - for stdin.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The general expert decides where the trained one is less sure (0: nowhere); else as in "
            "taxonaut.toml, as the last audit proposed, or 0.5.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All items go to the general expert.")
    ] = False,
    expert: ExpertOption = None,
    candidates: CandidatesOption = None,
    shown: ShownOption = None,
    ask: AskOption = None,
    text_column: Annotated[str, column("--text-column", "the text")] = "text",
    id_column: Annotated[str, column("--id-column", "its id; without one its line number is the id")] = "id",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    output_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="jsonl, csv, tsv or parquet.",
            rich_help_panel=FILE_PANEL,
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put each text into one category: what a trained expert is sure of stands, a general one decides the rest.

    Train an expert first (expert train), and see what a threshold buys (expert audit). What either said of an
    item is kept: after Ctrl-C, a kill or a failure the same command continues, and with another threshold only
    items that were not asked about before are. With --json the results are JSON lines on standard output; with
    -o as well, they go there and a summary is printed.
    """
    from taxonaut.cli.categorizing import categorize_all
    from taxonaut.cli.item_input import item_input
    from taxonaut.cli.progress import progress
    from taxonaut.cli.terminal import out, print_json
    from taxonaut.state.errors import InputError
    from taxonaut.workspace.item_files import ItemColumns

    if everything and threshold is not None:
        raise InputError(
            "give --threshold or --everything, not both: the second leaves nothing to a threshold"
        )
    given = item_input(
        texts or [], ItemColumns(id=id_column, text=text_column, labels=""), format=format, encoding=encoding
    )
    how = given_only(threshold=threshold, expert=expert, candidates=candidates, shown=shown, ask=ask)
    console = out()
    sink = chosen_sink(console, given, output or ("-" if json or output_format else None), output_format)
    with progress(session, console, json=json and not output) as bar, session.open() as workspace:
        tally = categorize_all(workspace, given, sink, bar, {**how, "everything": everything})
    if json and output:
        print_json(tally.row())
    finish(session, tally, output)


def chosen_sink(
    console: "Console", given: "ItemInput", output: str | None, format: str | None
) -> "AbstractContextManager[Sink]":
    """Choose where results go: to a file, to standard output, or to a person. Nothing is written yet."""
    from taxonaut.cli.categorized_view import print_categorized
    from taxonaut.workspace.categorized_files import CATEGORIZED
    from taxonaut.workspace.result_files import open_file

    if output is None:
        with_id = not given.is_texts
        return nullcontext(lambda item, result: print_categorized(console, item, result, with_id=with_id))
    if output == "-":
        utf8_output()
    inputs = [given.file] if given.file else []
    return written(open_file(output, CATEGORIZED, format, inputs=inputs))  # type: ignore[arg-type]


@contextmanager
def written(writer: "ResultWriter[Categorized]") -> "Iterator[Sink]":
    """Open a result file for the block."""
    with writer:
        yield lambda _, result: writer.write([result])


def finish(session: Session, tally: "Tally", output: str | None) -> None:
    """Say what was done and what it cost; end with 6 if items failed that another run can ask about again."""
    if not session.quiet:
        for line in tally.lines(output):
            say(line)
    if tally.failed:
        say(
            f"{tally.failed:,} of {counted(tally.items, 'item')} failed, the first: {tally.first_error}\n"
            "run the same command again to ask about these only"
        )
        raise typer.Exit(SOME_FAILED)
