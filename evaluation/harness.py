"""Run methods side by side on one data set: quality beside cost, baselines in the same table."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from taxonaut.evaluation.baselines import bm25_rank
from taxonaut.evaluation.metrics import Scores, score
from taxonaut.state.decisions import Totals
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import ItemResult
from taxonaut.workspace.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

WALKS = ("tree", "both", "dense")
"""Methods that are walks: a shortlist from the tree, from dense retrieval, or from both, then ranked."""

METHODS = (*WALKS, "bm25")

OnProgress = Callable[[str, int, int], None]
"""Called with the method, how many items it has done and how many there are."""


@dataclass(frozen=True, slots=True)
class MethodReport:
    """One method's quality and what it cost.

    `scores` is None where no item has gold labels. `requests`, tokens and `seconds` (of the models' time) are
    those of all calls together that led to these results; `asked` counts the requests of this call that went
    to a model: none, where all was kept.
    """

    method: str
    scores: Scores | None
    requests: int
    asked: int
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int
    seconds: float
    failed: int
    predictions: Mapping[ItemId, tuple[LabelId, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found. Items without gold labels count in `items` but not in the scores."""

    items: int
    with_gold: int
    labels: int
    methods: tuple[MethodReport, ...]


async def aevaluate(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = METHODS,
    ks: Sequence[int] = (1, 3, 5, 10),
    on_progress: OnProgress | None = None,
) -> Report:
    """Label all items with each method and score them against their gold labels.

    Raises InputError for a method that is not there, no items, gold labels the index does not have.
    """
    check(workspace, rows, methods)
    depth = max([*ks, workspace.config.walk.top])
    reports = []
    for method in methods:
        told = (lambda done, m=method: on_progress(m, done, len(rows))) if on_progress else None
        run = walked if method in WALKS else lexical
        reports.append(await run(workspace, rows, method, depth, ks, told))
    with_gold = sum(bool(row.gold) for row in rows)
    return Report(len(rows), with_gold, len(workspace.index.label_ids()), tuple(reports))


def evaluate(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = METHODS,
    ks: Sequence[int] = (1, 3, 5, 10),
    on_progress: OnProgress | None = None,
) -> Report:
    """Do what `aevaluate` does, from synchronous code."""
    from taxonaut.graphs.portal import PORTAL

    return PORTAL.run(aevaluate(workspace, rows, methods, ks, on_progress))


def check(workspace: Workspace, rows: Sequence[ItemRow], methods: Sequence[str]) -> None:
    """Refuse what cannot be evaluated."""
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise InputError(
            f"there is no method {', '.join(unknown) or '(none given)'!r}; there are: {', '.join(METHODS)}"
        )
    if not rows:
        raise InputError("there are no items to evaluate; give a file with texts and gold labels")
    known = set(workspace.index.label_ids())
    for row in rows:
        for label in row.gold:
            if label not in known:
                raise InputError(
                    f"{row.place or row.item.id!r}: the gold label {label!r} is not in the index; "
                    "import the labels it comes from, or correct it"
                )


async def walked(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    method: str,
    depth: int,
    ks: Sequence[int],
    on_done: Callable[[int], None] | None,
) -> MethodReport:
    """Label with a walk, as `classify --shortlist METHOD` does."""
    changed = workspace.with_walk(shortlist=method, top=depth)
    items = [row.item for row in rows]
    ids = [item.id for item in items]
    classification = changed.classification()
    before = classification.totals(ids)
    results: dict[ItemId, ItemResult] = {}
    async for result in classification.results(items, on_done):
        results[result.item_id] = result
    totals = classification.totals(ids)
    predictions = {item: tuple(p.label_id for p in result.labels) for item, result in results.items()}
    asked = totals.requests - totals.cached - (before.requests - before.cached)
    failed = sum(bool(result.error) for result in results.values())
    return reported(method, scored(workspace, rows, predictions, ks), predictions, totals, asked, failed)


async def lexical(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    method: str,
    depth: int,
    ks: Sequence[int],
    on_done: Callable[[int], None] | None,
) -> MethodReport:
    """Rank all labels by BM25 over the same label texts that dense retrieval compares."""
    started = time.perf_counter()
    texts = workspace.wiring.label_texts()
    labels = list(texts)
    ranked = await asyncio.to_thread(bm25_rank, list(texts.values()), [row.item.text for row in rows], depth)
    predictions = {
        row.item.id: tuple(labels[i] for i, value in zip(*hits, strict=True) if value > 0)
        for row, hits in zip(rows, ranked, strict=True)
    }
    if on_done is not None:
        on_done(len(rows))
    totals = Totals(seconds=time.perf_counter() - started)
    return reported(method, scored(workspace, rows, predictions, ks), predictions, totals)


def reported(
    method: str,
    scores: Scores | None,
    predictions: Mapping[ItemId, tuple[LabelId, ...]],
    totals: Totals,
    asked: int = 0,
    failed: int = 0,
) -> MethodReport:
    """Put quality and cost together."""
    return MethodReport(
        method=method,
        scores=scores,
        requests=totals.requests,
        asked=asked,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        reused_tokens=totals.reused_tokens,
        seconds=totals.seconds,
        failed=failed,
        predictions=predictions,
    )


def scored(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    predictions: Mapping[ItemId, Sequence[LabelId]],
    ks: Sequence[int],
) -> Scores | None:
    """Score predictions against gold labels, ancestors from the index; None without any gold label."""
    judged = [row for row in rows if row.gold]
    if not judged:
        return None
    ranked = [list(predictions.get(row.item.id, ())) for row in judged]
    gold = [list(row.gold) for row in judged]
    wanted = list(dict.fromkeys(label for labels in [*ranked, *gold] for label in labels))
    return score(ranked, gold, workspace.index.paths_of(wanted), ks)
