"""`taxonaut vocabulary build`: a vocabulary of descriptors from items."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

import taxonaut
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import DOCUMENTS, SUFFIXES, ItemFileOptions
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_command import (
    describe_cost,
    describe_failures,
    fail_if_some_failed,
    fail_if_unread,
    run_items,
    say_problems,
)
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.option_groups import given
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.cli.vocabulary.assign import EveryOption, prepare_assignment
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.state.stores.decisions import Totals
    from taxonaut.workspace.vocabulary.build import VocabularyBuild
    from taxonaut.workspace.workspace import Workspace

SHOWN = 5
"""Groups whose problems are shown; all of them are in the JSON."""


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build made, the sizes of its levels, and what its run cost in all its calls."""

    build: VocabularyBuild
    levels: Sequence[int]
    totals: Totals
    seconds: float

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self.build), "levels": list(self.levels), "seconds": round(self.seconds, 3)} | {
            "cost": asdict(self.totals)
        }

    def lines(self) -> list[str]:
        """Return it as lines for the user."""
        if self.build.again:
            return ["the vocabulary of these items and settings stands already: nothing was asked or changed"]
        sizes = ", ".join(f"{size:,}" for size in self.levels)
        lines = [
            f"built {counted(sum(self.levels), 'descriptor')} on {counted(len(self.levels), 'level')} ({sizes}) "
            f"from {counted(self.build.items, 'item')} in {self.seconds:,.1f} s; "
            f"{counted(self.build.groups, 'group')} divided; {describe_cost(self.totals)}"
        ]
        for key, problems in list(self.build.problems.items())[:SHOWN]:
            lines.append(f"  group {key or 'of all items'}: {'; '.join(problems)}")
        if len(self.build.problems) > SHOWN:
            lines.append(f"  and {len(self.build.problems) - SHOWN:,} more (--json has them all)")
        return lines

    def failures(self) -> list[str]:
        """Return what failed, as lines for the user."""
        return describe_failures(self.build.failed.values(), "group")


def setting(text: str, least: int = 1) -> Any:
    """Make the option that replaces one whole number of [vocabulary]."""
    return typer.Option(min=least, help=text, show_default=False, rich_help_panel=ADVANCED_PANEL)


@command(
    "build",
    example="taxonaut vocabulary build products.csv --text-column title\n"
    "taxonaut vocabulary build products.jsonl --categories 12 --split-threshold 50 --sample 5000\n"
    "taxonaut vocabulary build tickets.txt --depth 3 --branching 0",
    asks_models=True,
)
def build(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER|-",
            help=f"Items ({SUFFIXES}), documents, one text each ({DOCUMENTS}, a folder or a pattern), or - for "
            "standard input.",
        ),
    ],
    categories: Annotated[int | None, setting("Propose N descriptors for a group at first.", 2)] = None,
    split_threshold: Annotated[int | None, setting("Divide groups of N items or more.", 2)] = None,
    depth: Annotated[int | None, setting("Build at most N levels.")] = None,
    refinement_cycles: Annotated[
        int | None, setting("Revise a group's descriptors at most N times.", 0)
    ] = None,
    branching: Annotated[
        int | None, setting("Follow at most N descriptors of an item on each level; 0 for all that fit.", 0)
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, help="Build from N random items; 0 for all.", rich_help_panel=ADVANCED_PANEL),
    ] = 0,
    every: EveryOption = None,
    *,
    layout: ItemFileOptions,
    json: JsonOption = False,
) -> None:
    """Build a vocabulary of descriptors from items, and assign it to them.

    Level by level, the architect proposes descriptors for a group of items, and the annotator assigns them or
    reports why none fits; items that fit nothing lead to changes, which the architect reviews, until the items
    are covered. Both are roles of taxonaut.toml, and so are the settings that are left out here. Run an
    interrupted build again to continue it; index undo removes the vocabulary.
    """
    items = layout.read([file])
    if items.is_texts:
        raise InputError(
            f"there is no file {file!r}; give the file that holds the items, or - for standard input"
        )
    settings = given(
        categories=categories,
        split_threshold=split_threshold,
        depth=depth,
        max_refinement_cycles=refinement_cycles,
        branching=branching,
    )
    with progress(session, json=json) as bar, session.open(vocabulary=settings) as workspace:
        report = build_from(workspace, items, sample, bar)
        assigned = run_items(
            workspace,
            items,
            lambda _: nullcontext(lambda item, tagging, values: None),
            bar,
            partial(prepare_assignment, every=every),
            "assigning",
        )
    if json:
        print_json({**report.row(), "assigned": assigned.row()})
    elif not session.quiet:
        for line in (*report.lines(), *assigned.lines(None), f"next: {session.again('vocabulary report')}"):
            say(line)
    say_problems(items)
    fail_if_some_failed(assigned.tally, report.failures())
    fail_if_unread(items)


def build_from(workspace: Workspace, given: ItemInput, sample: int, bar: Bar) -> BuildSummary:
    """Build the vocabulary. Raises InterruptedWork on Ctrl-C."""

    bar.stage("reading items")
    items = list(given.items())
    started = time.perf_counter()
    try:
        build = workspace.build_vocabulary(items, sample)
    except KeyboardInterrupt:
        raise InterruptedWork("what is finished is kept; run the same command again to continue") from None
    seconds = time.perf_counter() - started
    sizes = Counter(descriptor.level for descriptor in taxonaut.read_vocabulary(workspace).descriptors)
    levels = [sizes[level] for level in sorted(sizes)]
    return BuildSummary(build, levels, workspace.decisions.totals(build.run), seconds)
