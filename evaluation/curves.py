"""What a shortlist holds against what it costs: root walk, anchored walk and flat search at growing budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taxonaut.evaluation.measures.intervals import Interval, bootstrap_mean
from taxonaut.evaluation.methods.flat import searcher
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.updates import staged
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

ROOT, ANCHORED, FLAT = "walk from the root", "anchored walk", "flat search"
BUDGETS = (1, 2, 5, 10, 20, 40)
"""Terminal nodes a walk may reach; an anchored walk starts from as many labels."""

SIZES = (10, 20, 50, 100, 200, 300, 500)
"""Labels that flat search gives."""


@dataclass(frozen=True, slots=True)
class Point:
    """One budget of one way to a shortlist, means over the items with gold labels.

    `recall` is the share of an item's gold labels on its shortlist, `size` the labels there, `requests` the
    navigator's decisions; a search over vectors is none.
    """

    series: str
    budget: int
    requests: float
    size: float
    recall: Interval


async def shortlist_curves(workspace: Workspace, rows: Sequence[ItemRow]) -> list[Point]:
    """Measure the shortlists of three ways at several budgets; the workspace's other walk settings hold.

    Flat search alone where the workspace has no tree. Raises InputError without gold labels.
    """
    rows = [row for row in rows if row.gold]
    if not rows:
        raise InputError("a figure needs texts with right labels; none of these has any")
    points = []
    placed = not workspace.index.stats().labels_unplaced
    for series in (ROOT, ANCHORED) if placed else ():
        for budget in BUDGETS:
            with staged(f"shortlists ({series}, {budget})", len(rows)):
                points.append(await walked(workspace, rows, series, budget))
    points += await flat(workspace, rows)
    return points


async def walked(workspace: Workspace, rows: Sequence[ItemRow], series: str, budget: int) -> Point:
    """Measure one walk."""
    walk: dict[str, Any] = {"shortlist": "tree", "terminals": budget}
    walk |= {"start": "anchored", "anchors": budget} if series == ANCHORED else {"start": "root"}
    return await policy_point(workspace, rows, series, budget, walk)


async def policy_point(
    workspace: Workspace, rows: Sequence[ItemRow], series: str, budget: int, walk: dict[str, Any]
) -> Point:
    """Measure the shortlists of any policy; `walk` replaces settings of the `[walk]` table."""
    found = await workspace.ashortlists([row.item for row in rows], **walk)
    lists = {result.item_id: result.labels for result in found}
    requests = float(np.mean([result.requests for result in found]))
    return point(series, budget, requests, rows, lists)


async def flat(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    sizes: Sequence[int] = SIZES,
    mix: float | None = None,
    series: str = FLAT,
    *,
    plain: bool = False,
) -> list[Point]:
    """Measure exact search at several sizes, from one search; `mix` and `plain` as in `methods.flat.searcher`."""
    count = len(workspace.index.label_ids())
    sizes = sorted({min(size, count) for size in sizes})
    items: list[Item] = [row.item for row in rows]
    found = await searcher(workspace, mix, plain=plain).search([item.text for item in items], sizes[-1])
    ranked = {item.id: [label for label, _ in hits] for item, hits in zip(items, found, strict=True)}
    return [
        point(series, size, 0.0, rows, {item: labels[:size] for item, labels in ranked.items()})
        for size in sizes
    ]


def point(
    series: str,
    budget: int,
    requests: float,
    rows: Sequence[ItemRow],
    lists: Mapping[ItemId, Sequence[LabelId]],
) -> Point:
    """Average over the items."""
    recalls = [len(set(row.gold) & set(lists[row.item.id])) / len(set(row.gold)) for row in rows]
    size = float(np.mean([len(lists[row.item.id]) for row in rows]))
    return Point(series, budget, requests, size, bootstrap_mean(np.array(recalls)))


def at_size(points: Sequence[Point], size: float) -> tuple[float, float] | None:
    """Give recall and requests of one series at a shortlist size, between its budgets on a log scale.

    None outside the sizes that were measured.
    """
    ordered = sorted(points, key=lambda point: point.size)
    sizes = [point.size for point in ordered]
    if not ordered or not sizes[0] <= size <= sizes[-1]:
        return None
    place = np.log(size), np.log(sizes)
    recall = float(np.interp(*place, [point.recall.value for point in ordered]))
    return recall, float(np.interp(*place, [point.requests for point in ordered]))
