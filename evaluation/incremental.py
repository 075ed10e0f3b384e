"""Labels that come later (XMC-Agent 3.1): an index built on Y0, Y1 added to it, measured on Y1 and on all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.evaluation import scratch
from taxonaut.evaluation.harness import Quality, check, judged
from taxonaut.evaluation.measures.metrics import CUTOFFS
from taxonaut.evaluation.methods.method import Chosen, MethodSettings, Outcome, Run
from taxonaut.evaluation.methods.registry import chosen
from taxonaut.evaluation.methods.walks import navigate
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Label
from taxonaut.state.updates import OnUpdate, listening, staged
from taxonaut.workspace.build.add_labels import aadd_labels
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

GROWN = "grown"
WHOLE = "whole"
FIRST = "first"
DEEPER = 4
"""Times as many labels are ranked as count, so that enough of Y1 are left when only those are on offer."""

READINGS: Mapping[str, str] = {
    "inc": "gold labels of Y1 alone count, all labels are ranked; texts with none of Y1 are left out",
    "inc_offered": "the same, but labels of Y0 are taken out of the rankings first",
    "overall": "all labels count and are ranked",
}
"""What is measured; the first and the last are the paper's."""

Grow = Callable[[Workspace, Sequence[Label]], Awaitable[object]]
"""Adds labels to an index that stands (algorithm 3)."""


@dataclass(frozen=True, slots=True)
class Split:
    """Labels in two parts, in the order of the index: those known first, and those that come later."""

    seed: int
    known: tuple[LabelId, ...]
    later: tuple[LabelId, ...]


@dataclass(frozen=True, slots=True)
class IncrementalMethod:
    """One method over one index. `index` is `grown` (Y0, then Y1 added), `whole` (all at once), or empty.

    Methods without an index know no difference between labels that were there and labels that came.
    """

    method: str
    index: str
    inc: Quality
    inc_offered: Quality
    overall: Quality
    requests: int
    asked: int
    seconds: float
    predictions: Mapping[ItemId, tuple[LabelId, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IncrementalReport:
    """What the protocol found. `items_later` are those with a gold label of Y1: the ones that Inc is over."""

    split: Split
    build: str
    items: int
    items_later: int
    methods: tuple[IncrementalMethod, ...]


def split_labels(labels: Sequence[LabelId], seed: int, share: float = 0.5) -> Split:
    """Split at random: `share` of the labels are known first, at least one, and at least one comes later.

    The paper has 0.5 for AmazonCat and 0.4 for its other sets (table 1). Raises InputError for another share
    than one between 0 and 1, or fewer than two labels.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of labels known first is {share!r}; give a number between 0 and 1")
    if len(labels) < 2:
        raise InputError(
            f"labels are split in two, which takes at least 2; there are {len(labels)}: import more"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    first = set(order[: min(max(round(share * len(labels)), 1), len(labels) - 1)].tolist())
    known = tuple(label for place, label in enumerate(labels) if place in first)
    return Split(seed, known, tuple(label for place, label in enumerate(labels) if place not in first))


async def add_by_walk(workspace: Workspace, labels: Sequence[Label]) -> object:
    """Add labels by algorithm 3, as `taxonaut labels add` does."""
    return await aadd_labels(workspace, labels)


async def aincremental(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = ("navigate", "dense", "bm25"),
    *,
    seed: int = 0,
    share: float = 0.5,
    build: str = "kmeans",
    ks: Sequence[int] = CUTOFFS,
    on_update: OnUpdate | None = None,
    settings: MethodSettings | None = None,
    grow: Grow = add_by_walk,
) -> IncrementalReport:
    """Run the incremental protocol in scratch workspaces; the person's own index is not touched.

    Inc keeps of each item the gold labels of Y1 and leaves out items without any, while all labels are
    ranked. That reading follows from the paper's table 2: without training, R@10 on Y1 is R@10 on all (BM25
    11.7 and 11.4), which it could not be if labels of Y0 were out of the way. The other reading, with only Y1
    on offer, is reported beside it as `inc_offered`. Its rankings come from those of all labels, four times as
    deep with an encoder as general expert; a language model ranks no deeper than asked.

    Methods that walk are run over both indexes, with `build` as their builder; `kmeans-index` always over
    k-means indexes. All others need no index and are run once.
    """
    found = chosen(methods)
    refuse_trained(found)
    check(workspace, rows)
    scratch.remember(workspace)
    labels = scratch.plain_labels(workspace)
    split = split_labels([label.id for label in labels], seed, share)
    settings = deepened(workspace, settings or MethodSettings(), ks)
    made = Indexes(workspace, labels, split, settings.build, grow)
    items = [row.item for row in rows]
    outcomes: dict[tuple[str, str], Outcome] = {}
    for each in found:
        own = replace(settings, own=each.own)
        for index in indexes_of(each):
            with (
                await made.opened(index or WHOLE, builder_of(each, build)) as other,
                listening(on_update),
                staged(titled(each.title, index), len(rows)),
            ):
                outcomes[each.title, index] = await runner(each)(other, items, own)
    return report(workspace, rows, split, build, outcomes, ks)


def incremental(
    workspace: Workspace, rows: Sequence[ItemRow], methods: Sequence[str], **settings: Any
) -> IncrementalReport:
    """Do what `aincremental` does, from synchronous code."""
    return PORTAL.run(aincremental(workspace, rows, methods, **settings))


def refuse_trained(methods: Sequence[Chosen]) -> None:
    """Refuse methods that learn from labelled products."""
    for each in methods:
        if each.method.by_class:
            raise InputError(
                f"{each.title!r} learns from labelled products, and a label that comes later has none; "
                "leave it out, or evaluate without --incremental"
            )


def deepened(workspace: Workspace, settings: MethodSettings, ks: Sequence[int]) -> MethodSettings:
    """Let methods rank deep enough for both readings of Inc."""
    most = max([*ks, workspace.config.walk.top])
    encodes = workspace.config.models.general_expert.provider == ENCODER
    return replace(settings, depth=DEEPER * most if encodes else most)


def indexes_of(each: Chosen) -> tuple[str, ...]:
    """Return the indexes that a method is run over."""
    return (GROWN, WHOLE) if each.method.walks else ("",)


def rounds(methods: Sequence[str]) -> list[str]:
    """Return what is done one after the other, as progress names it."""
    return [titled(each.title, index) for each in chosen(methods) for index in indexes_of(each)]


def titled(method: str, index: str) -> str:
    """Name a method over an index."""
    return f"{method} {index}".rstrip()


def builder_of(each: Chosen, build: str) -> str:
    """Return how the index under a method is built."""
    return "kmeans" if each.method.name == "kmeans-index" else build


def runner(each: Chosen) -> Run:
    """Return what runs a method here: the index that `kmeans-index` would build stands there already."""
    return navigate if each.method.name == "kmeans-index" else each.method.run


class Indexes:
    """The indexes of one split, each built when first needed and kept in the workspace's folder `scratch/`."""

    def __init__(
        self,
        workspace: Workspace,
        labels: Sequence[Label],
        split: Split,
        settings: Mapping[str, Any],
        grow: Grow,
    ) -> None:
        self.workspace = workspace
        self.labels = labels
        later = set(split.later)
        self.known = [label for label in labels if label.id not in later]
        self.later = [label for label in labels if label.id in later]
        self.settings = settings
        self.grow = grow

    async def opened(self, index: str, build: str) -> "AbstractContextManager[Workspace]":
        """Make sure that an index is there, and open it."""
        path = self.folder(index, build)
        if index == WHOLE:
            with scratch.opened(self.workspace, path) as whole:
                await scratch.build(whole, self.labels, build, self.settings)
        elif not path.exists():
            first = self.folder(FIRST, build)
            with scratch.opened(self.workspace, first) as half:
                await scratch.build(half, self.known, build, self.settings)
            part = path.with_name(f"{path.name}.part")
            scratch.copied(first, part)
            with scratch.opened(self.workspace, part) as growing:
                await self.grow(growing, self.later)
            part.rename(path)
        return scratch.opened(self.workspace, path)

    def folder(self, index: str, build: str) -> Path:
        """Return where an index lies: it is known by its labels, in their order, and by how it is made."""
        labels = {WHOLE: self.labels, FIRST: self.known}.get(index, [*self.known, *self.later])
        asked = build != scratch.PLAIN_BUILD or index == GROWN
        return scratch.folder(self.workspace, f"{index}-{build}", labels, self.settings, asked=asked)


def report(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    split: Split,
    build: str,
    outcomes: Mapping[tuple[str, str], Outcome],
    ks: Sequence[int],
) -> IncrementalReport:
    """Score every outcome in the three ways."""
    later = frozenset(split.later)
    titles = {pair: titled(*pair) for pair in outcomes}
    ranked = {titles[pair]: outcome.predictions for pair, outcome in outcomes.items()}
    offered = {
        title: {item: [label for label in labels if label in later] for item, labels in found.items()}
        for title, found in ranked.items()
    }
    inc = judged(workspace, rows, ranked, ks, later)
    inc_offered = judged(workspace, rows, offered, ks, later)
    overall = judged(workspace, rows, ranked, ks)
    return IncrementalReport(
        split=split,
        build=build,
        items=len(rows),
        items_later=sum(any(label in later for label in row.gold) for row in rows),
        methods=tuple(
            IncrementalMethod(
                method=pair[0],
                index=pair[1],
                inc=inc[titles[pair]],
                inc_offered=inc_offered[titles[pair]],
                overall=overall[titles[pair]],
                requests=outcome.totals.requests,
                asked=outcome.asked,
                seconds=outcome.totals.seconds,
                predictions=outcome.predictions,
            )
            for pair, outcome in outcomes.items()
        ),
    )
