"""Changes of the labels and their tree: preview, make, undo, log, diff."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from taxonaut import tools
from taxonaut.server.pages import AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES, ProblemError
from taxonaut.server.routes.diff_rows import DiffRow, diff_rows
from taxonaut.server.service import Served, Service
from taxonaut.state import records
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import EventId, LabelId
from taxonaut.state.index.diff import IndexDiff
from taxonaut.state.index.diff import diff as compare
from taxonaut.state.records import Label
from taxonaut.workspace.build.change_preview import make_change, summarize_change
from taxonaut.workspace.build.tree_preview import find_node
from taxonaut.workspace.labels.label_changes import (
    LabelChange,
    change_labels,
    find_target,
    make_label_id,
)
from taxonaut.workspace.workspace import Workspace

router = APIRouter(prefix="/api", tags=["changes"], responses=RESPONSES)

MOST_ROWS_SHOWN = 50
"""Differences that the answer to a change shows."""

Name = Annotated[str, Field(min_length=1, max_length=20_000)]
"""A label by id, name or path; a node by number or path."""

Names = Annotated[list[Name], Field(min_length=1, max_length=1_000)]
Reason = Annotated[str, Field(max_length=2_000)]


class AddLabel(BaseModel):
    """Add a label under a node; without an `id` one is made of its name."""

    kind: Literal["add_label"]
    name: Name
    under: Name
    id: Annotated[str, Field(max_length=2_000)] = ""
    description: Annotated[str, Field(max_length=20_000)] = ""


class RenameLabel(BaseModel):
    """Give a label another name, another id, or both."""

    kind: Literal["rename_label"]
    label: Name
    name: Name | None = None
    new_id: Name | None = None
    reason: Reason = ""


class MoveLabel(BaseModel):
    """Move a label, with all below it; `leaving` is the node it leaves, where it stands in several."""

    kind: Literal["move_label"]
    label: Name
    to: Name
    leaving: Name | None = None


class MergeLabels(BaseModel):
    """Merge labels into one, which takes their places and names."""

    kind: Literal["merge_labels"]
    keep: Name
    away: Names
    reason: Reason = ""


class SplitLabel(BaseModel):
    """Split a label into several: names of new ones, `ID=NAME`, or labels that are there."""

    kind: Literal["split_label"]
    label: Name
    parts: Names
    reason: Reason = ""


class RetireLabels(BaseModel):
    """Retire labels: they leave the tree and are answered no more."""

    kind: Literal["retire_labels"]
    labels: Names
    replaced_by: Annotated[list[Name], Field(max_length=1_000)] = []
    reason: Reason = ""


class RestoreLabels(BaseModel):
    """Restore retired labels where they stood."""

    kind: Literal["restore_labels"]
    labels: Names


class MoveNode(BaseModel):
    """Move a node, with all below it, to another parent."""

    kind: Literal["move_node"]
    node: Name
    to: Name
    leaving: Name | None = None


class RenameNode(BaseModel):
    """Rename a node; one that is a label is renamed together with it."""

    kind: Literal["rename_node"]
    node: Name
    name: Name


class MergeNodes(BaseModel):
    """Merge a node into another, which takes all in and below it."""

    kind: Literal["merge_nodes"]
    keep: Name
    away: Name


class RemoveNode(BaseModel):
    """Remove a node; what is in and below it goes to its parents."""

    kind: Literal["remove_node"]
    node: Name


Change = Annotated[
    AddLabel
    | RenameLabel
    | MoveLabel
    | MergeLabels
    | SplitLabel
    | RetireLabels
    | RestoreLabels
    | MoveNode
    | RenameNode
    | MergeNodes
    | RemoveNode,
    Field(discriminator="kind"),
]


class ChangeRequest(BaseModel):
    """A change to make; `version` is that of its preview: if the index is at another one now, nothing is changed."""

    change: Change
    version: Annotated[int, Field(ge=0, lt=2**62)] | None = None


class ChangeAnswer(BaseModel):
    """What a change did, or would do.

    `number` is what undo takes, null for a preview; `version` that of the index it was computed on. `places` counts
    where its labels stand, `gold` the labels of evaluated items that name them, `items` what was labelled with them.
    `rows` are the first of the `row_count` differences, each as it was and as it is.
    """

    number: int | None
    version: int
    diff: IndexDiff
    places: int = 0
    gold: int = 0
    items: int = 0
    notes: list[str] = []
    rows: list[DiffRow] = []
    row_count: int = 0


@router.post("/changes/preview")
def preview(service: Served, change: Change) -> ChangeAnswer:
    """Show what a change would do, and change nothing."""
    version = service.workspace.index.version()
    return _answer(_make(service.workspace, change, dry_run=True), version, made=False)


@router.post("/changes")
def make(service: Served, asked: ChangeRequest) -> ChangeAnswer:
    """Make a change, as one entry of the log, which undo takes back."""
    with service.workspace.database.write():
        version = _check_version(service.workspace, asked.version)
        return _answer(_make(service.workspace, asked.change, dry_run=False), version, made=True)


def _check_version(workspace: Workspace, expected: int | None) -> int:
    version = workspace.index.version()
    if expected is not None and expected != version:
        raise ProblemError(
            409,
            f"the index was changed since the preview (version {expected}, now {version}); nothing was changed: "
            "look at a new preview",
        )
    return version


def _answer(done: LabelChange, version: int, *, made: bool) -> ChangeAnswer:
    number = done.diff.after if made and done.diff.after > version else None
    rows = diff_rows(done.diff)
    return ChangeAnswer(
        number=number,
        version=version,
        diff=done.diff,
        places=done.places,
        gold=done.gold,
        items=done.items,
        notes=list(done.notes),
        rows=rows[:MOST_ROWS_SHOWN],
        row_count=len(rows),
    )


def _make(workspace: Workspace, change: Any, *, dry_run: bool) -> LabelChange:
    """Make one change. Raises InputError and NotFoundError for one that is not possible."""
    match change:
        case AddLabel():
            return _add_label(workspace, change, dry_run=dry_run)
        case RenameLabel():
            return workspace.rename_label(
                change.label, change.name, new_id=change.new_id, reason=change.reason, dry_run=dry_run
            )
        case MoveLabel():
            return workspace.move_label(change.label, change.to, leaving=change.leaving, dry_run=dry_run)
        case MergeLabels():
            return workspace.merge_labels(change.keep, change.away, reason=change.reason, dry_run=dry_run)
        case SplitLabel():
            return workspace.split_label(change.label, change.parts, reason=change.reason, dry_run=dry_run)
        case RetireLabels():
            return workspace.retire_labels(
                change.labels, replaced_by=change.replaced_by, reason=change.reason, dry_run=dry_run
            )
        case RestoreLabels():
            return workspace.restore_labels(change.labels, dry_run=dry_run)
    return _change_nodes(workspace, *_node_work(workspace, change), dry_run=dry_run)


def _node_work(workspace: Workspace, change: Any) -> tuple[Callable[[], object], str]:
    """Return what changes a node, and the note of the change."""
    index = workspace.index
    match change:
        case MoveNode():

            def move() -> None:
                leaving = None if change.leaving is None else find_node(index, change.leaving)
                tools.move_node(index, find_node(index, change.node), find_node(index, change.to), leaving)

            return move, f"move {change.node} to {change.to}"
        case RenameNode():
            return (
                lambda: tools.rename_node(index, find_node(index, change.node), change.name),
                f"rename {change.node} to {change.name}",
            )
        case MergeNodes():
            return (
                lambda: tools.merge_nodes(
                    index, find_node(index, change.keep), find_node(index, change.away)
                ),
                f"merge {change.away} into {change.keep}",
            )
    return lambda: tools.remove_node(index, find_node(index, change.node)), f"remove {change.node}"


def _change_nodes(
    workspace: Workspace, work: Callable[[], object], note: str, *, dry_run: bool
) -> LabelChange:
    try:
        return LabelChange(make_change(workspace, work, note, dry_run=dry_run), 0, 0, 0)
    except ToolError as error:
        raise InputError(str(error)) from None


def _add_label(workspace: Workspace, change: AddLabel, *, dry_run: bool) -> LabelChange:
    index = workspace.index
    name = " ".join(change.name.split())
    if not name:
        raise InputError(f"the name of the label is {change.name!r}; give one with letters")
    given = LabelId(change.id.strip()) or make_label_id(index, name)
    if index.knows_id(given):
        raise InputError(f"the id {given!r} is taken already; give another id, or none")

    def add() -> None:
        index.add_labels([Label(given, name, change.description, batch="added by hand")])
        index.place(given, [find_target(index, change.under)])

    return change_labels(workspace, [], add, f"add {given} under {change.under}", dry_run=dry_run)


class UndoRequest(BaseModel):
    """Which change to undo, by its number; without one the last. Undoing an undo makes the change again."""

    number: Annotated[int, Field(ge=1, lt=2**62)] | None = None
    dry_run: bool = False


@router.post("/changes/undo")
def undo(service: Served, asked: UndoRequest) -> ChangeAnswer:
    """Undo a change, which is one more entry of the log."""
    workspace = service.workspace
    number = asked.number

    def take_back() -> None:
        if number is None:
            workspace.index.undo()
        else:
            workspace.index.undo_change(EventId(number))

    version = workspace.index.version()
    return _answer(
        _change_nodes(workspace, take_back, "", dry_run=asked.dry_run), version, made=not asked.dry_run
    )


class LoggedChange(BaseModel):
    """A change in the log; `what` describes it in a line, `operations` counts its steps by kind."""

    number: int
    first: int
    at: str
    what: str
    note: str
    operations: dict[str, int]
    undone: bool
    undone_by: int | None


def logged_change(change: records.Change) -> LoggedChange:
    """Return a change as the API has it."""
    return LoggedChange(
        number=change.id,
        first=change.first,
        at=change.at,
        what=summarize_change(change),
        note=change.note,
        operations=dict(change.operations),
        undone=change.is_undone,
        undone_by=change.undone_by,
    )


@router.get("/changes")
def log(service: Served, limit: LimitQuery = 50, after: AfterQuery = "") -> Page[LoggedChange]:
    """List the changes, newest first."""
    place = read_cursor(after, int)
    before = None if place is None else EventId(place[0])
    found = service.workspace.index.events.changes(limit + 1, before=before)
    entries = [logged_change(each) for each in found[:limit]]
    return Page(entries=entries, next=cursor(entries[-1].number) if len(found) > limit else None)


@router.get("/diff")
def diff(
    service: Served,
    before: Annotated[int, Query(ge=0, lt=2**62, description="The older version; 0: the empty index.")],
    after: Annotated[
        int | None, Query(ge=0, lt=2**62, description="The newer version; without it, now.")
    ] = None,
) -> IndexDiff:
    """Show what changed between two versions of the index, or since one."""
    return _diff(service.workspace, before, after)


def _diff(workspace: Workspace, before: int, after: int | None) -> IndexDiff:
    index = workspace.index
    now = index.version()
    for each in (before, now if after is None else after):
        if each > now:
            raise InputError(f"version {each} is not there yet; the index is at {now}")
    if after is not None and after < before:
        return compare(index.snapshot(EventId(before)), index.snapshot(EventId(after)))
    return index.diff_since(EventId(before), None if after is None else EventId(after))


class DiffPage(BaseModel):
    """A stretch of the `total` rows between two versions, and how many there are of each kind."""

    before: int
    after: int
    total: int
    kinds: dict[str, int]
    start: int
    rows: list[DiffRow]


@router.get("/diff-rows")
def diff_page(
    service: Served,
    before: Annotated[int, Query(ge=0, lt=2**62)],
    after: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    start: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    limit: LimitQuery = 100,
    kind: Annotated[str, Query(max_length=40)] = "",
) -> DiffPage:
    """Show two versions of the index side by side, page by page: what was, and what is; `kind` chooses one kind."""
    now = service.workspace.index.version()
    rows = _kept_rows(service, before, now if after is None else after)
    shown = [row for row in rows if kind in ("", row.kind)]
    return DiffPage(
        before=before,
        after=now if after is None else after,
        total=len(shown),
        kinds=dict(Counter(row.kind for row in rows)),
        start=start,
        rows=shown[start : start + limit],
    )


@lru_cache(maxsize=4)
def _kept_rows(service: Service, before: int, after: int) -> list[DiffRow]:
    """Return the rows between two versions, which never change: the log is only added to."""
    return diff_rows(_diff(service.workspace, before, after))
