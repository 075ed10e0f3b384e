"""`taxonaut distribute`: for each text, the share of annotators who would give each label."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import ItemFileOptions, LabelledFileOptions, TextsArgument
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
    run_item_command,
)
from taxonaut.cli.shared.item_view import LONGEST_TEXT
from taxonaut.cli.shared.progress import Bar
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, printable, styled
from taxonaut.state.distributions import LabelDistribution
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Item
from taxonaut.workspace import distribute, files, walk

if TYPE_CHECKING:
    from taxonaut.workspace.distribute.distribution import Distribution
    from taxonaut.workspace.workspace import Workspace

SHOWN = 5
"""Labels of an item that are printed, next to those chosen."""

MethodOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="compare-to-none, hard, unary, binary or max, which ask a language model; trained, linear-probe or "
        "similarity, which distribute train fits. Default: trained if it was, else compare-to-none.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="The language model, such as gguf/smollm2-135m-instruct. Default: that of [models.general_expert].",
        show_default=False,
    ),
]
NodeOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="Only the labels below node N (index show).", show_default=False),
]
ShotsOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Labelled items, of which prompts show 10, half of them with several labels.",
        show_default=False,
    ),
]


@dataclass(slots=True)
class DistributeSummary:
    """What a call did."""

    made: Distribution
    tally: walk.tally.Tally = field(default_factory=lambda: walk.tally.Tally())
    lost: int = 0

    def count(self, result: LabelDistribution) -> None:
        """Count one result."""
        self.tally.count(result.error)
        self.lost += bool(result.lost)

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"method": self.made.method, "labels": len(self.made.labels), **self.tally.row()}

    def lines(self, output: str | None) -> list[str]:
        """Return it as lines for the user."""
        items, totals = self.tally.items, self.tally.totals
        asked = describe_cost(totals) if self.made.distributor is not None else "no language model was asked"
        lines = [
            f"{counted(items, 'item')}{describe_place(output)} {describe_speed(self.tally)}; {asked}",
            f"method {self.made.method} over {counted(len(self.made.labels), 'label')}",
        ]
        if self.made.fitted is None:
            lines.append(
                "not fitted to annotators: the probabilities rank labels, but are no shares "
                "(taxonaut distribute train FILE; taxonaut evaluate FILE --distribution)"
            )
        if self.lost:
            lines.append(
                f"{counted(self.lost, 'item')}: the server gave the log-probabilities of some labels only; the "
                "others got the least of these, which is too much"
            )
        return lines


def print_distribution(
    console: Console, item: Item, result: LabelDistribution, with_id: bool = False
) -> None:
    """Print an item's text and its likeliest labels."""
    title = styled(f"{item.id}  " if with_id else "", "dim")
    text = " ".join(printable(item.text).split())
    console.print(title.append_text(styled(clipped(text, LONGEST_TEXT), "bold")))
    if result.error:
        console.print(styled(f"  no distribution: {result.error}", "red"))
    for place, share in enumerate(result.best):
        if place >= SHOWN and not share.chosen:
            continue
        between = "" if share.low is None else f"  ({share.low:.0%} to {share.high:.0%})"
        line = styled(f"  {share.probability:>6.1%}  {printable(share.name)}", "bold" if share.chosen else "")
        console.print(line.append(between, "dim not bold"))
    console.print()


@command(
    "run",
    example='taxonaut distribute run "what a day!"\n'
    "taxonaut distribute comments.csv --method max --model gguf/smollm2-135m-instruct -o shares.csv\n"
    "taxonaut distribute train votes.jsonl",
)
def run(
    session: Session,
    texts: TextsArgument = None,
    output: OutputOption = None,
    method: MethodOption = None,
    model: ModelOption = None,
    node: NodeOption = None,
    shots: ShotsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order in which prompts show labels.")] = 0,
    samples: Annotated[
        int,
        typer.Option(
            min=0,
            help="Method unary: count N sampled answers to each question, for models that give no log-probabilities.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = 0,
    in_order: Annotated[
        bool,
        typer.Option(
            "--in-order",
            help="Show labels in the order of their import, not shuffled.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = False,
    *,
    layout: ItemFileOptions,
    output_format: OutputFormatOption = None,
    raw_cells: RawCellsOption = False,
    long: LongOption = False,
    json: JsonOption = False,
) -> None:
    """Estimate for each text the share of annotators who would give each label.

    A text may have several labels or none: shares need not add up to 1. A language model's list of labels is no
    distribution, as it suppresses all labels but one at each step; docs/distributions.md describes the methods. The
    number of requests is said before they are sent. Finished items are kept: run an interrupted command again to
    continue it. A table has a column of probabilities for each label, or with --long a row.
    """
    shown = [] if shots is None else LabelledFileOptions().read(shots)
    made: list[Distribution] = []
    given = layout.read(texts or [])

    def prepare(workspace: Workspace, bar: Bar) -> tuple[Work[LabelDistribution], DistributeSummary]:
        found = distribution_of(workspace)
        if found.requests and not session.quiet:
            each, total = counted(found.requests, "request"), found.requests * given.count
            say(f"{found.method}: at most {each} a text, {total:,} in all")

        async def results(items: Iterator[Item]) -> AsyncGenerator[tuple[Item, LabelDistribution], None]:
            async with aclosing(found.results(items)) as stream:
                async for pair in stream:
                    yield pair

        return Work(results, found.totals), DistributeSummary(found)

    def distribution_of(workspace: Workspace) -> Distribution:
        if not made:
            made.append(
                distribute.distribution.prepare_distribution(
                    workspace,
                    method,
                    model=model,
                    node=None if node is None else NodeId(node),
                    shots=shown,
                    seed=seed,
                    samples=samples,
                    in_order=in_order,
                )
            )
        return made[0]

    run_item_command(
        session,
        given,
        ResultOutput(
            output,
            output_format,
            json,
            lambda workspace: distribute.distribution_rows.distribution_format(
                [label.name for label in distribution_of(workspace).labels]
            ),
            print_distribution,
            files.table_writers.tree_sheet.label_sheet,
            long=long,
            raw=raw_cells,
        ),
        prepare,
        "distributing",
    )
