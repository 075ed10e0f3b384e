"""Outcomes of gold labels in words: found, or lost at which node and why."""

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


def outcomes_table(index: Index, outcomes: Sequence[LabelOutcome]) -> Table:
    """Return gold labels as rows: the outcome of each, and where."""
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for outcome in outcomes:
        label = index.label(outcome.label)
        table.add_row(
            styled(f"  {clipped(label.name, WIDTH)}", "bold"), describe_label_outcome(index, outcome)
        )
    return table


def describe_label_outcome(index: Index, outcome: LabelOutcome) -> Text:
    """Describe a label's outcome."""
    if outcome.outcome == "found":
        return styled(f"found, place {outcome.rank}", "green")
    line = styled(f"lost: {walk.label_outcomes.MEANING[outcome.outcome]}", "red")
    if outcome.node is not None:
        line.append(f", at {printable(place_name(index, outcome.node))}", "not red")
        if outcome.branch is not None and outcome.branch != outcome.node:
            line.append(f": {branch_text(index, outcome)}", "dim")
    return line


def branch_text(index: Index, outcome: LabelOutcome) -> str:
    """Name the closed branch with its score and place, and the best one that was opened next to it."""
    assert outcome.branch is not None
    shown = quoted_name(index, outcome.branch)
    if outcome.score is not None:
        shown += f" {outcome.score:.2f}"
    if outcome.place is not None:
        shown += f" ({outcome.place} of {outcome.siblings:,})"
    elif outcome.siblings:
        shown += f" (of {outcome.siblings:,})"
    if outcome.opened is None:
        return f"{shown} stayed closed, and so did all others" if outcome.siblings else shown
    shown += f" stayed closed; best opened: {quoted_name(index, outcome.opened)}"
    return shown if outcome.opened_score is None else f"{shown} {outcome.opened_score:.2f}"


def quoted_name(index: Index, node: NodeId) -> str:
    """Return a node's name between quotation marks."""
    return f"“{clipped(printable(index.node(node).name), WIDTH)}”" if index.has_node(node) else f"node {node}"


def place_name(index: Index, node: NodeId) -> str:
    """Return the path to a node, or what the root is called."""
    way = index.node_paths([node])[node]
    return PATH_SIGN.join(each.name for each in index.nodes(way)) or "the top"


def outcome_row(index: Index, outcome: LabelOutcome) -> dict[str, Any]:
    """Return a label's outcome as JSON; what does not apply is null."""

    def named(node: NodeId | None) -> Mapping[str, Any] | None:
        if node is None or not index.has_node(node):
            return None
        return {"id": node, "name": index.node(node).name}

    return {
        "label_id": outcome.label,
        "name": index.label(outcome.label).name,
        "outcome": outcome.outcome,
        "rank": outcome.rank,
        "node": named(outcome.node),
        "branch": named(outcome.branch),
        "steps_left": outcome.steps_left,
        "score": outcome.score,
        "place": outcome.place,
        "siblings": outcome.siblings,
        "best_opened": named(outcome.opened),
        "best_opened_score": outcome.opened_score,
    }
