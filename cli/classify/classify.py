"""`taxonaut classify`: label texts, as many as there are, and keep what is finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from taxonaut.cli.classify.batch import BatchInOption, BatchOutOption, walk_in_batch
from taxonaut.cli.shared.file_options import ItemFileOptions, LanguageOption, TextsArgument
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_command import (
    LongOption,
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
from taxonaut.cli.shared.item_view import print_item
from taxonaut.cli.shared.option_groups import given_in
from taxonaut.cli.shared.progress import Bar
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted
from taxonaut.state.records import ItemResult
from taxonaut.workspace import files, walk

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace


def walk_option(*names: str, help: str, **more: Any) -> Any:
    """Make an option that replaces a setting of [walk]."""
    return typer.Option(*names, help=help, show_default=False, rich_help_panel=ADVANCED_PANEL, **more)


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """Settings of the walk in place of those of taxonaut.toml."""

    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Give each text at most N labels. Default: as in taxonaut.toml.",
            show_default=False,
        ),
    ] = None
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SCORE",
            help="Leave out labels with a lower score (0 to 1). Default: a text gets none if its best is below 0.1.",
            show_default=False,
        ),
    ] = None
    cut_off: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="How many labels a text gets: f1 or precision=0.9, down to the probability that gives the best F1 "
            "or this precision on held-out items; labels=5, so many.",
            show_default=False,
        ),
    ] = None
    expert: Annotated[
        int | None,
        walk_option(min=0, metavar="N", help="Use the trained expert N; 0 for none. Default: the newest."),
    ] = None
    shortlist: Annotated[
        Literal["tree", "dense", "both"] | None,
        walk_option(help="Take candidates from the walk of the tree, from dense retrieval, or from both."),
    ] = None
    terminals: Annotated[
        int | None,
        walk_option(min=1, metavar="N", help="Visit at most N terminal nodes for each text. Default: 20."),
    ] = None
    order: Annotated[
        Literal["breadth", "depth"] | None,
        walk_option(help="Walk level by level, or depth-first, the best branch first. Default: breadth."),
    ] = None
    start: Annotated[
        Literal["root", "anchored"] | None,
        walk_option(
            help="Start at the root, or around the labels that dense retrieval finds. Default: root."
        ),
    ] = None
    anchors: Annotated[
        int | None, walk_option(min=1, metavar="N", help="Start an anchored walk from N labels. Default: 20.")
    ] = None
    beam: Annotated[
        int | None,
        walk_option(
            min=0, metavar="N", help="Keep at most N branches of each level; 0 for no limit. Default: 0."
        ),
    ] = None
    threshold: Annotated[
        float | None,
        walk_option(
            metavar="SCORE",
            help="Look at no branch, and at no label of dense retrieval, with a lower similarity. Default: at all.",
        ),
    ] = None
    ancestors: Annotated[
        bool | None,
        walk_option(
            "--ancestors/--no-ancestors",
            help="Compare branches by their paths, or by their names alone. Default: by their paths in an imported "
            "tree.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class ClassifySummary:
    """What a call labelled."""

    tally: walk.tally.Tally = field(default_factory=lambda: walk.tally.Tally())

    def count(self, result: ItemResult) -> None:
        """Count one result."""
        self.tally.count(result.error)

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return self.tally.row()

    def lines(self, output: str | None) -> list[str]:
        """Return it as lines for the user."""
        tally = self.tally
        blank = [f"{counted(tally.blank, 'item')} without text got no labels"] if tally.blank else []
        return [
            f"{counted(tally.items, 'item')}{describe_place(output)} {describe_speed(tally)}; "
            f"{describe_cost(tally.totals)}",
            *blank,
        ]


@command(
    "classify",
    example='taxonaut classify "wireless earbuds with noise cancelling"\n'
    "taxonaut classify products.csv --text-column title -o labelled.jsonl\n"
    "taxonaut classify products.xlsx --text-column title --top 3 -o labelled.xlsx\n"
    "taxonaut classify products.csv --start anchored --anchors 20 --terminals 10",
    asks_models=True,
)
def classify(
    session: Session,
    texts: TextsArgument = None,
    output: OutputOption = None,
    *,
    walk: WalkOptions,
    layout: ItemFileOptions,
    long: LongOption = False,
    output_format: OutputFormatOption = None,
    raw_cells: RawCellsOption = False,
    language: LanguageOption = "",
    json: JsonOption = False,
    batch_out: BatchOutOption = None,
    batch_in: BatchInOption = None,
) -> None:
    """Label texts by walking the tree.

    Each text gets a ranked list of labels, each with its path in the tree. An argument is a file if it exists or
    has one of the suffixes. Finished items are kept: run an interrupted command again to continue it; no model is
    asked twice. With --json, results go to standard output as JSON lines; with -o as well, results go to the file
    and a summary is printed as JSON. A result file has the input's columns first, then label_1, label_id_1,
    path_1, score_1 and so on, to as many labels as an item got, or to N with --top N; CSV is written as the input
    is, and a workbook has the labels on a second sheet.

    With --batch-out, language models are not asked: what would be asked next goes to a file in OpenAI's batch format,
    and --batch-in takes the replies. Each level of a walk needs the replies of the one before, so this is repeated
    until nothing is left; then the results are written.
    """
    given = layout.read(texts or [])
    asks_later = bool(batch_out or batch_in)
    if asks_later and walk_in_batch(session, given, given_in(walk), batch_in, batch_out):
        return
    run_item_command(
        session,
        given,
        ResultOutput(
            output,
            output_format,
            json,
            lambda workspace: files.result_files.labelled_format(
                top_of(workspace, walk),
                notations=workspace.index.has_notations(),
                fixed=walk.top is not None,
            ),
            print_item,
            files.table_writers.tree_sheet.label_sheet,
            long,
            raw_cells,
        ),
        classification_of(walk),
        "labelling",
        language,
    )


def top_of(workspace: Workspace, walk: WalkOptions) -> int:
    """Return how many labels an item may get."""
    return walk.top or workspace.config.walk.top


def classification_of(
    walk: WalkOptions,
) -> Callable[[Workspace, Bar], tuple[Work[ItemResult], ClassifySummary]]:
    """Return what prepares a classification under these settings."""

    def prepare(opened: Workspace, bar: Bar) -> tuple[Work[ItemResult], ClassifySummary]:
        workspace = opened.with_walk(**given_in(walk))
        if workspace.compares_vectors:
            embed_labels(workspace, bar)
        classification = workspace.classification()
        return Work(classification.results, classification.totals), ClassifySummary()

    return prepare
