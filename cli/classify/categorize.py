"""`taxonaut categorize`: one category for each text, from a trained expert or, where it is unsure, another one."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from taxonaut.cli.classify.classify import OutputOption, given_only
from taxonaut.cli.shared.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.shared.exit_codes import SOME_FAILED, say
from taxonaut.cli.shared.item_input import ItemInput, item_input
from taxonaut.cli.shared.item_run import continued, streamed
from taxonaut.cli.shared.item_view import LONGEST_TEXT
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import (
    clipped,
    counted,
    out,
    path_text,
    print_json,
    printable,
    styled,
    utf8_output,
)
from taxonaut.cli.vocabulary.run import cost
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.expert.categorize import Threshold, categorizing
from taxonaut.workspace.expert.categorized_rows import CATEGORIZED
from taxonaut.workspace.files.item_files import ItemColumns
from taxonaut.workspace.files.result_files import ResultWriter, open_file
from taxonaut.workspace.workspace import Workspace

LONGEST_REASON = 400


def print_categorized(console: Console, item: Item, result: Categorized, *, with_id: bool = False) -> None:
    """Print an item's text and what came of it."""
    title = styled(f"{item.id}  " if with_id else "", "dim")
    text = " ".join(printable(item.text).split())
    console.print(title.append_text(styled(clipped(text, LONGEST_TEXT), "bold")))
    console.print(styled("  ").append_text(outcome(result)))
    if result.reason:
        console.print(styled(f"  “{clipped(' '.join(result.reason.split()), LONGEST_REASON)}”", "yellow"))
    console.print()


def outcome(result: Categorized) -> Text:
    """Say in a line which category an item got and who decided, or why it got none."""
    sure = f"{result.recommended.confidence:.0%}"
    if result.label is not None:
        line = path_text(result.path or (result.label,))
        who = f"the domain expert, {sure} sure"
        if result.verdict == "general":
            of = "of it too" if result.ranking[:1] == result.recommended.labels[:1] else "of another"
            who = f"the general expert; the domain expert was {sure} sure {of}"
        return line.append(f"   {who}", "cyan not bold not dim")
    if result.verdict == "failed":
        return styled(f"failed: {result.error}", "red")
    candidates = counted(len(result.recommended.labels), "candidate")
    said = {
        "none": f"no category: none of {candidates} fits, says the general expert",
        "undecided": "no category: the general expert cannot decide"
        if result.recommended.labels
        else "no category: the domain expert has no candidate",
        "blank": "no category: the text is empty",
    }
    return styled(said[result.verdict], "dim")


Sink = Callable[[Item, Categorized], None]
"""Takes each item with what came of it, in order."""

VERDICTS = ("domain", "general", "none", "undecided", "blank", "failed")
SAID = {
    "domain": "the domain expert",
    "general": "the general expert",
    "none": "no candidate fits",
    "undecided": "undecided",
    "blank": "without text",
    "failed": "failed",
}


@dataclass(slots=True)
class Tally:
    """What a call did and what it cost. `verdicts` counts items by who decided."""

    expert: int
    threshold: Threshold
    verdicts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    first_error: str = ""
    seconds: float = 0.0
    totals: Totals | None = None

    @property
    def items(self) -> int:
        """How many items have a result."""
        return self.verdicts.total()

    @property
    def failed(self) -> int:
        """How many items another run can ask about again."""
        return self.verdicts["failed"]

    def count(self, result: Categorized) -> None:
        """Count one result."""
        self.verdicts[result.verdict] += 1
        self.first_error = self.first_error or result.error

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return {
            "items": self.items,
            "expert": self.expert,
            "threshold": None if self.threshold.origin == "everything" else self.threshold.value,
            "threshold_from": self.threshold.origin,
            "verdicts": {verdict: self.verdicts[verdict] for verdict in VERDICTS},
            "seconds": round(self.seconds, 3),
            "per_second": round(self.items / self.seconds, 1) if self.seconds else 0.0,
            "cost": asdict(self.totals) if self.totals is not None else {},
        }

    def lines(self, output: str | None) -> Iterator[str]:
        """Say it to a person."""
        assert self.totals is not None
        where = f" -> {output}" if output and output != "-" else ""
        rate = self.items / self.seconds if self.seconds else 0.0
        asked = cost(self.totals) if self.totals.requests else "no request to a general expert"
        yield f"{counted(self.items, 'item')}{where} in {self.seconds:,.1f} s ({rate:,.1f}/s); {asked}"
        shares = [
            f"{SAID[verdict]} {self.verdicts[verdict]:,} ({self.verdicts[verdict] / self.items:.1%})"
            for verdict in VERDICTS
            if self.verdicts[verdict]
        ]
        if shares:
            yield ", ".join(shares)
        yield f"expert {self.expert}, {told(self.threshold)}"


def told(threshold: Threshold) -> str:
    """Say what the threshold is and where it comes from."""
    if threshold.origin == "everything":
        return "all items to the general expert"
    said = f"threshold {threshold.value:g}"
    if threshold.origin == "set":
        return said
    if threshold.origin == "default":
        return f"{said}, as none is set and no audit proposed one (taxonaut expert audit ITEMS)"
    stale = (
        "; that was with another model, index or other settings: audit again" if threshold.is_stale else ""
    )
    return f"{said}, as the last audit proposed{stale}"


def categorize_all(
    workspace: Workspace,
    given: ItemInput,
    sink: AbstractContextManager[Sink],
    bar: Bar,
    how: dict[str, Any],
) -> Tally:
    """Categorize all items and hand each result to the sink, opened once nothing else stands in the way.

    Raises InterruptedWork on Ctrl-C, after what runs has been ended in order.
    """
    bar.stage("preparing")
    routing = categorizing(workspace, **how)
    tally = Tally(routing.card.number, routing.threshold)
    with continued(given, tally):
        if routing.compares_vectors:
            bar.stage("embedding labels")
            workspace.embed_labels()
        before = routing.totals()
        bar.stage("categorizing", given.count)
        with sink as write:

            def take(found: tuple[Item, tuple[Categorized, JudgedItem | None]]) -> None:
                tally.count(found[1][0])
                write(found[0], found[1][0])

            streamed(workspace, routing.results(given.items()), take, tally)
    tally.totals = routing.totals().since(before)
    return tally


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
    console: Console, given: ItemInput, output: str | None, format: str | None
) -> AbstractContextManager[Sink]:
    """Choose where results go: to a file, to standard output, or to a person. Nothing is written yet."""
    if output is None:
        with_id = not given.is_texts
        return nullcontext(lambda item, result: print_categorized(console, item, result, with_id=with_id))
    if output == "-":
        utf8_output()
    inputs = [given.file] if given.file else []
    return written(open_file(output, CATEGORIZED, format, inputs=inputs))


@contextmanager
def written(writer: ResultWriter[Categorized]) -> Iterator[Sink]:
    """Open a result file for the block."""
    with writer:
        yield lambda _, result: writer.write([result])


def finish(session: Session, tally: Tally, output: str | None) -> None:
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
