"""Add labels to an index that stands, without building it again (XMC-Agent 2.2.2, algorithm 3).

First everything is found out and kept as units of a run: where each label belongs, and how the nodes that grow too
large are divided. Then all is written in one transaction, as one change. So a killed addition has written nothing,
the same command goes on where it stopped, and `index undo` takes all of it back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from taxonaut.agents.annotator import Annotator
from taxonaut.graphs.insert_labels import insert_labels
from taxonaut.models.catalog import ENCODER
from taxonaut.state import version
from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.diff import IndexDiff, diff
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import staged
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.build import build_agents
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.builders import build_policy, kmeans_builder
from taxonaut.workspace.build.place_by_path import Homes, homes, settle
from taxonaut.workspace.build.split_node import asubtree_by
from taxonaut.workspace.build.tree_builder import TreeBuilder
from taxonaut.workspace.core.config import BuildConfig
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.walk.classification import RECURSION_LIMIT

SHOWN = 5
LONGEST = 80


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Labels given, each once: those not in the index, those in it that stand in no node, and the others.

    `described` are those of the others whose description differs from the index's, which stays.
    """

    new: tuple[Label, ...]
    homeless: tuple[Label, ...]
    known: tuple[LabelId, ...]
    described: tuple[LabelId, ...]

    @property
    def coming(self) -> tuple[Label, ...]:
        """All that need a place."""
        return (*self.homeless, *self.new)


def arrivals(index: Index, labels: Sequence[Label]) -> Arrivals:
    """Compare labels with the index by id; raises InputError for an id that has another name there."""
    given = once(labels)
    present = {label.id: label for label in index.labels([id_ for id_ in given if index.has_label(id_)])}
    clashes = [(given[id_], there) for id_, there in present.items() if given[id_].name != there.name]
    if clashes:
        raise InputError(refusal(clashes))
    homeless = tuple(there for id_, there in present.items() if not index.placements_of(id_))
    standing = tuple(id_ for id_ in present if index.placements_of(id_))
    return Arrivals(
        new=tuple(label for id_, label in given.items() if id_ not in present),
        homeless=homeless,
        known=standing,
        described=tuple(id_ for id_ in standing if given[id_].description != present[id_].description),
    )


def once(labels: Sequence[Label]) -> dict[LabelId, Label]:
    """Return labels by id; one given again must be the same."""
    given: dict[LabelId, Label] = {}
    for label in labels:
        if not label.name.strip():
            raise InputError(f"label {label.id!r} has no name; give each label one")
        first = given.setdefault(label.id, label)
        if first.name != label.name:
            raise InputError(
                f"the id {label.id!r} is given twice, as {first.name[:LONGEST]!r} and as {label.name[:LONGEST]!r}; "
                "give each label an id of its own"
            )
    return given


def refusal(clashes: Sequence[tuple[Label, Label]]) -> str:
    """Say which ids have another name in the index, and what to do."""
    shown = "; ".join(
        f"{here.id!r} is {there.name[:LONGEST]!r} in the index and {here.name[:LONGEST]!r} now"
        for here, there in clashes[:SHOWN]
    )
    more = f"; and {len(clashes) - SHOWN:,} more" if len(clashes) > SHOWN else ""
    return (
        f"{len(clashes):,} of the labels have an id that belongs to another name: {shown}{more}. Nothing was "
        "added. Give a new label an id of its own (--id-column); to go on with the old one, give it the name "
        "it has in the index (what a node is called is changed with: taxonaut index rename)"
    )


def twins(
    index: Index, labels: Sequence[Label], inserted: Mapping[LabelId, Sequence[NodeId]]
) -> dict[LabelId, tuple[LabelId, ...]]:
    """Return labels with the same name as others: but for case anywhere in the index, and but for accents,
    punctuation and plural among what stands in the same nodes and what came along.

    Costs one look at the names, and what the nodes hold.
    """
    names = {label.id: fold_name(label.name) for label in labels}
    cased: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in index.labels_named([label.name for label in labels]):
        cased[label.name.lower()].append(label.id)
    alike: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in labels:
        alike[names[label.id]].append(label.id)
    for label in standing_in(index, inserted.values()):
        alike[fold_name(label.name)].append(label.id)
    found = {}
    for label in labels:
        others = dict.fromkeys([*cased[label.name.lower()], *alike[names[label.id]]])
        others.pop(label.id, None)
        if others:
            found[label.id] = tuple(others)
    return found


def standing_in(index: Index, nodes: Iterable[Sequence[NodeId]]) -> list[Label]:
    """Return the labels that stand in any of some nodes."""
    wanted = list(dict.fromkeys(node for each in nodes for node in each))
    ids = dict.fromkeys(id_ for labels in index.labels_under(wanted).values() for id_ in labels)
    return index.labels(list(ids))


KIND = "grow"
AROUND = 1_000
"""Labels of the index, every n-th, whose mean an encoder compares from."""

SPLIT_BY = ("agents", "kmeans")
"""Ways in which a tree is made that can divide a node of it."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What an addition did.

    `inserted`: the nodes each label was put in. `unfit`: of these, the inner nodes none of whose branches fitted.
    `splits`: the sub-tree of each node that grew past `terminal_size`; `whole`: those that did and were not
    divided, with the reason. `known` were in the index already and are passed over; `described` are those of
    them whose description differs, which is not taken over. `twins`: labels of the same name as another's.
    `homes`: labels whose own path or parents said where they go; `astray`: those whose path or parents are
    not in the tree, so that the annotator decided. `requests` went to the annotator to find the places, in
    this call and former ones. `change` takes it back; `diff` is what a dry run would have written.
    """

    inserted: Mapping[LabelId, tuple[NodeId, ...]] = field(default_factory=dict)
    unfit: Mapping[LabelId, tuple[NodeId, ...]] = field(default_factory=dict)
    splits: Mapping[NodeId, Tree] = field(default_factory=dict)
    whole: Mapping[NodeId, str] = field(default_factory=dict)
    known: tuple[LabelId, ...] = ()
    described: tuple[LabelId, ...] = ()
    twins: Mapping[LabelId, tuple[LabelId, ...]] = field(default_factory=dict)
    homes: tuple[LabelId, ...] = ()
    astray: tuple[LabelId, ...] = ()
    terminal_size: int = 0
    requests: int = 0
    change: EventId | None = None
    diff: IndexDiff | None = None


async def aadd_labels(
    workspace: Core,
    labels: Sequence[Label] | LabelFile,
    *,
    dry_run: bool = False,
    note: str = "",
) -> Growth:
    """Insert labels into every node they fit and divide the nodes that grow too large; one change.

    A dry run writes nothing to the index (what models answered
    is kept, so that the addition then asks nothing again) and returns the diff. Raises InputError for an
    index without labels or without a tree, and for ids that belong to another name there; the ModelError of a
    request that failed for good.
    """
    index = workspace.index
    check_grown(workspace)
    coming = arrivals(index, labels.labels if isinstance(labels, LabelFile) else labels)
    passed = Growth(known=coming.known, described=coming.described)
    if not coming.coming:
        return passed
    note = note or f"add {labels.name if isinstance(labels, LabelFile) else 'labels'}"
    own = None
    if isinstance(labels, LabelFile) and index.tree_method() not in SPLIT_BY:
        own = homes(index, labels.rows, frozenset(label.id for label in coming.coming))
    led = frozenset(own.labels if own is not None else ())
    version = index.version()
    growing = Growing(workspace, [each for each in coming.coming if each.id not in led])
    growth = replace(await growing.find(), known=coming.known, described=coming.described)
    if index.version() != version:
        raise InputError("the index was changed meanwhile; nothing was added. Add the labels again")
    return written(workspace, coming, growth, own, note, dry_run)


def check_grown(workspace: Core) -> None:
    """Refuse to add to what has no labels or no tree."""
    index, folder = workspace.index, str(workspace.folder)
    if not index.label_ids():
        raise InputError(f"{folder!r} has no labels yet; import these instead: taxonaut labels import FILE")
    if index.tree_method() == "empty":
        raise InputError(
            f"the labels of {folder!r} stand in no tree yet; build one first: taxonaut index build"
        )


class Growing:
    """One addition on its way: what is asked of models, and kept, before anything is written."""

    def __init__(self, workspace: Core, labels: Sequence[Label]) -> None:
        self.workspace = workspace
        self.index = workspace.index
        self.labels = {label.id: label for label in labels}
        self.method = self.index.tree_method()
        self.build = build_settings(workspace)
        config = workspace.config.model_copy(update={"build": self.build})
        self.wiring: Wiring = workspace.wiring.reconfigured(config)

    async def find(self) -> Growth:
        """Find out where all labels belong and how the nodes that grow too large are divided."""
        if not self.labels:
            return Growth(terminal_size=self.build.terminal_size)
        self.workspace.keep_templates(build_agents.TEMPLATES)
        settings = {
            "version": version.VERSION,
            "index": self.index.version(),
            **build_agents.settings(self.wiring.config, self.wiring),
        }
        parts = chain.from_iterable((label.id, label.name) for label in self.labels.values())
        with Resumable(self.workspace.runs, KIND, settings, parts).recording() as run:
            growth = await self.search(run)
            growth = await self.divide(growth)
        return replace(growth, requests=self.workspace.decisions.totals(run.id).requests)

    async def search(self, run: RunUnits) -> Growth:
        """Let the labels go down the index."""
        texts = {label.id: label.name for label in self.labels.values()}
        graph = insert_labels(self.index, self.annotator(), texts, run).compile()
        state = await graph.ainvoke({"label_ids": list(texts)}, {"recursion_limit": RECURSION_LIMIT})
        return Growth(inserted=state["inserted"], unfit=state["unfit"])

    def annotator(self) -> Annotator:
        """Return the annotator; an encoder looks from the mean of some of the index's labels."""
        names: list[str] = []
        if self.wiring.config.models.annotator.provider == ENCODER:
            ids = self.index.label_ids()
            names = [label.name for label in self.index.labels(ids[:: max(1, -(-len(ids) // AROUND))])]
        return build_agents.annotator(self.wiring, names)

    async def divide(self, growth: Growth) -> Growth:
        """Build a sub-tree for every node that grows past the threshold (QuickCluster of algorithm 3)."""
        large, whole = self.overgrown(growth.inserted)
        if not large:
            return replace(growth, whole=whole, terminal_size=self.build.terminal_size)
        builders = self.builders(large)
        with staged(f"dividing {len(large):,} nodes"):
            trees = await asyncio.gather(
                *(asubtree_by(builders[node], self.index, node, added) for node, added in large.items()),
                return_exceptions=True,
            )
        splits: dict[NodeId, Tree] = {}
        for node, tree in zip(large, trees, strict=True):
            if isinstance(tree, BaseException):
                raise tree
            if any(each.key for each in tree.nodes):
                splits[node] = tree
            else:
                whole[node] = "its labels cannot be told apart"
        return replace(growth, splits=splits, whole=whole, terminal_size=self.build.terminal_size)

    def overgrown(
        self, inserted: Mapping[LabelId, Sequence[NodeId]]
    ) -> tuple[dict[NodeId, list[Label]], dict[NodeId, str]]:
        """Return the nodes to be divided, each with what comes to it, and those that are not, with the reason."""
        arriving: defaultdict[NodeId, list[Label]] = defaultdict(list)
        for label, nodes in inserted.items():
            for node in nodes:
                arriving[node].append(self.labels[label])
        there = self.index.labels_under(list(arriving))
        large, whole = {}, {}
        for node, added in arriving.items():
            if len(there[node]) + len(added) <= self.build.terminal_size:
                continue
            if self.method not in SPLIT_BY:
                whole[node] = (
                    f"a tree of your own ({self.method}) is not divided; do it with: taxonaut index split"
                )
            elif self.room(node) < 1:
                whole[node] = f"it lies {self.build.depth} levels deep, the most that [build] depth allows"
            else:
                large[node] = added
        return large, whole

    def room(self, node: NodeId) -> int:
        """Return how many levels may still be made below a node."""
        return self.build.depth - len(self.index.node_paths([node])[node])

    def builders(self, large: Mapping[NodeId, Sequence[Label]]) -> dict[NodeId, TreeBuilder]:
        """Return a builder for each node, in the way the tree was made.

        The agents of all nodes are the same ones, over the labels of all.
        """
        if self.method == "kmeans":
            settings = dict(self.index.tree_settings()) or {"terminal_size": self.build.terminal_size}
            return dict.fromkeys(large, kmeans_builder(self.wiring, settings))
        ids = chain(*self.index.labels_under(list(large)).values())
        there = self.index.labels(list(dict.fromkeys(ids)))
        everyone = build_agents.build_agents(
            self.wiring, list(dict.fromkeys((*there, *chain(*large.values()))))
        )
        return {
            node: AgentsTreeBuilder(
                lambda _: everyone,
                build_policy(self.build),
                self.workspace.runs,
            )
            for node in large
        }


def build_settings(workspace: Core) -> BuildConfig:
    """Return the [build] table with what the tree that stands was built with in place of its values.

    A k-means tree holds each label once, so a new one goes to the nearest centre only.
    """
    given = workspace.config.build.model_dump()
    kept = {key: value for key, value in workspace.index.tree_settings().items() if key in given}
    if workspace.index.tree_method() == "kmeans":
        kept = {"terminal_size": max(2, kept.get("terminal_size", given["terminal_size"])), "fits": 1}
    return BuildConfig(**{**given, **kept})


def written(
    workspace: Core, coming: Arrivals, growth: Growth, own: Homes | None, note: str, dry_run: bool
) -> Growth:
    """Write labels, placements and sub-trees: one transaction and one change; a dry run takes it back."""
    index = workspace.index
    found: IndexDiff | None = None
    try:
        with workspace.database.write(), index.change(note):
            before = index.snapshot() if dry_run else None
            index.add_labels(coming.new)
            if own is not None:
                settled = settle(index, own)
                inserted = {**settled, **growth.inserted}
                growth = replace(growth, inserted=inserted, homes=tuple(settled), astray=own.astray)
            led = set(growth.homes)
            pairs = [(label, node) for label, nodes in growth.inserted.items() for node in nodes]
            index.place_many([pair for pair in pairs if pair[0] not in led])
            growth = replace(growth, twins=twins(index, coming.coming, growth.inserted))
            index.graft_many(growth.splits)
            if before is not None:
                found = diff(before, index.snapshot())
                raise _DryRunError
    except _DryRunError:
        return replace(growth, diff=found)
    return replace(growth, change=index.version())


class _DryRunError(Exception):
    """Ends a dry run's transaction."""
