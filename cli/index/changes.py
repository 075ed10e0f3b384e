"""`taxonaut index log|diff|undo|move|rename|merge|split|remove`: the tree's history, and changing it by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

import taxonaut
from taxonaut.cli.index.diff_view import diff_row, print_diff, print_side_by_side
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import EventId, NodeId
from taxonaut.state.records import Change
from taxonaut.workspace import build

if TYPE_CHECKING:
    from taxonaut.state.index.index import Index
    from taxonaut.workspace.workspace import Workspace


def change_row(change: Change) -> dict[str, Any]:
    """Return a change as JSON has it."""
    return {
        "number": change.id,
        "first_event": change.first,
        "at": change.at,
        "operations": dict(change.operations),
        "what": build.change_preview.summarize_change(change),
        "note": change.note,
        "undone": change.is_undone,
        "undone_by": change.undone_by,
    }


def print_changes(changes: Sequence[Change]) -> None:
    """Print changes, one a line."""

    table = Table.grid(padding=(0, 2))
    for style in ("bold", "dim", "", "dim"):
        table.add_column(style=style, overflow="fold")
    for change in changes:
        undone = ""
        if change.undone:
            part = "" if change.is_undone else f"{change.undone} of {sum(change.operations.values())} "
            undone = f"{part}undone by {change.undone_by}"
        table.add_row(
            styled(str(change.id)),
            styled(change.at.replace("T", " ")),
            styled(build.change_preview.summarize_change(change)),
            styled(undone),
        )
    if changes:
        out().print(table)


NodeArgument = Annotated[
    str, typer.Argument(metavar="NODE", help="Node number, or path from the top: 'A > B'.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Limit = Annotated[int, typer.Option(min=0, help="Print at most N lines for each kind of change; 0 for all.")]


@command("log", example="taxonaut index log --limit 50")
def log(
    session: Session,
    limit: Annotated[int, typer.Option(min=0, help="Print at most N changes; 0 for all.")] = 20,
    json: JsonOption = False,
) -> None:
    """List changes to the index, newest first.

    index diff and index undo take the numbers of changes. With --json, one object a line.
    """

    with session.open() as workspace:
        changes = workspace.index.events.changes(limit or None)
    if json:
        for change in changes:
            print_json(change_row(change), indent=None)
    else:
        print_changes(changes)


@command(
    "diff",
    example="taxonaut index diff\ntaxonaut index diff 12 15 --side-by-side\ntaxonaut index diff 0",
)
def diff(
    session: Session,
    before: Annotated[
        int | None,
        typer.Argument(
            metavar="A",
            min=0,
            help="Older version: a number of index log, or 0 for the empty index. Default: "
            "before the last change.",
        ),
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="B", min=0, help="Newer version. Default: now.")
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Print both trees side by side.")
    ] = False,
    limit: Limit = 20,
    json: JsonOption = False,
) -> None:
    """Show what changed between two versions of the index.

    Lists what was inserted, moved, renamed, merged and split.
    """

    with session.open() as workspace:
        index = workspace.index
        if before is None:
            newest = index.events.changes(1)
            before = newest[0].first - 1 if newest else 0
        one = index.snapshot(EventId(before))
        other = index.snapshot(None if after is None else EventId(after))
    found = taxonaut.diff(one, other)
    if json:
        print_json(diff_row(found))
    elif side_by_side:
        print_side_by_side(found, one, other)
    else:
        print_diff(found, limit)


@command("undo", example="taxonaut index undo\ntaxonaut index undo 12 --dry-run")
def undo(
    session: Session,
    event: Annotated[
        int | None,
        typer.Argument(
            metavar="EVENT", min=1, help="Number of the change, from index log. Default: the last one."
        ),
    ] = None,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Undo a change.

    Undoing an undo makes the change again.
    """

    def change(workspace: Workspace) -> None:
        if event is None:
            workspace.index.undo()
        else:
            workspace.index.undo_change(EventId(event))

    open_and_change(session, change, "", dry_run=dry_run, json=json)


@command(
    "move",
    example='taxonaut index move "Sport > Shoes" Clothes\ntaxonaut index move 12 4 --from 3 --dry-run',
)
def move(
    session: Session,
    node: NodeArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="New parent: number or path; 1 is the top.")],
    leaving: Annotated[
        str | None, typer.Option("--from", metavar="NODE", help="Parent to leave, if the node has several.")
    ] = None,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Move a node, with everything below it, to another parent."""

    def change(workspace: Workspace) -> None:
        index = workspace.index
        from_ = None if leaving is None else find_given_node(index, leaving)
        taxonaut.tools.move_node(index, find_given_node(index, node), find_given_node(index, to), from_)

    open_and_change(session, change, f"move {node} to {to}", dry_run=dry_run, json=json)


@command("rename", example='taxonaut index rename "Sport > Shoes" Footwear')
def rename(
    session: Session,
    node: Annotated[
        str,
        typer.Argument(
            metavar="NODE", help="Node number, or path of a node or a label from the top: 'A > B'."
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="New name.")],
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Rename a node or a label.

    A node that is also a label, as in an imported tree, is renamed together with it.
    """

    def change(workspace: Workspace) -> None:
        found = build.tree_preview.find_category(workspace.index, check_given_place(node))
        if isinstance(found, int):
            taxonaut.tools.rename_node(workspace.index, found, name)
        else:
            taxonaut.tools.rename_label(workspace.index, found, name)

    open_and_change(session, change, f"rename {node} to {name}", dry_run=dry_run, json=json)


@command("merge", example='taxonaut index merge "Sport > Shoes" "Clothes > Footwear" --dry-run')
def merge(
    session: Session,
    keep: Annotated[str, typer.Argument(metavar="KEEP", help="Node to keep: number or path.")],
    away: Annotated[str, typer.Argument(metavar="AWAY", help="Node to merge into it: number or path.")],
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Merge two nodes into one.

    Everything in and below AWAY moves to KEEP, which keeps its place and its name.
    """

    def change(workspace: Workspace) -> None:
        taxonaut.tools.merge_nodes(
            workspace.index, find_given_node(workspace.index, keep), find_given_node(workspace.index, away)
        )

    open_and_change(session, change, f"merge {away} into {keep}", dry_run=dry_run, json=json)


@command("split", example='taxonaut index split "Sport > Shoes" --terminal-size 16')
def split(
    session: Session,
    node: NodeArgument,
    method: Annotated[str, typer.Option(metavar="METHOD", help="How to split; see index build.")] = "kmeans",
    terminal_size: Annotated[
        int | None,
        typer.Option(
            help="Put at most N labels into a terminal node. Default: half of the node's labels.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Split a node: distribute its labels among new nodes below it."""

    with session.open() as workspace:
        index = workspace.index
        found = find_given_node(index, node)
        count = len(index.labels_at(found))
        size = terminal_size or build.split_node.split_size(count, method)
        with progress(session) as bar:
            bar.stage(f"splitting by {method}")
            tree = PORTAL.run(build.split_node.abuild_subtree(workspace, found, method, terminal_size=size))
        if not any(each.key for each in tree.nodes):
            raise InputError(
                f"the {count} labels of {index.node(found).name!r} fit into one terminal of {size}; "
                "nothing to split. Give a smaller --terminal-size"
            )
        change_and_print(
            session, workspace, lambda: index.graft(found, tree), f"split {node}", dry_run=dry_run, json=json
        )


@command("remove", example='taxonaut index remove "Sport > Shoes" --dry-run')
def remove(session: Session, node: NodeArgument, dry_run: DryRun = False, json: JsonOption = False) -> None:
    """Remove a node and keep its contents.

    Everything in and below the node moves to its parents, so that no label is lost.
    """

    def change(workspace: Workspace) -> None:
        taxonaut.tools.remove_node(workspace.index, find_given_node(workspace.index, node))

    open_and_change(session, change, f"remove {node}", dry_run=dry_run, json=json)


def find_given_node(index: Index, given: str) -> NodeId:
    """Find the node that an argument names; an empty text is an error here, not the root."""

    return build.tree_preview.find_node(index, check_given_place(given))


def check_given_place(given: str) -> str:
    """Return the argument that names a node. Raises InputError for an empty text."""

    if not given.strip():
        raise InputError("a node was given as an empty text; give its number (1 is the top) or its path")
    return given


def open_and_change(
    session: Session, change: Callable[[Workspace], object], note: str, *, dry_run: bool, json: bool
) -> None:
    """Open the workspace, make one change, and print what it did."""
    with session.open() as workspace:
        change_and_print(session, workspace, lambda: change(workspace), note, dry_run=dry_run, json=json)


def change_and_print(
    session: Session,
    workspace: Workspace,
    change: Callable[[], object],
    note: str,
    *,
    dry_run: bool,
    json: bool,
) -> None:
    """Make one change, or try it without keeping it; print what differs and how to take it back."""

    try:
        found = build.change_preview.make_change(workspace, change, note, dry_run=dry_run)
    except ToolError as error:
        raise InputError(str(error)) from None
    if json:
        print_json({**diff_row(found), "written": not dry_run})
    elif not session.quiet:
        print_diff(found)
    if session.quiet or json:
        return
    if dry_run:
        say("nothing was written (--dry-run)")
    else:
        say(f"change {found.after}; take it back: {session.again(f'index undo {found.after}')}")
