"""Preview and apply changes to the index: shown as short lines first, applied at most once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.tools.toolkit import ChangeTool, Plan
from taxonaut.state.errors import ToolError
from taxonaut.state.index.diff import IndexDiff, LabelChange, NodeRef
from taxonaut.state.stores.conversations import AppliedCalls
from taxonaut.tools.support.chat_tool import Focus, Outcome, Proposal, ToolUse, focus_of, focus_row
from taxonaut.workspace.build.change_preview import LONGEST_NOTE, make_change, transaction
from taxonaut.workspace.build.diff_lines import diff_lines, node_text
from taxonaut.workspace.core.text_format import clipped, counted, printable
from taxonaut.workspace.workspace import Workspace

MOST_LINES = 12
"""Lines shown of one kind of change."""

MANY_LINES = 40
FEW_LINES = 5
"""Lines shown of one kind of change if there are more than `MANY_LINES` in all."""

SIGNS = {">": "→"}
SILENT = frozenset({"node", "label"})
"""Kinds that are not named in a line; the sign is enough."""


async def preview(workspace: Workspace, change: ChangeTool, use: ToolUse) -> Proposal:
    """Apply a change in a transaction that is rolled back; return its diff as a proposal."""
    version = workspace.index.version()
    plan = await change.plan(use.arguments)
    lines = plan.shown
    if not lines:
        found = make_change(workspace, plan.make, plan.title, dry_run=True)
        if found.is_empty:
            raise ToolError(f"{plan.title}: nothing would change")
        lines = format_diff(found)
    lines = (*lines, *(f"! {warning}" for warning in plan.warnings))
    return Proposal(use, plan.title, tuple(map(printable, lines)), str(version))


async def apply(workspace: Workspace, change: ChangeTool, proposal: Proposal) -> Outcome:
    """Apply a change and store its outcome in one transaction; a call applied before returns its stored outcome.

    Raises ToolError if the index has changed since the proposal.
    """
    applied = AppliedCalls(workspace.database)
    if (kept := applied.outcome(proposal.use.id)) is not None:
        return outcome_of(kept)
    check_version(workspace, proposal)
    plan = await change.plan(proposal.use.arguments)
    with transaction(workspace, dry_run=False):
        check_version(workspace, proposal)
        outcome = apply_plan(workspace, plan)
        applied.keep(proposal.use.id, outcome_row(outcome))
    return outcome


def check_version(workspace: Workspace, proposal: Proposal) -> None:
    """Raise ToolError if the index has changed since the proposal."""
    version = str(workspace.index.version())
    if version != proposal.version:
        raise ToolError(
            f"the index was changed meanwhile (it is at change {version}, the proposal was made at "
            f"{proposal.version}); nothing was written. Propose the change again"
        )


def apply_plan(workspace: Workspace, plan: Plan) -> Outcome:
    """Apply a plan as one change of the log."""
    index = workspace.index
    if plan.shown:
        focus = plan.make()
        kept = {"title": plan.title, "diff": list(map(printable, plan.shown))}
        return Outcome(f"done: {plan.title}", one_line(plan.title), kept, focus, foreign=True)
    before = index.version()
    with index.change(clipped(" ".join(plan.title.split()), LONGEST_NOTE)):
        focus = plan.make()
    lines = tuple(map(printable, format_diff(index.diff_since(before))))
    text = render_answer("changed", title=plan.title, number=str(index.version()))
    data = {"change": index.version(), "title": plan.title, "diff": list(lines)}
    return Outcome(text, one_line(f"{plan.title} (change {index.version()})"), data, focus)


def format_diff(diff: IndexDiff) -> tuple[str, ...]:
    """Format a diff as short lines: a sign, then what was added, removed, moved or renamed."""
    rest, turned = drop_own_labels(diff)
    shown: list[str] = []
    kinds = [[("~", "node", f"{node_text(node)} {what}") for node, what in turned], *diff_lines(rest)]
    most = MOST_LINES if sum(map(len, kinds)) <= MANY_LINES else FEW_LINES
    for lines in kinds:
        for sign, kind, text in lines[:most]:
            what = "" if kind in SILENT else f"{kind} "
            shown.append(f"{SIGNS.get(sign, sign)} {what}{text}")
        if len(lines) > most:
            shown.append(f"  … and {counted(len(lines) - most, 'more line')}")
    return tuple(shown)


def drop_own_labels(diff: IndexDiff) -> tuple[IndexDiff, list[tuple[NodeRef, str]]]:
    """Drop the labels that were added or removed together with their own node, whose line says it already.

    Also returns the labels that became branches or ceased to be, each with its description.
    """
    fresh = {node.path: node for node in diff.inserted}
    gone = {removal.node.path: removal.node for removal in diff.removed}

    def own(
        label: LabelChange, places: Iterable[NodeRef], nodes: Mapping[tuple[str, ...], NodeRef]
    ) -> NodeRef | None:
        wanted = (node.path for node in places if node.path[-1:] == (label.name,))
        return next((nodes[path] for path in wanted if path in nodes), None)

    became = {label.id: node for label in diff.labels_moved if (node := own(label, label.gained, fresh))}
    departed = [*(each.lost for each in diff.labels_moved), *(each.lost for each in diff.moved)]
    left = Counter(node.id for lost in departed for node in lost)
    alone = {path: node for path, node in gone.items() if left[node.id] == 1}
    ceased = {label.id: node for label in diff.labels_moved if (node := own(label, label.lost, alone))}
    turned = {node.id for node in (*became.values(), *ceased.values())}
    split = [
        replace(each, into=tuple(part for part in each.into if part.id not in turned)) for each in diff.split
    ]
    rest = replace(
        diff,
        labels_inserted=tuple(each for each in diff.labels_inserted if not own(each, each.gained, fresh)),
        labels_gone=tuple(each for each in diff.labels_gone if not own(each, each.lost, gone)),
        labels_moved=tuple(each for each in diff.labels_moved if each.id not in {*became, *ceased}),
        inserted=tuple(node for node in diff.inserted if node.id not in turned),
        removed=tuple(each for each in diff.removed if each.node.id not in turned),
        split=tuple(each for each in split if each.into),
    )
    said = [(node, "becomes a branch") for node in became.values()]
    return rest, [*said, *((node, "is a label without branches again") for node in ceased.values())]


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain JSON."""
    return {
        "text": outcome.text,
        "line": outcome.line,
        "data": dict(outcome.data),
        "focus": focus_row(outcome.focus),
        "foreign": outcome.foreign,
    }


def outcome_of(row: Mapping[str, Any]) -> Outcome:
    """Read an outcome."""
    focus: Focus = focus_of(row["focus"])
    return Outcome(row["text"], row["line"], row["data"], focus, row["foreign"])
