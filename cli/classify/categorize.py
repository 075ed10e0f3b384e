"""`taxonaut categorize`: one category for each text, from a trained expert or, where it is unsure, another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from taxonaut.cli.shared.file_options import ItemFileOptions, TextsArgument
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_command import (
    OutputFormatOption,
    OutputOption,
    RawCellsOption,
    ResultOutput,
    Work,
    describe_cost,
    describe_place,
    describe_speed,
    embed_labels,
    run_item_command,
)
from taxonaut.cli.shared.item_view import LONGEST_TEXT
from taxonaut.cli.shared.option_groups import given, given_in
from taxonaut.cli.shared.progress import Bar
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, path_text, printable, styled
from taxonaut.state.errors import InputError
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Item
from taxonaut.workspace import expert, files, walk

if TYPE_CHECKING:
    from taxonaut.workspace.expert.categorize import Threshold
    from taxonaut.workspace.workspace import Workspace

LONGEST_REASON = 400


def print_categorized(console: Console, item: Item, result: Categorized, with_id: bool = False) -> None:
    """Print an item's text and its category, or why it has none."""
    title = styled(f"{item.id}  " if with_id else "", "dim")
    text = " ".join(printable(item.text).split())
    console.print(title.append_text(styled(clipped(text, LONGEST_TEXT), "bold")))
    console.print(styled("  ").append_text(describe_outcome(result)))
    if result.reason:
        console.print(styled(f"  “{clipped(' '.join(result.reason.split()), LONGEST_REASON)}”", "yellow"))
    console.print()


def describe_outcome(result: Categorized) -> Text:
    """Say in a line which category an item got and who decided, or why it got none."""
    sure = f"{result.recommended.confidence:.0%}"
    if result.label_id is not None:
        line = path_text(result.path or (result.label_id,))
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


VERDICTS = ("domain", "general", "none", "undecided", "blank", "failed")
SAID = {
    "domain": "the domain expert",
    "general": "the general expert",
    "none": "no candidate fits",
    "undecided": "undecided",
    "blank": "without text",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class CategorizeSummary:
    """What a call categorized. `verdicts` counts items by who decided."""

    expert: int
    threshold: Threshold
    tally: walk.tally.Tally = field(default_factory=lambda: walk.tally.Tally())
    verdicts: Counter[str] = field(default_factory=Counter)

    def count(self, result: Categorized) -> None:
        """Count one result."""
        self.tally.count(result.error if result.verdict == "failed" else "")
        self.verdicts[result.verdict] += 1

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        items, seconds = self.tally.items, self.tally.seconds
        return {
            "items": items,
            "expert": self.expert,
            "threshold": None if self.threshold.origin == "everything" else self.threshold.value,
            "threshold_from": self.threshold.origin,
            "verdicts": {verdict: self.verdicts[verdict] for verdict in VERDICTS},
            "seconds": round(seconds, 3),
            "per_second": round(items / seconds, 1) if seconds else 0.0,
            "cost": asdict(self.tally.totals),
        }

    def lines(self, output: str | None) -> list[str]:
        """Return it as lines for the user."""
        items, totals = self.tally.items, self.tally.totals
        asked = describe_cost(totals) if totals.requests else "no request to a general expert"
        shares = [
            f"{SAID[verdict]} {self.verdicts[verdict]:,} ({self.verdicts[verdict] / items:.1%})"
            for verdict in VERDICTS
            if self.verdicts[verdict]
        ]
        return [
            f"{counted(items, 'item')}{describe_place(output)} {describe_speed(self.tally)}; {asked}",
            *([", ".join(shares)] if shares else []),
            f"expert {self.expert}, {describe_threshold(self.threshold)}",
        ]


def describe_threshold(threshold: Threshold) -> str:
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


def general_option(help: str, **more: Any) -> Any:
    """Make an option that replaces a setting of [categorize]."""
    return typer.Option(help=help, show_default=False, rich_help_panel=ADVANCED_PANEL, **more)


ExpertOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Use trained expert N. Default: the newest.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class ExpertOptions:
    """Which trained expert, and how the general expert is asked, in place of taxonaut.toml."""

    expert: ExpertOption = None
    candidates: Annotated[
        int | None,
        general_option("Let the general expert choose from N categories.", metavar="N", min=1),
    ] = None
    shown: Annotated[
        Literal["leaf", "path", "name", "definition"] | None,
        general_option("How the general expert sees a category."),
    ] = None
    ask: Annotated[
        Literal["choose", "rank", "think"] | None,
        general_option("How the general expert answers: choose one, rank, or think first and then rank."),
    ] = None


@command(
    "categorize",
    example='taxonaut categorize "stainless steel water bottle, 750 ml"\n'
    "taxonaut categorize products.csv --text-column title -o categorized.jsonl\n"
    "taxonaut categorize products.csv --threshold 0.8 --ask think -o categorized.csv",
    asks_models=True,
)
def categorize(
    session: Session,
    texts: TextsArgument = None,
    output: OutputOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Ask the general expert where the trained one is less sure than X, from 0 (never) to 1. Default: as "
            "in taxonaut.toml, else as the last audit proposed, else 0.5.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Ask the general expert about all items.")
    ] = False,
    *,
    experts: ExpertOptions,
    layout: ItemFileOptions,
    output_format: OutputFormatOption = None,
    raw_cells: RawCellsOption = False,
    json: JsonOption = False,
) -> None:
    """Assign one category to each text with a trained expert.

    A general expert decides where the trained one is unsure. Train an expert first (expert train) and choose a
    threshold (expert audit). Answers are kept: run an interrupted command again to continue it; with another
    threshold, only items that were not asked about before are. With --json, results go to standard output as JSON
    lines; with -o as well, results go to the file and a summary is printed as JSON. A result file has the input's
    columns first, then label, label_id, path and how it was decided.
    """
    if everything and threshold is not None:
        raise InputError(
            "give --threshold or --everything, not both: the second leaves nothing to a threshold"
        )
    settings = {**given(threshold=threshold), **given_in(experts), "everything": everything}
    run_item_command(
        session,
        layout.read(texts or []),
        ResultOutput(
            output,
            output_format,
            json,
            lambda _: expert.categorized_rows.CATEGORIZED,
            print_categorized,
            files.table_writers.tree_sheet.label_sheet,
            raw=raw_cells,
        ),
        lambda workspace, bar: prepare_routing(workspace, bar, settings),
        "categorizing",
    )


def prepare_routing(
    workspace: Workspace, bar: Bar, settings: dict[str, Any]
) -> tuple[Work[Categorized], CategorizeSummary]:
    """Open the trained expert and what decides where it is unsure."""
    routing = expert.categorize.prepare_categorization(workspace, **settings)
    if routing.compares_vectors:
        embed_labels(workspace, bar)

    async def results(items: Iterator[Item]) -> AsyncGenerator[tuple[Item, Categorized], None]:
        async with aclosing(routing.results(items)) as stream:
            async for item, (result, _) in stream:
                yield item, result

    return Work(results, routing.totals), CategorizeSummary(routing.card.number, routing.threshold)
