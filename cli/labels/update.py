"""`taxonaut labels update`: a new version of the label file, compared with the workspace and taken over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelFileArgument, LabelFileOptions
from taxonaut.cli.shared.item_command import describe_failures, fail_if_some_failed
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, is_interactive, out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.workspace import labels
from taxonaut.workspace.files.output_files import check_output

if TYPE_CHECKING:
    from taxonaut.workspace.labels.label_update import AcceptRule, LabelUpdate, UpdateReport
    from taxonaut.workspace.labels.set_comparison import Change, Kind
    from taxonaut.workspace.workspace import Workspace

SHOWN = 10
LONGEST = 100

_SIGNS = {"new": ("+", "green"), "restored": ("+", "green"), "gone": ("-", "red"), "moved": (">", "cyan")}


@command(
    "update",
    example="taxonaut labels update categories-2027.csv --dry-run\n"
    "taxonaut labels update categories-2027.csv --accept new,renamed,moved\n"
    "taxonaut labels update categories-2027.csv -o changes.xlsx --dry-run\n"
    "taxonaut labels update categories-2027.csv --accept changes.xlsx",
)
def update(
    session: Session,
    file: LabelFileArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what differs, and change nothing.")
    ] = False,
    accept: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS|FILE",
            help="What is taken over: kinds of changes, such as new,renamed,moved, or a table that -o wrote, with "
            "'yes' in its column accept.",
            show_default=False,
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Take over guesses with at least this score, too. Default: 0.9, what is certain.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also take over what was changed by hand in the workspace.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="The file is a part of the labels: those that it lacks stay.")
    ] = False,
    same_ids: Annotated[
        bool, typer.Option("--same-ids", help="Labels of one id are the same, whatever their names.")
    ] = False,
    no_guesses: Annotated[
        bool,
        typer.Option("--no-guesses", help="Do not look for what became of labels that are gone by vectors."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take over all that is certain, without being asked.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Also write what differs to a table (.csv, .xlsx, .jsonl, …), for --accept.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Show at most N changes of a kind; 0 for all.")] = SHOWN,
    *,
    layout: LabelFileOptions,
    json: JsonOption = False,
) -> None:
    """Compare the labels with a new version of their file, and take over what is accepted.

    Labels are the same by their id, else by path, name or alternative names. What is new, gone, renamed, moved,
    merged or split is shown; what became of labels that are gone is guessed, each guess with a score. At a terminal
    you are asked kind by kind. Guesses, and what you changed by hand, are listed and not taken over unless you say
    so. Labels that are gone are retired. All of it is one change, which index undo reverts.
    """
    if output is not None:
        check_output(Path(output), [file])
    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage(f"reading {file}")
        read = layout.read(file)
        bar.stage("comparing")
        found = labels.label_update.prepare_update(
            workspace, read, partial=partial, same_ids=same_ids, guess=not no_guesses
        )
        rule = make_rule(accept, min_score, overwrite=overwrite)
        chosen = (
            labels.change_table.read_accepted(accept, found)
            if accept is not None and rule is None
            else found.accepted(rule or labels.label_update.AcceptRule())
        )
        if output is not None:
            labels.change_table.write_changes(output, found, chosen)
    decided = yes or accept is not None or min_score is not None
    if not json and not session.quiet:
        for note in (*read.notes, *found.notes):
            say(note)
        print_changes(found, limit)
    if not dry_run and not decided and found.changes and not json and is_interactive():
        chosen = ask(found)
        decided = True
    if dry_run or not decided or not chosen:
        finish_without(session, found, output, decided=decided and not dry_run, dry_run=dry_run, json=json)
        return
    if accept is None:
        labels.label_update.check_not_partial(found, chosen)
    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage(f"updating {counted(len(chosen), 'label')}")
        report = apply(workspace, found, chosen)
    if json:
        print_json(report_row(found, report))
    elif not session.quiet:
        for line in describe_report(session, report):
            say(line)
    fail_if_some_failed(failures=describe_failures(report.failed.values(), "label"))


def apply(workspace: Workspace, found: LabelUpdate, chosen: Sequence[Change]) -> UpdateReport:
    """Apply the chosen changes; an interruption leaves the index as it was."""
    try:
        return PORTAL.run(labels.label_update.apply_update(workspace, found, chosen))
    except KeyboardInterrupt:
        raise InterruptedWork(
            "nothing was updated; what was found out is kept; run the same command again to continue"
        ) from None


def make_rule(accept: str | None, min_score: float | None, *, overwrite: bool) -> AcceptRule | None:
    """Return the rule that options describe; None if `accept` is a file."""
    all_kinds = labels.set_comparison.KINDS
    kinds = frozenset(all_kinds)
    if accept is not None:
        named = [each.strip() for each in accept.split(",") if each.strip()]
        unknown = [each for each in named if each not in kinds]
        if unknown and (Path(accept).exists() or Path(accept).suffix):
            return None
        if unknown or not named:
            raise InputError(
                f"--accept {accept!r}: {unknown[0] if unknown else accept!r} is no kind of change and no file; kinds "
                f"are {', '.join(all_kinds)}"
            )
        kinds = frozenset(kind for kind in all_kinds if kind in named)
    least = labels.set_comparison.CERTAIN if min_score is None else min_score
    return labels.label_update.AcceptRule(kinds, least, overwrite)


def ask(found: LabelUpdate) -> list[Change]:
    """Ask which changes are taken over, kind by kind, first the certain ones and then the guesses."""
    chosen: list[Change] = []
    for kind, each in groupby(found.changes, key=lambda change: change.kind):
        changes = list(each)
        certain = [change for change in changes if change.is_certain]
        if certain and typer.confirm(f"{TITLES[kind]}: take over {len(certain):,}?", default=True, err=True):
            chosen += certain
        for change in changes:
            if not change.is_certain and typer.confirm(line_of(change).plain, default=False, err=True):
                chosen.append(change)
    return chosen


TITLES: dict[Kind, str] = {
    "new": "new",
    "restored": "back again",
    "renamed": "renamed",
    "moved": "moved",
    "described": "other description",
    "alternatives": "other alternative names",
    "ids": "other id",
    "merged": "merged",
    "split": "split",
    "gone": "gone, to be retired",
}


def print_changes(found: LabelUpdate, limit: int) -> None:
    """Print the counts of changes, and then some of each kind."""
    counts = found.comparison.counts()
    entries = found.comparison.present.labels
    console = out()
    said = ", ".join(f"{count:,} {TITLES[kind]}" for kind, count in counts.items())
    matched = (
        f"{found.comparison.matched:,} of {counted(len(entries), 'label')} of {found.file.name} are known"
    )
    console.print(styled(f"{matched}; {said or 'nothing differs'}", "bold"), soft_wrap=True)
    for _, each in groupby(found.changes, key=lambda change: change.kind):
        changes = list(each)
        shown = changes if not limit or len(changes) <= limit + 1 else changes[:limit]
        for change in shown:
            console.print(line_of(change), soft_wrap=True)
        if len(shown) < len(changes):
            console.print(styled(f"  … and {len(changes) - len(shown):,} more {changes[0].kind}", "dim"))
    if found.kept:
        console.print(styled(f"{counted(found.kept, 'label')} not in the file; they stay (--partial)", "dim"))


def line_of(change: Change) -> Text:
    """Write a change as a line."""
    sign, style = _SIGNS.get(change.kind, ("~", "yellow"))
    line = styled(f"{sign} {change.kind:<12}", style)
    before, after = clipped(change.before, LONGEST), clipped(change.after, LONGEST)
    if change.kind in ("new", "restored"):
        text = after
    elif change.kind == "gone":
        text = before
    elif change.kind in ("renamed", "merged", "split", "ids"):
        text = f"{before} → {after}"
    elif change.kind == "moved":
        text = f"{clipped(change.name, LONGEST)}: from {before} to {after}"
    else:
        text = f"{clipped(change.name, LONGEST)}: {after}" + (f" (was: {before})" if before else "")
    line.append_text(styled(text))
    if not change.is_certain and change.by and change.by != "id":
        line.append_text(styled(f"  {change.score:.2f} by {change.by}", "magenta"))
    if change.note:
        line.append_text(styled(f"  ({change.note})", "magenta"))
    return line


def finish_without(
    session: Session, found: LabelUpdate, output: str | None, *, decided: bool, dry_run: bool, json: bool
) -> None:
    """Say why nothing was written, and how to go on."""
    if json:
        print_json(update_row(found))
        return
    if session.quiet:
        return
    if output is not None:
        say(f"wrote {counted(len(found.changes), 'change')} to {output}")
    if not found.changes:
        say("the workspace is up to date")
    elif decided:
        say("nothing of this was accepted; nothing was changed")
    else:
        certain = sum(change.is_certain for change in found.changes)
        why = " (--dry-run)" if dry_run else ""
        say(
            f"nothing was changed{why}; to take over the {certain:,} that are certain: --yes; some kinds: --accept "
            "new,renamed; one by one: -o changes.csv, then --accept changes.csv"
        )


def describe_report(session: Session, report: UpdateReport) -> list[str]:
    """Say what was written, what was left, and how to take it back."""
    lines = list(report.notes)
    guesses = sum(change.score < labels.set_comparison.CERTAIN for change in report.left)
    own = sum(change.own for change in report.left)
    others = len(report.left) - guesses - own
    if guesses:
        lines.append(f"{counted(guesses, 'guess')} not taken over; to do so: --min-score or --accept")
    if own:
        lines.append(f"{counted(own, 'change')} by hand kept; to take over the file's: --overwrite")
    if others > 0:
        lines.append(f"{counted(others, 'other change')} not accepted")
    done = ", ".join(f"{count:,} {TITLES[kind]}" for kind, count in report.applied.items())
    lines.append(f"taken over: {done}; take it back: {session.again(f'index undo {report.change}')}")
    return lines


def update_row(found: LabelUpdate) -> dict[str, Any]:
    """Return what differs as JSON has it."""
    return {
        "file": found.file.name,
        "matched": found.comparison.matched,
        "counts": dict(found.comparison.counts()),
        "kept": found.kept,
        "notes": list(found.notes),
        "changes": [labels.change_table.change_row(found, change) for change in found.changes],
    }


def report_row(found: LabelUpdate, report: UpdateReport) -> dict[str, Any]:
    """Return what was written as JSON has it."""
    return {
        "applied": dict(report.applied),
        "left": [labels.change_table.change_row(found, change) for change in report.left],
        "change": report.change,
        "failed": dict(report.failed),
        "notes": list(report.notes),
    }
