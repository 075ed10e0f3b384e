"""Recall of shortlists against their cost: root walk, anchored walk and flat search at several budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from taxonaut.evaluation.methods.flat import make_retriever
from taxonaut.state.errors import InputError, ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.updates import staged
from taxonaut.workspace.core.intervals import Interval, bootstrap_mean
from taxonaut.workspace.core.resumable import EMPTY_TEXT
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

ROOT, ANCHORED, FLAT = "walk from the root", "anchored walk", "flat search"
BUDGETS = (1, 2, 5, 10, 20, 40)
"""Maximum terminal nodes of a walk, and the number of anchors of an anchored walk."""

SIZES = (10, 20, 50, 100, 200, 300, 500)
"""Shortlist sizes of flat search."""


@dataclass(frozen=True, slots=True)
class Point:
    """One series at one budget: means over the items with gold labels.

    `recall` is the share of an item's gold labels on its shortlist, `size` the shortlist's length, `requests`
    the navigator's decisions (vector search makes none). `failed` items, about which a request failed, are in none
    of them.
    """

    series: str
    budget: int
    requests: float
    size: float
    recall: Interval
    failed: int = 0


async def measure_shortlists(workspace: Workspace, rows: Sequence[ItemRow]) -> list[Point]:
    """Measure the shortlists of all three series, with the workspace's other [walk] settings.

    Without a tree, only flat search is measured. Raises InputError without gold labels.
    """
    rows = [row for row in rows if row.gold]
    if not rows:
        raise InputError("a figure needs texts with gold labels; none of these has any")
    points = []
    placed = not workspace.index.stats().labels_unplaced
    for series in (ROOT, ANCHORED) if placed else ():
        for budget in BUDGETS:
            with staged(f"shortlists ({series}, {budget})", len(rows)):
                points.append(await measure_walk(workspace, rows, series, budget))
    points += await measure_flat_search(workspace, rows)
    return points


async def measure_walk(workspace: Workspace, rows: Sequence[ItemRow], series: str, budget: int) -> Point:
    """Measure one walk."""
    walk: dict[str, Any] = {"shortlist": "tree", "terminals": budget}
    walk |= {"start": "anchored", "anchors": budget} if series == ANCHORED else {"start": "root"}
    return await measure_policy(workspace, rows, series, budget, walk)


async def measure_policy(
    workspace: Workspace, rows: Sequence[ItemRow], series: str, budget: int, walk: dict[str, Any]
) -> Point:
    """Measure the shortlists of a walk policy; `walk` overrides settings of the `[walk]` table."""
    found = await workspace.ashortlists([row.item for row in rows], **walk)
    lists = {result.item_id: result.labels for result in found}
    requests = float(np.mean([result.requests for result in found]))
    failed = {result.item_id: result.error for result in found if result.error not in ("", EMPTY_TEXT)}
    answered = [row for row in rows if row.item.id not in failed]
    if not answered:
        raise ModelReplyError(
            f"requests about all texts failed: {next(iter(failed.values()))} — run the same command again to ask "
            "for them"
        )
    return replace(average_point(series, budget, requests, answered, lists), failed=len(failed))


async def measure_flat_search(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    sizes: Sequence[int] = SIZES,
    mix: float | None = None,
    series: str = FLAT,
    *,
    plain: bool = False,
) -> list[Point]:
    """Measure exact search at several sizes; `mix` and `plain` as in `methods.flat.make_retriever`."""
    count = len(workspace.index.label_ids())
    sizes = sorted({min(size, count) for size in sizes})
    items: list[Item] = [row.item for row in rows]
    found = await make_retriever(workspace, mix, plain=plain).search([item.text for item in items], sizes[-1])
    ranked = {item.id: [label for label, _ in hits] for item, hits in zip(items, found, strict=True)}
    return [
        average_point(series, size, 0.0, rows, {item: labels[:size] for item, labels in ranked.items()})
        for size in sizes
    ]


def average_point(
    series: str,
    budget: int,
    requests: float,
    rows: Sequence[ItemRow],
    lists: Mapping[ItemId, Sequence[LabelId]],
) -> Point:
    """Average recall and shortlist size over the items."""
    recalls = [len(set(row.gold) & set(lists[row.item.id])) / len(set(row.gold)) for row in rows]
    size = float(np.mean([len(lists[row.item.id]) for row in rows]))
    return Point(series, budget, requests, size, bootstrap_mean(np.array(recalls)))


def interpolate_at_size(points: Sequence[Point], size: float) -> tuple[float, float] | None:
    """Interpolate recall and requests of one series at a shortlist size, on a log scale.

    Returns None outside the measured sizes.
    """
    ordered = sorted(points, key=lambda point: point.size)
    sizes = [point.size for point in ordered]
    if not ordered or not sizes[0] <= size <= sizes[-1]:
        return None
    place = np.log(size), np.log(sizes)
    recall = float(np.interp(*place, [point.recall.value for point in ordered]))
    return recall, float(np.interp(*place, [point.requests for point in ordered]))
