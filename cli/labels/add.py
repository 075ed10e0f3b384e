"""`taxonaut labels add`: labels that come later go into the index that stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.index.diff_view import diff_row, print_diff
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelFileArgument, LabelFileOptions
from taxonaut.cli.shared.item_command import describe_failures, fail_if_some_failed
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, print_json
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label

if TYPE_CHECKING:
    from taxonaut.workspace.build.add_labels import Growth

SHOWN = 5


@command(
    "add",
    example="taxonaut labels add new.jsonl --dry-run\n"
    "taxonaut labels add new.csv --name-column title --batch spring",
    asks_models=True,
)
def add(
    session: Session,
    file: LabelFileArgument,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would change, and change nothing. Answers of models are kept for the real run.",
        ),
    ] = False,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of this batch of labels. Default: the file's name and the date."
        ),
    ] = None,
    *,
    layout: LabelFileOptions,
    json: JsonOption = False,
) -> None:
    """Add labels to the index without rebuilding it.

    Each label goes down the tree into every node that it fits, as the annotator's model decides; a node with too
    many labels is then split. In an imported tree, labels with a known path or known parents go there. Labels
    that are in the index already are skipped. A label about which the model gave no usable answer is not added
    (exit code 6); run the same command again to ask again. The addition is one change, which index undo reverts.
    """

    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage(f"reading {file}")
        labels = layout.read(
            file,
            batch=batch or f"{batch_name(file)} {today()}",
            elsewhere=workspace.index.has_label,
        )
        note = f"add {clipped(labels.name, 200)}"
        try:
            growth = PORTAL.run(workspace.aadd_labels(labels, dry_run=dry_run, note=note))
        except KeyboardInterrupt:
            raise InterruptedWork(
                "nothing was added; what was found out is kept; run the same command again to continue"
            ) from None
        names = name_labels(workspace.index.labels, labels.labels, growth)
    if json:
        print_json(growth_row(growth))
    elif not session.quiet and growth.diff is not None:
        print_diff(growth.diff)
    if not (json or session.quiet):
        for line in (*labels.notes, *describe_addition(growth, names, session)):
            say(line)
    fail_if_some_failed(
        failures=[
            *describe_failures(growth.failed.values(), "label"),
            *describe_failures(growth.split_errors.values(), "split"),
        ]
    )


def batch_name(file: str) -> str:
    """Return what a file is called, for the name of its batch."""

    return Path(file).name if file != "-" else "stdin"


def today() -> str:
    """Return the date here, as ISO 8601 has it."""

    return date.today().isoformat()


def name_labels(labels: Any, given: tuple[Label, ...], growth: Growth) -> Mapping[LabelId, str]:
    """Return the names of some labels, and the number of the others."""
    names = {label.id: label.name for label in given}
    others = dict.fromkeys(
        twin for twins in growth.same_names.values() for twin in twins if twin not in names
    )
    return {**names, **{label.id: label.name for label in labels(list(others))}}


def describe_addition(growth: Growth, names: Mapping[LabelId, str], session: Session) -> list[str]:
    """Describe what an addition did, what to check, and what to do next."""

    lines = []
    for label, twins in list(growth.same_names.items())[:SHOWN]:
        lines.append(
            f"warning: {clipped(names[label], 80)!r} ({label}) is called like "
            + ", ".join(f"{clipped(names[twin], 80)!r} ({twin})" for twin in twins[:SHOWN])
        )
    if len(growth.same_names) > SHOWN:
        lines.append(
            f"warning: {len(growth.same_names) - SHOWN:,} more labels are called like others; see --json"
        )
    if growth.described:
        lines.append(
            f"warning: the file has another description or other alternative names for "
            f"{counted(len(growth.described), 'label')} of the index, first {growth.described[0]!r}; they were left "
            "as they were"
        )
    if growth.branches:
        lines.append(
            f"{counted(len(growth.branches), 'branch')} made for paths that were not in the tree, first "
            f"{growth.branches[0]!r}"
        )
    if growth.unresolved:
        lines.append(
            f"warning: the parents of {counted(len(growth.unresolved), 'label')} are not in the tree, "
            f"first of {growth.unresolved[0]!r}; the annotator decided where they go"
        )
    for node, reason in list(growth.unsplit.items())[:SHOWN]:
        lines.append(
            f"warning: node #{node} holds more than {growth.terminal_size} labels and stays whole: {reason}"
        )
    if len(growth.unsplit) > SHOWN:
        lines.append(f"warning: {len(growth.unsplit) - SHOWN:,} more nodes stay whole; see --json")
    return [*lines, summarize_addition(growth, session)]


def summarize_addition(growth: Growth, session: Session) -> str:
    """Say in a line what an addition did."""

    there = f"{counted(len(growth.known), 'label')} in the index already" if growth.known else ""
    if not (growth.inserted or growth.splits):
        if growth.failed or growth.split_errors:
            return "nothing was added or divided"
        return f"nothing to add: {there or 'the file holds no labels'}"
    nodes = {node for places in growth.inserted.values() for node in places}
    would = "would go" if growth.change is None else "went"
    parts = [f"{counted(len(growth.inserted), 'label')} {would} into {counted(len(nodes), 'node')}"]
    if growth.splits:
        parts.append(f"{counted(len(growth.splits), 'node')} divided")
    if growth.unfit:
        parts.append(f"{counted(len(growth.unfit), 'label')} at inner nodes, where no branch fits")
    if there:
        parts.append(f"{there}, passed over")
    said = "; ".join(parts)
    if growth.change is None:
        return f"{said}. Nothing was written (--dry-run)"
    return (
        f"{said}. Look at it: {session.again('index diff')}; take it back: "
        f"{session.again(f'index undo {growth.change}')}"
    )


def growth_row(growth: Growth) -> dict[str, Any]:
    """Return an addition as JSON has it."""

    return {
        "added": len(growth.inserted),
        "written": growth.change is not None,
        "change": growth.change,
        "terminal_size": growth.terminal_size,
        "requests": growth.requests,
        "comparisons": growth.comparisons,
        "inserted": {label: list(nodes) for label, nodes in growth.inserted.items()},
        "unfit": {label: list(nodes) for label, nodes in growth.unfit.items()},
        "splits": {
            str(node): [each.name for each in tree.nodes if each.key] for node, tree in growth.splits.items()
        },
        "failed": dict(growth.failed),
        "split_errors": {str(node): error for node, error in growth.split_errors.items()},
        "whole": {str(node): reason for node, reason in growth.unsplit.items()},
        "known": list(growth.known),
        "described": list(growth.described),
        "twins": {label: list(twins) for label, twins in growth.same_names.items()},
        "by_own_path": list(growth.by_own_path),
        "astray": list(growth.unresolved),
        "branches": list(growth.branches),
        "diff": None if growth.diff is None else diff_row(growth.diff),
    }
