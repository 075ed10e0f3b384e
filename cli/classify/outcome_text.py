"""What became of gold labels, in words: found, or lost at which node and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from taxonaut.cli.shared.terminal import PATH_SIGN, clipped, printable, styled
from taxonaut.state.ids import NodeId
from taxonaut.workspace import walk

if TYPE_CHECKING:
    from taxonaut.state.index.index import Index
    from taxonaut.workspace.walk.label_outcomes import LabelOutcome

WIDTH = 60


def outcomes_table(index: Index, fates: Sequence[LabelOutcome]) -> Table:
    """Return gold labels as rows: what became of each, and where."""
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for fate in fates:
        label = index.label(fate.label)
        table.add_row(styled(f"  {clipped(label.name, WIDTH)}", "bold"), describe_label_outcome(index, fate))
    return table


def describe_label_outcome(index: Index, fate: LabelOutcome) -> Text:
    """Say in words what became of a label."""
    if fate.outcome == "found":
        return styled(f"found, place {fate.rank}", "green")
    line = styled(f"lost: {walk.label_outcomes.MEANING[fate.outcome]}", "red")
    if fate.node is not None:
        line.append(f", at {printable(place_name(index, fate.node))}", "not red")
        if fate.branch is not None and fate.branch != fate.node:
            line.append(f": {branch_text(index, fate)}", "dim")
    return line


def branch_text(index: Index, fate: LabelOutcome) -> str:
    """Name the closed branch with its score and place, and the best one that was opened beside it."""
    assert fate.branch is not None
    shown = quoted_name(index, fate.branch)
    if fate.score is not None:
        shown += f" {fate.score:.2f}"
    if fate.place is not None:
        shown += f" ({fate.place} of {fate.siblings:,})"
    elif fate.siblings:
        shown += f" (of {fate.siblings:,})"
    if fate.opened is None:
        return f"{shown} stayed closed, and so did all others" if fate.siblings else shown
    shown += f" stayed closed; best opened: {quoted_name(index, fate.opened)}"
    return shown if fate.opened_score is None else f"{shown} {fate.opened_score:.2f}"


def quoted_name(index: Index, node: NodeId) -> str:
    """Return a node's name between quotation marks."""
    return f"“{clipped(printable(index.node(node).name), WIDTH)}”" if index.has_node(node) else f"node {node}"


def place_name(index: Index, node: NodeId) -> str:
    """Return the path to a node, or what the root is called."""
    way = index.node_paths([node])[node]
    return PATH_SIGN.join(each.name for each in index.nodes(way)) or "the top"


def outcome_row(index: Index, fate: LabelOutcome) -> dict[str, Any]:
    """Return a label's fate as JSON has it; what does not apply is null."""

    def named(node: NodeId | None) -> Mapping[str, Any] | None:
        if node is None or not index.has_node(node):
            return None
        return {"id": node, "name": index.node(node).name}

    return {
        "label_id": fate.label,
        "name": index.label(fate.label).name,
        "outcome": fate.outcome,
        "rank": fate.rank,
        "node": named(fate.node),
        "branch": named(fate.branch),
        "steps_left": fate.steps_left,
        "score": fate.score,
        "place": fate.place,
        "siblings": fate.siblings,
        "best_opened": named(fate.opened),
        "best_opened_score": fate.opened_score,
    }
