"""`taxonaut vocabulary assign`: the vocabulary's descriptors for items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, astuple, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import taxonaut
from taxonaut.cli.shared.file_options import ItemFileOptions, TextsArgument
from taxonaut.cli.shared.item_command import (
    OutputFormatOption,
    OutputOption,
    RawCellsOption,
    Sink,
    Work,
    describe_cost,
    describe_place,
    describe_speed,
    run_item_command,
    write_results,
)
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.progress import Bar
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, path_text, print_json, styled
from taxonaut.state import stores
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Item
from taxonaut.workspace import vocabulary, walk

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

EveryOption = Annotated[
    bool | None,
    typer.Option(
        "--all/--best",
        help="Assign all descriptors that fit, or only the best one of each level. Default: all if no language model "
        "is asked.",
        show_default=False,
    ),
]


@dataclass(slots=True)
class AssignSummary:
    """What a call assigned. `covered` items got a descriptor."""

    tally: walk.tally.Tally = field(default_factory=lambda: walk.tally.Tally())
    covered: int = 0

    def count(self, tagging: Tagging) -> None:
        """Count one result."""
        self.tally.count(tagging.error)
        self.covered += bool(tagging.path)

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "items": self.tally.items,
            "covered": self.covered,
            "blank": self.tally.blank,
            "failed": self.tally.failed,
            "seconds": round(self.tally.seconds, 3),
            "cost": asdict(self.tally.totals),
        }

    def lines(self, output: str | None) -> list[str]:
        """Return it as lines for the user."""
        tally = self.tally
        share = self.covered / tally.items if tally.items else 0.0
        blank = [f"{counted(tally.blank, 'item')} without text got none"] if tally.blank else []
        return [
            f"{self.covered:,} of {counted(tally.items, 'item')} got a descriptor ({share:.1%})"
            f"{describe_place(output)} {describe_speed(tally)}; {describe_cost(tally.totals)}",
            *blank,
        ]


@command(
    "assign",
    example='taxonaut vocabulary assign "A5 notebook, dotted, 120 pages"\n'
    "taxonaut vocabulary assign new_products.csv --text-column title -o tagged.jsonl\n"
    "taxonaut vocabulary assign products.jsonl --all",
    asks_models=True,
)
def assign(
    session: Session,
    texts: TextsArgument = None,
    output: OutputOption = None,
    every: EveryOption = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--trial",
            help="Keep the items with the vocabulary, so that exports have them, or only try. Default: keep items of "
            "files and of standard input, not texts on the command line.",
            show_default=False,
        ),
    ] = None,
    *,
    layout: ItemFileOptions,
    output_format: OutputFormatOption = None,
    raw_cells: RawCellsOption = False,
    json: JsonOption = False,
) -> None:
    """Assign the vocabulary's descriptors to items.

    Descriptors are assigned level by level, from coarse to fine, as far as any fits. New items need no rebuild of
    the vocabulary; an item that has descriptors already gets the new ones in their place. Texts given on the command
    line are a trial: they are not kept as items, so no export has them (see --keep). With --json, results go
    to standard output as JSON lines; a file has the input's columns first, then a descriptor a level.
    """
    items = layout.read(texts or [])
    run_item_command(
        session,
        items,
        TaggingOutput(output, output_format, json, raw_cells),
        partial(prepare_assignment, every=every, keep=not items.is_texts if keep is None else keep),
        "assigning",
    )


def prepare_assignment(
    workspace: Workspace, bar: Bar, *, every: bool | None, keep: bool = True
) -> tuple[Work[Tagging], AssignSummary]:
    """Return what assigns descriptors to items."""

    def totals() -> stores.decisions.Totals:
        runs = [workspace.decisions.totals(run.id) for run in workspace.runs.list(vocabulary.assign.KIND)]
        return stores.decisions.Totals(*map(sum, zip(*map(astuple, runs), strict=True)))

    return Work(partial(vocabulary.assign.assign, workspace, every=every, keep=keep), totals), AssignSummary()


@dataclass(frozen=True, slots=True)
class TaggingOutput:
    """Where items with their descriptors go: to a file, next to the rows they came in, or to standard output."""

    file: str | None
    format: str | None
    json: bool
    raw: bool = False

    def open(
        self, console: Console, given: ItemInput
    ) -> Callable[[Workspace], AbstractContextManager[Sink[Tagging]]]:
        """Choose the place. Raises InputError if it cannot be written."""
        place = self.file or ("-" if self.format else None)
        if place is None:
            return lambda workspace: print_taggings(
                workspace, console, json=self.json, with_id=bool(given.file)
            )
        rows = vocabulary.tagging_rows
        return write_results(
            place, self.format, rows.tagging_format, rows.descriptor_sheet, given, raw=self.raw
        )


@contextmanager
def print_taggings(
    workspace: Workspace, console: Console, *, json: bool, with_id: bool
) -> Iterator[Sink[Tagging]]:
    """Print an item a line: its descriptors from coarse to fine, then the others that fit."""
    known = taxonaut.read_vocabulary(workspace).by_id

    def names(nodes: Sequence[NodeId]) -> list[str]:
        return [known[node].node.name for node in nodes]

    def show(_: Item, tagging: Tagging, values: Mapping[str, object]) -> None:
        path, others = names(tagging.path), names(tagging.others)
        if json:
            row: dict[str, Any] = {"id": tagging.item_id, "descriptors": path, "others": others}
            print_json(row | ({"error": tagging.error} if tagging.error else {}), indent=None)
            return
        line = path_text(path) if path else styled(tagging.error or "nothing fits", "italic dim")
        if with_id:
            line = styled(f"{tagging.item_id}  ", "dim").append_text(line)
        if others:
            line.append_text(styled(f"   also {'; '.join(others)}", "dim"))
        console.print(line)

    yield show
