"""Where gold labels are lost over a data set, as a table and as JSON rows: the nodes, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

import taxonaut
from taxonaut import evaluation
from taxonaut.cli.classify.outcome_text import outcome_row, place_name, quoted_name
from taxonaut.cli.shared.terminal import clipped, counted, printable, styled
from taxonaut.state.errors import InputError
from taxonaut.workspace import learn, walk

if TYPE_CHECKING:
    from taxonaut.evaluation.attribution import Attribution, NodeLosses
    from taxonaut.state.index.index import Index
    from taxonaut.state.stores.ledger import PathMark
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.workspace import Workspace

ITEMS = 3
BRANCHES = 2


@dataclass(frozen=True, slots=True)
class Losses:
    """What the walks of one method lost, ready to be shown while the workspace is closed."""

    title: str
    row: dict[str, Any]
    parts: tuple[RenderableType, ...]


def check_attribution(names: Sequence[str], *, incremental: bool) -> None:
    """Refuse, before any text is labelled, what has no walk of this index to follow."""
    if incremental:
        raise InputError(
            "--attribution follows walks of your own index, --incremental builds others; give one of the two"
        )
    if not any(
        each.method.name in evaluation.attribution.WALKS
        for each in evaluation.methods.registry.parse_methods(names)
    ):
        raise InputError(
            f"--attribution follows walks, and none of {', '.join(names)!r} is one; "
            f"add one of {', '.join(evaluation.attribution.WALKS)} to --methods"
        )


def attribute_losses(
    workspace: Workspace, rows: Sequence[ItemRow], names: Sequence[str], ks: Sequence[int], most: int
) -> list[Losses]:
    """Mark the walks of each method that walks the index, and attribute what they lost.

    The right labels are those of the ledger: what people said since the file was written counts before it.
    """
    rows = walk.labelled_items.labelled_rows(workspace, [row.item for row in rows])
    depth = max([*ks, workspace.config.walk.top])
    runs = [
        (each.title, evaluation.attribution.find_walk_run(workspace, each, depth))
        for each in evaluation.methods.registry.parse_methods(names)
    ]
    index, found = workspace.index, list[Losses]()
    for title, run in runs:
        if run is not None:
            each = taxonaut.attribute(workspace, rows, run)
            marks = learn.marking.count_marks(workspace, [row.item for row in rows], run)
            row = {**attribution_row(index, each, most), "marks": marks}
            found.append(Losses(title, row, render_losses(index, title, each, most, marks)))
    return found


def render_losses(
    index: Index, title: str, found: Attribution, most: int, marks: Mapping[PathMark, int]
) -> tuple[RenderableType, ...]:
    """Render the outcomes of the gold labels, and the `most` nodes that lost most of them."""
    said = f"{counted(found.gold, 'right label')} of {counted(found.items, 'text')}"
    if found.not_walked:
        said += f"; {found.not_walked:,} more were not walked"
    parts: list[RenderableType] = [styled(f"Outcomes of the right labels: {title}", "bold")]
    parts += [styled(said, "dim"), outcomes_table(found)]
    parts += [styled(f"{counted(marks['error'], 'answered label')} wrong", "dim")]
    if not found.nodes:
        return (*parts, styled("no label was lost at a node", "dim"))
    parts += ["", nodes_table(index, found, most)]
    left = len(found.nodes) - most
    if left > 0:
        lost = sum(len(node.losses) for node in found.nodes[most:])
        parts.append(styled(f"and {counted(left, 'more node')} that lost {lost:,}", "dim"))
    return tuple(parts)


def outcomes_table(found: Attribution) -> Table:
    """Return how often each outcome occurred, as rows."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    table.add_column()
    for outcome, count in found.outcomes.items():
        share = styled(f"{count / found.gold:.1%}")
        table.add_row(
            styled(f"  {count:,}"),
            share,
            styled(walk.label_outcomes.MEANING[outcome], "green" * (outcome == "found")),
        )
    return table


def nodes_table(index: Index, found: Attribution, most: int) -> Table:
    """Return the nodes with what they lost, worst first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("lost", justify="right")
    table.add_column("at", overflow="fold")
    table.add_column("how", overflow="fold")
    table.add_column("branches that stayed closed", overflow="fold")
    table.add_column("texts", overflow="fold")
    for node in found.nodes[:most]:
        how = ", ".join(f"{outcome} {count:,}" for outcome, count in node.outcomes.items())
        table.add_row(
            styled(f"{len(node.losses):,}", "red"),
            styled(place_name(index, node.node_id)),
            styled(how, "dim"),
            styled(describe_closed_branches(index, node)),
            styled(describe_lost_items(node), "dim"),
        )
    return table


def describe_closed_branches(index: Index, node: NodeLosses) -> str:
    """Name the branches that held most of the lost labels."""
    named = [f"{quoted_name(index, branch)} {count:,}" for branch, count in node.branches.items()]
    return ", ".join(named[:BRANCHES]) + (
        f" and {len(named) - BRANCHES:,} more" if len(named) > BRANCHES else ""
    )


def describe_lost_items(node: NodeLosses) -> str:
    """Name the first items that lost a label at a node."""
    ids = list(dict.fromkeys(loss.item_id for loss in node.losses))
    shown = ", ".join(clipped(printable(id_), 24) for id_ in ids[:ITEMS])
    return shown + (f" and {len(ids) - ITEMS:,} more" if len(ids) > ITEMS else "")


def attribution_row(index: Index, found: Attribution, most: int | None = None) -> dict[str, Any]:
    """Return an attribution as JSON has it: every node with every loss, unless `most` bounds the nodes."""
    return {
        "run_id": found.run_id,
        "items": found.items,
        "not_walked": found.not_walked,
        "gold": found.gold,
        "outcomes": dict(found.outcomes),
        "nodes": [node_row(index, node) for node in found.nodes[:most]],
        "elsewhere": [
            {"item_id": loss.item_id, **outcome_row(index, loss.outcome)} for loss in found.elsewhere
        ],
    }


def node_row(index: Index, node: NodeLosses) -> dict[str, Any]:
    """Return one node's losses as JSON has them."""
    return {
        "id": node.node_id,
        "path": list(node.path),
        "lost": len(node.losses),
        "outcomes": dict(node.outcomes),
        "losses": [{"item_id": loss.item_id, **outcome_row(index, loss.outcome)} for loss in node.losses],
    }
