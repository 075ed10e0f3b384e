"""The incremental protocol (XMC-Agent 3.1): build an index on Y0, add Y1, measure on Y1 and on all labels."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.evaluation import scratch
from taxonaut.evaluation.harness import Quality, answered_rows, check_rows, score_methods
from taxonaut.evaluation.measures.metrics import CUTOFFS
from taxonaut.evaluation.methods.method import ChosenMethod, MethodSettings, Outcome, Run
from taxonaut.evaluation.methods.registry import parse_methods
from taxonaut.evaluation.methods.walks import navigate
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.state.errors import InputError, ModelReplyError
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
"""Factor of the ranking depth, so that enough labels of Y1 remain when those of Y0 are removed."""

READINGS: Mapping[str, str] = {
    "inc": "only gold labels of Y1 count, all labels are ranked; texts without one of Y1 are left out",
    "inc_offered": "the same, with the labels of Y0 removed from the rankings",
    "overall": "all labels count and are ranked",
}
"""What each measure counts; `inc` and `overall` are the paper's."""

Grow = Callable[[Workspace, Sequence[Label]], Awaitable[object]]
"""Adds labels to a built index (algorithm 3)."""


@dataclass(frozen=True, slots=True)
class Split:
    """A split of the labels, in the order of the index: `known` (Y0) and `later` (Y1)."""

    seed: int
    known: tuple[LabelId, ...]
    later: tuple[LabelId, ...]


@dataclass(frozen=True, slots=True)
class IncrementalMethod:
    """One method over one index: `grown` (Y0, then Y1 added), `whole` (all at once), or "" for no index."""

    method: str
    index: str
    inc: Quality
    inc_offered: Quality
    overall: Quality
    requests: int
    asked: int
    seconds: float
    predictions: Mapping[ItemId, tuple[LabelId, ...]] = field(repr=False)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class IncrementalReport:
    """The result of the protocol. `items_later` counts the items of Inc: those with a gold label of Y1.

    `left_out` counts the items with gold labels that are in no measure, as a request about them failed.
    """

    split: Split
    build: str
    items: int
    items_later: int
    methods: tuple[IncrementalMethod, ...]
    left_out: int = 0


def split_labels(labels: Sequence[LabelId], seed: int, share: float = 0.5) -> Split:
    """Split labels at random; `share` of them are known first. Each part has at least one label.

    The paper uses 0.5 for AmazonCat and 0.4 for its other sets (table 1). Raises InputError if `share` is not
    between 0 and 1, or for fewer than two labels.
    """
    if not 0 < share < 1:
        raise InputError(f"invalid share of labels known first: {share!r}; give a number between 0 and 1")
    if len(labels) < 2:
        raise InputError(
            f"splitting labels needs at least 2 of them, and there are {len(labels)}; import more"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    first = set(order[: min(max(round(share * len(labels)), 1), len(labels) - 1)].tolist())
    known = tuple(label for place, label in enumerate(labels) if place in first)
    return Split(seed, known, tuple(label for place, label in enumerate(labels) if place not in first))


async def add_by_walk(workspace: Workspace, labels: Sequence[Label]) -> object:
    """Add labels by walking (algorithm 3), as `taxonaut labels add` does.

    Raises ModelReplyError if a request about one of them got no usable answer.
    """
    growth = await aadd_labels(workspace, labels)
    for error in (*growth.failed.values(), *growth.split_errors.values()):
        raise ModelReplyError(
            f"a request about the labels added later got no usable answer: {error} — run the same command again "
            "to ask for it"
        )
    return growth


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
    """Run the incremental protocol in scratch workspaces; the workspace's own index is not changed.

    Inc counts only gold labels of Y1 and leaves out items without any, but ranks all labels. This reading
    follows from the paper's table 2: without training, R@10 on Y1 equals R@10 on all labels (BM25: 11.7 and
    11.4), which would not hold if labels of Y0 were excluded. The other reading, ranking only Y1, is reported as
    `inc_offered`. Its rankings are those of all labels without Y0, ranked four times as deep if the general
    expert is an encoder; a language model ranks no deeper than configured.

    Methods that walk run over both indexes, built by `build` (`kmeans-index`: always by k-means). All others
    need no index and run once.
    """
    found = parse_methods(methods)
    reject_trained(found)
    check_rows(workspace, rows)
    scratch.cache_vectors(workspace)
    labels = scratch.flat_labels(workspace)
    split = split_labels([label.id for label in labels], seed, share)
    settings = deepen(workspace, settings or MethodSettings(), ks)
    made = ScratchIndexes(workspace, labels, split, settings.build, grow)
    items = [row.item for row in rows]
    outcomes: dict[tuple[str, str], Outcome] = {}
    for each in found:
        own = replace(settings, own=each.own)
        for index in index_kinds(each):
            with (
                await made.open(index or WHOLE, builder_name(each, build)) as other,
                listening(on_update),
                staged(round_title(each.title, index), len(rows)),
            ):
                outcomes[each.title, index] = await runner_of(each)(other, items, own)
    return score_outcomes(workspace, rows, split, build, outcomes, ks)


def incremental(
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
    """Run `aincremental` from synchronous code."""
    work = aincremental(
        workspace,
        rows,
        methods,
        seed=seed,
        share=share,
        build=build,
        ks=ks,
        on_update=on_update,
        settings=settings,
        grow=grow,
    )
    return PORTAL.run(work)


def reject_trained(methods: Sequence[ChosenMethod]) -> None:
    """Raise InputError for methods trained on labelled products."""
    for each in methods:
        if each.method.by_class:
            raise InputError(
                f"{each.title!r} is trained on labelled products, and labels added later have none; "
                "leave it out, or evaluate without --incremental"
            )


def deepen(workspace: Workspace, settings: MethodSettings, ks: Sequence[int]) -> MethodSettings:
    """Return settings with a ranking depth sufficient for both readings of Inc."""
    most = max([*ks, workspace.config.walk.top])
    encodes = workspace.config.models.general_expert.provider == ENCODER
    return replace(settings, depth=DEEPER * most if encodes else most)


def index_kinds(each: ChosenMethod) -> tuple[str, ...]:
    """Return the indexes that a method runs over."""
    return (GROWN, WHOLE) if each.method.walks else ("",)


def round_titles(methods: Sequence[str]) -> list[str]:
    """Return the titles of all rounds, as progress shows them."""
    return [round_title(each.title, index) for each in parse_methods(methods) for index in index_kinds(each)]


def round_title(method: str, index: str) -> str:
    """Return the title of a method over an index."""
    return f"{method} {index}".rstrip()


def builder_name(each: ChosenMethod, build: str) -> str:
    """Return the builder of a method's index."""
    return "kmeans" if each.method.name == "kmeans-index" else build


def runner_of(each: ChosenMethod) -> Run:
    """Return the function that runs a method; for `kmeans-index` the index is built already."""
    return navigate if each.method.name == "kmeans-index" else each.method.run


class ScratchIndexes:
    """The indexes of one split, built on demand in the workspace's `scratch/` folder."""

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

    async def open(self, index: str, build: str) -> "AbstractContextManager[Workspace]":
        """Build an index unless it exists, and open it."""
        path = self.folder(index, build)
        if index == WHOLE:
            with scratch.open_workspace(self.workspace, path) as whole:
                await scratch.build_tree(whole, self.labels, build, self.settings)
        elif not path.exists():
            first = self.folder(FIRST, build)
            with scratch.open_workspace(self.workspace, first) as half:
                await scratch.build_tree(half, self.known, build, self.settings)
            part = path.with_name(f"{path.name}.part")
            scratch.copy_index(first, part)
            with scratch.open_workspace(self.workspace, part) as growing:
                await self.grow(growing, self.later)
            part.rename(path)
        return scratch.open_workspace(self.workspace, path)

    def folder(self, index: str, build: str) -> Path:
        """Return the folder of an index, named by its labels, their order, and how it is built."""
        labels = {WHOLE: self.labels, FIRST: self.known}.get(index, [*self.known, *self.later])
        asked = build != scratch.BUILD_WITHOUT_AGENTS or index == GROWN
        return scratch.workspace_path(self.workspace, f"{index}-{build}", labels, self.settings, asked=asked)


def score_outcomes(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    split: Split,
    build: str,
    outcomes: Mapping[tuple[str, str], Outcome],
    ks: Sequence[int],
) -> IncrementalReport:
    """Score every outcome by all three measures of `READINGS`."""
    later = frozenset(split.later)
    titles = {pair: round_title(*pair) for pair in outcomes}
    ranked = {titles[pair]: outcome.predictions for pair, outcome in outcomes.items()}
    offered = {
        title: {item: [label for label in labels if label in later] for item, labels in found.items()}
        for title, found in ranked.items()
    }
    answered = answered_rows(rows, outcomes.values())
    inc = score_methods(workspace, answered, ranked, ks, later)
    inc_offered = score_methods(workspace, answered, offered, ks, later)
    overall = score_methods(workspace, answered, ranked, ks)
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
                failed=len(outcome.failed),
            )
            for pair, outcome in outcomes.items()
        ),
        left_out=sum(bool(row.gold) for row in rows) - sum(bool(row.gold) for row in answered),
    )
