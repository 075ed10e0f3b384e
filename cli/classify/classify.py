"""`taxonaut classify`: label texts, as many as there are, and keep what is finished."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from taxonaut.cli.shared.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.shared.exit_codes import SOME_FAILED, say
from taxonaut.cli.shared.item_input import ItemInput, item_input
from taxonaut.cli.shared.item_run import Sink, label_all
from taxonaut.cli.shared.item_view import print_item
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, utf8_output
from taxonaut.state.records import ItemResult
from taxonaut.workspace.files.item_files import ItemColumns
from taxonaut.workspace.files.result_files import ResultWriter, open_results
from taxonaut.workspace.walk.labelling import Tally

WALK_PANEL = "The walk"

ShortlistOption = Annotated[
    Literal["tree", "dense", "both"] | None,
    typer.Option(
        help="Where labels to rank come from: the walk, dense retrieval, or both.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
TerminalsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Terminal nodes that the walk of a text may reach. Else 20.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
OrderOption = Annotated[
    Literal["breadth", "depth"] | None,
    typer.Option(
        help="A level at a time, or the best branch first, on a stack. Else breadth.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
StartOption = Annotated[
    Literal["root", "anchored"] | None,
    typer.Option(
        help="At the root, or around the labels that dense retrieval finds. Else root.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
AnchorsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Labels an anchored walk starts from. Else 20.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
BeamOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Most branches kept of a level; 0: as many as fit. Else 0.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        metavar="SCORE",
        help="Branches that score lower stay closed. Else none.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
AncestorsOption = Annotated[
    bool | None,
    typer.Option(
        "--ancestors/--no-ancestors",
        help="Compare branches by their paths, or by their names. Else paths in your own tree.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]


TopOption = Annotated[
    int | None,
    typer.Option(min=1, help="Most labels of a text; else as in taxonaut.toml.", show_default=False),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Write there: .jsonl, .csv, .tsv or .parquet.",
        show_default=False,
    ),
]


@command(
    "classify",
    example='taxonaut classify "wireless earbuds with noise cancelling"\n'
    "taxonaut classify products.csv --text-column title -o labelled.jsonl\n"
    "taxonaut classify products.csv --start anchored --anchors 20 --terminals 10",
)
def classify(
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
    top: TopOption = None,
    shortlist: ShortlistOption = None,
    terminals: TerminalsOption = None,
    order: OrderOption = None,
    start: StartOption = None,
    anchors: AnchorsOption = None,
    beam: BeamOption = None,
    threshold: ThresholdOption = None,
    ancestors: AncestorsOption = None,
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
    """Label texts: each gets its labels, best first, with the path that led to each.

    An argument that exists or ends in a known suffix is a file. What is finished is kept: after Ctrl-C, a
    kill or a failure the same command continues, and asks no model again for what it has. With --json the
    results are JSON lines on standard output; with -o as well, they go there and a summary is printed.
    """
    columns = ItemColumns(id=id_column, text=text_column, labels="")
    given = item_input(texts or [], columns, format=format, encoding=encoding)
    walk = given_only(
        top=top,
        shortlist=shortlist,
        terminals=terminals,
        order=order,
        start=start,
        anchors=anchors,
        beam=beam,
        threshold=threshold,
        ancestors=ancestors,
    )
    console = out()
    sink = chosen_sink(console, given, output or ("-" if json or output_format else None), output_format)
    with progress(session, console, json=json and not output) as bar, session.open() as workspace:
        tally = label_all(workspace.with_walk(**walk), given, sink, bar)
    if json and output:
        print_json(tally.row())
    finish(session, tally, output)


def given_only(**walk: object) -> dict[str, Any]:
    """Return the walk settings that were given."""
    return {name: value for name, value in walk.items() if value is not None}


def chosen_sink(
    console: Console, given: ItemInput, output: str | None, format: str | None
) -> AbstractContextManager[Sink]:
    """Choose where results go: to a file, to standard output, or to a person. Nothing is written yet."""
    if output is None:
        with_id = not given.is_texts
        return nullcontext(lambda item, result: print_item(console, item, result, with_id=with_id))
    if output == "-":
        utf8_output()
    inputs = [given.file] if given.file else []
    return written(open_results(output, format, inputs=inputs))


@contextmanager
def written(writer: ResultWriter[ItemResult]) -> Iterator[Sink]:
    """Open a result file for the block."""
    with writer:
        yield lambda _, result: writer.write([result])


def finish(session: Session, tally: Tally, output: str | None) -> None:
    """Say what was done and what it cost; end with 6 if items failed that another run can ask for again."""
    if not session.quiet:
        where = f" -> {output}" if output and output != "-" else ""
        say(f"{counted(tally.items, 'item')}{where} {speed(tally)}; {cost(tally)}")
        if tally.blank:
            say(f"{counted(tally.blank, 'item')} without text got no labels")
    if tally.failed:
        say(
            f"{tally.failed:,} of {counted(tally.items, 'item')} failed, the first: {tally.first_error}\n"
            "run the same command again to ask for these only"
        )
        raise typer.Exit(SOME_FAILED)


def speed(tally: Tally) -> str:
    """Say how long it took."""
    rate = tally.items / tally.seconds if tally.seconds else 0.0
    return f"in {tally.seconds:,.1f} s ({rate:,.1f}/s)"


def cost(tally: Tally) -> str:
    """Say what was asked of models."""
    if not tally.requests:
        return "no model was asked: all was kept from before"
    said = counted(tally.requests, "request")
    if tally.cached:
        said += f", {tally.cached:,} of them answered from the cache"
    if tally.prompt_tokens:
        reused = tally.reused_tokens / tally.prompt_tokens
        said += f", {tally.prompt_tokens:,} tokens read ({reused:.0%} reused)"
        said += f", {tally.completion_tokens:,} written"
    return said
