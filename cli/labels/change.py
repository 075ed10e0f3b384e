"""`taxonaut labels merge|move|split|retire|restore|rename`: operations on labels, each shown before it is made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from taxonaut.cli.index.diff_view import diff_row, print_diff
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, is_interactive, print_json

if TYPE_CHECKING:
    from taxonaut.workspace.labels.label_changes import LabelChange

LabelArgument = Annotated[
    str, typer.Argument(metavar="LABEL", help="Label: id, name if only one has it, or path: 'A > B'.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the mapping.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


@command(
    "merge",
    example="taxonaut labels merge kettles toasters --reason 'one shelf'\n"
    "taxonaut labels merge 'Kitchen > Kettles' 12 13 --dry-run",
)
def merge(
    session: Session,
    keep: Annotated[str, typer.Argument(metavar="KEEP", help="Label to keep: id, name or path.")],
    away: Annotated[
        list[str], typer.Argument(metavar="AWAY...", help="Labels to merge into it: ids, names or paths.")
    ],
    reason: ReasonOption = "",
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Merge labels into one.

    KEEP takes the names of the others as alternative names, their places, and what is below them. The others are
    retired: their ids are mapped to KEEP.
    """
    with session.open() as workspace:
        work = partial(workspace.merge_labels, keep, away, reason=reason)
        make(session, work, dry_run=dry_run, json=json)


@command(
    "move", example="taxonaut labels move toasters --to Garden\ntaxonaut labels move 12 --to 'A > B' --from A"
)
def move(
    session: Session,
    label: LabelArgument,
    to: Annotated[
        str, typer.Option("--to", metavar="NODE", help="New parent: number or path; 1 is the top.")
    ],
    leaving: Annotated[
        str | None, typer.Option("--from", metavar="NODE", help="Parent to leave, if the label has several.")
    ] = None,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Move a label, with everything below it, to another parent.

    The parent may be a label that has nothing below it yet.
    """
    with session.open() as workspace:
        work = partial(workspace.move_label, label, to, leaving=leaving)
        make(session, work, dry_run=dry_run, json=json)


@command(
    "split",
    example="taxonaut labels split toasters 'Slot toasters' 'Toaster ovens'\n"
    "taxonaut labels split 12 12a='Slot toasters' 12b='Toaster ovens' --reason 'two shelves'",
)
def split(
    session: Session,
    label: LabelArgument,
    new: Annotated[
        list[str],
        typer.Argument(
            metavar="NEW...",
            help="Labels it is split into: names of new ones, ID=NAME, or ids of labels that are there.",
        ),
    ],
    reason: ReasonOption = "",
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Split a label into several.

    New labels go where it stands. It is retired, and its id is mapped to all of them: gold labels of it are
    ambiguous from then on. Items that had it are to be labelled anew.
    """
    with session.open() as workspace:
        work = partial(workspace.split_label, label, new, reason=reason)
        make(session, work, dry_run=dry_run, json=json)


@command(
    "retire",
    example="taxonaut labels retire toasters --reason 'no longer sold'\n"
    "taxonaut labels retire 12 --replaced-by 11 --yes",
)
def retire(
    session: Session,
    labels: Annotated[
        list[str], typer.Argument(metavar="LABEL...", help="Labels to retire: ids, names or paths.")
    ],
    replaced_by: Annotated[
        list[str] | None,
        typer.Option("--replaced-by", metavar="LABEL", help="Label that replaces it; repeat for several."),
    ] = None,
    reason: ReasonOption = "",
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Retire labels: they leave the tree and are answered no more.

    What is below a label goes to its replacement, or to its parents. Its id stays known, so that evaluations can
    say what became of it; labels restore brings it back.
    """
    with session.open() as workspace:
        work = partial(workspace.retire_labels, labels, replaced_by=replaced_by or (), reason=reason)
        make(session, work, dry_run=dry_run, json=json)


@command("restore", example="taxonaut labels restore toasters")
def restore(
    session: Session,
    labels: Annotated[
        list[str], typer.Argument(metavar="LABEL...", help="Retired labels: ids, or names if unique.")
    ],
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Restore retired labels where they stood.

    Where the place is gone, a label goes to the nearest one above it that is still there. A label that was merged
    takes its names back; the one that was kept stays also in the places that it got. To take a merge back as if
    it had not been, use index undo.
    """
    with session.open() as workspace:
        make(session, partial(workspace.restore_labels, labels), dry_run=dry_run, json=json)


@command(
    "rename",
    example="taxonaut labels rename toasters 'Toasters and grills'\ntaxonaut labels rename toasters --id 12",
)
def rename(
    session: Session,
    label: LabelArgument,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="New name.")] = None,
    new_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="New id; the former one is mapped to it.")
    ] = None,
    reason: ReasonOption = "",
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Give a label another name, another id, or both."""
    with session.open() as workspace:
        work = partial(workspace.rename_label, label, name, new_id=new_id, reason=reason)
        make(session, work, dry_run=dry_run, json=json)


class Work(Protocol):
    """A change of labels that can be tried."""

    def __call__(self, *, dry_run: bool) -> LabelChange:
        """Make the change, or try it."""


def make(session: Session, work: Work, *, dry_run: bool, json: bool) -> None:
    """Show what a change of labels would do, ask at a terminal, and make it."""
    asks = not (dry_run or json or session.yes or session.quiet) and is_interactive()
    if asks:
        print_change(work(dry_run=True))
        if not typer.confirm("Make this change?", default=True, err=True):
            say("nothing was changed")
            return
    done = work(dry_run=dry_run)
    if json:
        print_json(
            {
                **diff_row(done.diff),
                "places": done.places,
                "gold_labels": done.gold,
                "labelled_items": done.items,
                "written": not dry_run,
            }
        )
    elif not (session.quiet or asks):
        print_change(done)
    if session.quiet or json:
        return
    if dry_run:
        say("nothing was written (--dry-run)")
    else:
        number = done.diff.after
        say(f"change {number}; take it back: {session.again(f'index undo {number}')}")


def print_change(done: LabelChange) -> None:
    """Print what a change of labels does and touches."""
    print_diff(done.diff)
    for note in done.notes:
        say(note)
    say(
        f"touches {counted(done.places, 'place')} in the tree, {counted(done.items, 'labelled item')} and "
        f"{counted(done.gold, 'stored gold label')}"
    )
