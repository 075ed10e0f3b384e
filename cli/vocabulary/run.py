"""Build a vocabulary and assign it from the command line: progress, and what came of it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from taxonaut.cli.shared.exit_codes import InterruptedWork
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.progress import Bar
from taxonaut.cli.shared.terminal import counted, out, path_text, print_json, styled
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import NodeId
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.resumable import EMPTY_TEXT
from taxonaut.workspace.vocabulary.build import VocabularyBuild
from taxonaut.workspace.vocabulary.export import export_format, export_vocabulary
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.workspace import Workspace

GOES_ON = "what is finished is kept; run the same command again to continue"
SHOWN = 5
"""Groups whose problems are shown; all of them are in the JSON."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a build came to, the sizes of its levels, and what its run cost in all its calls."""

    build: VocabularyBuild
    levels: Sequence[int]
    totals: Totals
    seconds: float

    def row(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self.build), "levels": list(self.levels), "seconds": round(self.seconds, 3)} | {
            "cost": asdict(self.totals)
        }

    def lines(self) -> list[str]:
        """Say it to a person."""
        if self.build.again:
            return ["the vocabulary of these items and settings stands already: nothing was asked or changed"]
        sizes = ", ".join(f"{size:,}" for size in self.levels)
        lines = [
            f"built {counted(sum(self.levels), 'descriptor')} on {counted(len(self.levels), 'level')} ({sizes}) "
            f"from {counted(self.build.items, 'item')} in {self.seconds:,.1f} s; "
            f"{counted(self.build.groups, 'group')} divided; {cost(self.totals)}"
        ]
        for key, problems in list(self.build.problems.items())[:SHOWN]:
            lines.append(f"  group {key or 'of all items'}: {'; '.join(problems)}")
        if len(self.build.problems) > SHOWN:
            lines.append(f"  and {len(self.build.problems) - SHOWN:,} more (--json has them all)")
        return lines


@dataclass(frozen=True, slots=True)
class Outcome:
    """What items got, and what that cost."""

    taggings: Sequence[Tagging]
    totals: Totals
    seconds: float

    @property
    def blank(self) -> int:
        """Items without a text."""
        return sum(tagging.error == EMPTY_TEXT for tagging in self.taggings)

    @property
    def failures(self) -> list[str]:
        """The errors of items that can be asked for again."""
        return [tagging.error for tagging in self.taggings if tagging.error not in ("", EMPTY_TEXT)]

    @property
    def failed(self) -> int:
        """How many items failed."""
        return len(self.failures)

    @property
    def first_error(self) -> str:
        """What the first of them failed for."""
        return self.failures[0]

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        covered = sum(bool(tagging.path) for tagging in self.taggings)
        return {
            "items": len(self.taggings),
            "covered": covered,
            "blank": self.blank,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "cost": asdict(self.totals),
        }

    def lines(self) -> list[str]:
        """Say it to a person."""
        depths = Counter(len(tagging.path) for tagging in self.taggings)
        covered = len(self.taggings) - depths[0]
        share = covered / len(self.taggings) if self.taggings else 0.0
        lines = [
            f"{covered:,} of {counted(len(self.taggings), 'item')} got a descriptor ({share:.1%}) "
            f"in {self.seconds:,.1f} s; {cost(self.totals)}"
        ]
        if self.blank:
            lines.append(f"{counted(self.blank, 'item')} without text got none")
        return lines


def built(workspace: Workspace, given: ItemInput, sample: int, bar: Bar) -> Report:
    """Build the vocabulary. Raises InterruptedWork on Ctrl-C."""

    bar.stage("reading items")
    items = list(given.items())
    started = time.perf_counter()
    try:
        build = workspace.build_vocabulary(items, sample)
    except KeyboardInterrupt:
        raise InterruptedWork(GOES_ON) from None
    seconds = time.perf_counter() - started
    sizes = Counter(descriptor.level for descriptor in read_vocabulary(workspace).descriptors)
    levels = [sizes[level] for level in sorted(sizes)]
    return Report(build, levels, workspace.decisions.totals(build.run), seconds)


def assign_items(workspace: Workspace, given: ItemInput, bar: Bar, *, every: bool | None) -> Outcome:
    """Put the vocabulary on items. Raises InterruptedWork on Ctrl-C."""
    bar.stage("assigning", given.count)
    started = time.perf_counter()
    before = {run.id: workspace.decisions.totals(run.id) for run in workspace.runs.list("assign")}
    try:
        taggings = workspace.assign_vocabulary(given.items(), every=every)
    except KeyboardInterrupt:
        raise InterruptedWork(GOES_ON) from None
    run = workspace.runs.list("assign")[0].id
    totals = workspace.decisions.totals(run)
    spent = totals.since(before.get(run, Totals()))
    return Outcome(taggings, spent, time.perf_counter() - started)


def cost(totals: Totals) -> str:
    """Say what was asked of models."""
    if not totals.requests:
        return "no model was asked: all was kept from before"
    said = counted(totals.requests, "request")
    if totals.cached:
        said += f", {totals.cached:,} of them answered from the cache"
    if totals.prompt_tokens:
        said += f", {totals.prompt_tokens:,} tokens read, {totals.completion_tokens:,} written"
    return said


def check_output(output: str | None) -> None:
    """Refuse a file that cannot be written before anything is asked."""
    if output:
        export_format(Path(output), "plain")


def write_taggings(workspace: Workspace, outcome: Outcome, output: str) -> None:
    """Write what items got, as the export of plain names does."""
    vocabulary = replace(read_vocabulary(workspace), taggings=outcome.taggings)
    export_vocabulary(vocabulary, output, "plain")


def print_taggings(workspace: Workspace, outcome: Outcome, given: ItemInput, *, json: bool) -> None:
    """Print an item a line: its descriptors from coarse to fine, then the others that fit."""
    known = read_vocabulary(workspace).by_id

    def names(nodes: Sequence[NodeId]) -> list[str]:
        return [known[node].node.name for node in nodes]

    console = out()
    for tagging in outcome.taggings:
        path, others = names(tagging.path), names(tagging.others)
        if json:
            row: dict[str, Any] = {"id": tagging.item_id, "descriptors": path, "others": others}
            print_json(row | ({"error": tagging.error} if tagging.error else {}), indent=None)
            continue
        line = path_text(path) if path else styled(tagging.error or "nothing fits", "italic dim")
        if not given.is_texts:
            line = styled(f"{tagging.item_id}  ", "dim").append_text(line)
        if others:
            line.append_text(styled(f"   also {'; '.join(others)}", "dim"))
        console.print(line)
