"""Insert labels into an existing index without rebuilding it (XMC-Agent 2.2.2, algorithm 3).

First it finds where each label belongs and how overfull nodes are split, and stores this as units of a run. Then all
is written in one transaction, as one change. So a killed call has written nothing, the same call continues it, and
`index undo` reverts all of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import cast

from taxonaut.agents.annotator import Annotator
from taxonaut.graphs.insert_labels import insert_labels
from taxonaut.models.catalog import ENCODER
from taxonaut.state import version
from taxonaut.state.errors import InputError, ModelReplyError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.diff import IndexDiff, diff
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, refuse_table
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import staged
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.build import build_agents
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.builders import TreeBuilder, TreeSettings, build_policy, kmeans_builder
from taxonaut.workspace.build.place_by_path import Placements, apply_placements, find_placements
from taxonaut.workspace.build.split_node import abuild_subtree_with
from taxonaut.workspace.core.config import BuildConfig
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.files.index_formats.rdf_imports import keep_rdf, retire_deprecated
from taxonaut.workspace.files.label_files import LabelFile

SHOWN = 5
LONGEST = 80


@dataclass(frozen=True, slots=True)
class NewLabels:
    """Given labels compared with the index: not in it, in it but in no node (`unplaced`), or `known`.

    `described` are the known labels whose description or alternative names differ from the index's, which stay.
    """

    new: tuple[Label, ...]
    unplaced: tuple[Label, ...]
    known: tuple[LabelId, ...]
    described: tuple[LabelId, ...]

    @property
    def to_place(self) -> tuple[Label, ...]:
        """All labels that need a node."""
        return (*self.unplaced, *self.new)


def compare_labels(index: Index, labels: Sequence[Label]) -> NewLabels:
    """Compare labels with the index by id. Raises InputError for an id that has another name there."""
    given = unique_labels(labels)
    present = {label.id: label for label in index.labels([id_ for id_ in given if index.has_label(id_)])}
    clashes = [(given[id_], there) for id_, there in present.items() if given[id_].name != there.name]
    if clashes:
        raise InputError(clash_message(clashes))
    unplaced = tuple(there for id_, there in present.items() if not index.placements_of(id_))
    known = tuple(id_ for id_ in present if index.placements_of(id_))
    return NewLabels(
        new=tuple(label for id_, label in given.items() if id_ not in present),
        unplaced=unplaced,
        known=known,
        described=tuple(id_ for id_ in known if _texts(given[id_]) != _texts(present[id_])),
    )


def _texts(label: Label) -> tuple[str, tuple[str, ...]]:
    return label.description, label.alternatives


def unique_labels(labels: Sequence[Label]) -> dict[LabelId, Label]:
    """Return labels by id. Raises InputError for an empty name, or an id with two names."""
    refuse_table(labels, "a list of Label(id, name, description), or what read_labels(file) returns")
    given: dict[LabelId, Label] = {}
    for label in labels:
        if not isinstance(label, Label):
            raise InputError(f"a label is {label!r} ({type(label).__name__}); give Label(id, name)")
        if not label.name.strip():
            raise InputError(f"label {label.id!r} has no name; give each label a name")
        first = given.setdefault(label.id, label)
        if first.name != label.name:
            raise InputError(
                f"id {label.id!r} is given twice, as {first.name[:LONGEST]!r} and as {label.name[:LONGEST]!r}; "
                "give each label its own id"
            )
    return given


def clash_message(clashes: Sequence[tuple[Label, Label]]) -> str:
    """Return the error for ids with another name in the index; pairs of given and existing label."""
    shown = "; ".join(
        f"{here.id!r} is {there.name[:LONGEST]!r} in the index and {here.name[:LONGEST]!r} now"
        for here, there in clashes[:SHOWN]
    )
    more = f"; and {len(clashes) - SHOWN:,} more" if len(clashes) > SHOWN else ""
    return (
        f"{len(clashes):,} of the labels have an id that belongs to another name: {shown}{more}. Nothing was "
        "added. Give a new label its own id (--id-column); to take over the names of a new version: "
        "taxonaut labels update FILE"
    )


def find_same_names(
    index: Index, labels: Sequence[Label], inserted: Mapping[LabelId, Sequence[NodeId]]
) -> dict[LabelId, tuple[LabelId, ...]]:
    """Return for each label the others with the same name.

    Names are compared ignoring case with the whole index, and folded (accents, punctuation, plural) with each other
    and with the labels of the nodes they were inserted in.
    """
    names = {label.id: fold_name(label.name) for label in labels}
    cased: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in index.labels_named([label.name for label in labels]):
        cased[label.name.lower()].append(label.id)
    alike: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in labels:
        alike[names[label.id]].append(label.id)
    for label in labels_in(index, inserted.values()):
        alike[fold_name(label.name)].append(label.id)
    found = {}
    for label in labels:
        others = dict.fromkeys([*cased[label.name.lower()], *alike[names[label.id]]])
        others.pop(label.id, None)
        if others:
            found[label.id] = tuple(others)
    return found


def labels_in(index: Index, nodes: Iterable[Sequence[NodeId]]) -> list[Label]:
    """Return the labels in any of some nodes."""
    wanted = list(dict.fromkeys(node for each in nodes for node in each))
    ids = dict.fromkeys(id_ for labels in index.labels_under(wanted).values() for id_ in labels)
    return index.labels(list(ids))


KIND = "grow"
UNSPLIT = "unsplit"
"""The unit of such a run with the nodes whose split failed: {node id: error}."""

CONTEXT_LABELS = 1_000
"""Most labels of the index, every n-th, from whose mean an encoder compares."""

SPLIT_METHODS = ("agents", "kmeans")
"""Build methods that can also split a node of their tree."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The result of adding labels.

    `inserted`: the nodes of each label; `unfit`: those among them that are inner nodes, where no branch fitted.
    `splits`: the subtree of each node that outgrew `terminal_size`; `unsplit`: those that could not be split, with
    the reason. `failed`: the error of each label about which a request got no usable answer; it is not added.
    `split_errors`: that of each node whose split failed; it stays whole. The same call asks again for both.
    `known` labels were in the index already and are skipped; `described` are those of them whose description or
    alternative names differ, which is ignored. `same_names`: for a label, others with its name. `by_own_path`: labels
    placed by their own path or parents; `branches`: paths of the nodes made for them; `unresolved`: labels whose
    parents are not in the tree, placed by the annotator. `requests` were made to the annotator to place labels, or
    `comparisons` where it is an encoder, in this call and earlier ones.
    `change` can be undone; `diff` is what a dry run would have written.
    """

    inserted: Mapping[LabelId, tuple[NodeId, ...]] = field(default_factory=dict)
    unfit: Mapping[LabelId, tuple[NodeId, ...]] = field(default_factory=dict)
    splits: Mapping[NodeId, Tree] = field(default_factory=dict)
    unsplit: Mapping[NodeId, str] = field(default_factory=dict)
    failed: Mapping[LabelId, str] = field(default_factory=dict)
    split_errors: Mapping[NodeId, str] = field(default_factory=dict)
    known: tuple[LabelId, ...] = ()
    described: tuple[LabelId, ...] = ()
    same_names: Mapping[LabelId, tuple[LabelId, ...]] = field(default_factory=dict)
    by_own_path: tuple[LabelId, ...] = ()
    unresolved: tuple[LabelId, ...] = ()
    branches: tuple[str, ...] = ()
    terminal_size: int = 0
    requests: int = 0
    comparisons: int = 0
    change: EventId | None = None
    diff: IndexDiff | None = None


async def aadd_labels(
    workspace: Core,
    labels: Sequence[Label] | LabelFile,
    *,
    dry_run: bool = False,
    note: str = "",
) -> Growth:
    """Insert labels into every node they fit and split the nodes that grow too large, as one change.

    A dry run writes nothing to the index and returns the diff; model replies are stored, so that the real call does
    not ask again. Raises InputError for an index without labels or without a tree and for ids that belong to
    another name there; the ModelError of a request that failed for good.
    """
    index = workspace.index
    check_has_tree(workspace)
    compared = compare_labels(index, labels.labels if isinstance(labels, LabelFile) else labels)
    whole = find_failed_splits(workspace, compared.known)
    if not compared.to_place and not whole:
        return Growth(known=compared.known, described=compared.described)
    note = note or f"add {labels.name if isinstance(labels, LabelFile) else 'labels'}"
    placements = None
    if isinstance(labels, LabelFile) and index.tree_method() not in SPLIT_METHODS:
        new = frozenset(label.id for label in compared.to_place)
        placements = find_placements(index, labels.rows, new)
    by_path = frozenset(placements.labels if placements is not None else ())
    version = index.version()
    insertion = Insertion(workspace, [each for each in compared.to_place if each.id not in by_path], whole)
    growth = replace(await insertion.plan(), known=compared.known, described=compared.described)
    if index.version() != version:
        raise InputError("the index was changed in the meantime; nothing was added. Add the labels again")
    if not (growth.inserted or growth.splits or placements is not None):
        return growth
    file = labels if isinstance(labels, LabelFile) and compared.new else None
    return write_growth(workspace, compared, growth, placements, note, dry_run, file)


def check_has_tree(workspace: Core) -> None:
    """Raise InputError for an index without labels or without a tree."""
    index, folder = workspace.index, str(workspace.folder)
    if not index.label_ids():
        raise InputError(f"{folder!r} has no labels yet; import these instead: taxonaut labels import FILE")
    if index.tree_method() == "empty":
        raise InputError(
            f"the labels of {folder!r} are not in a tree yet; build one first: taxonaut index build"
        )


def find_failed_splits(workspace: Core, labels: Sequence[LabelId]) -> list[NodeId]:
    """Return the nodes of some labels whose split failed when labels were added, and that are still whole."""
    index = workspace.index
    recorded = {
        NodeId(int(node))
        for run in workspace.runs.list(KIND)
        for node in workspace.runs.finished(run.id, [UNSPLIT]).get(UNSPLIT, {})
    }
    if not recorded:
        return []
    nodes = dict.fromkeys(node for label in labels for node in index.placements_of(label))
    return [node for node in nodes if node in recorded and index.is_terminal(node)]


class Insertion:
    """Asks models where labels belong and how to split nodes, as a resumable run; writes nothing to the index.

    `whole` are nodes to split that get no label now.
    """

    def __init__(self, workspace: Core, labels: Sequence[Label], whole: Sequence[NodeId] = ()) -> None:
        self.workspace = workspace
        self.whole = whole
        self.index = workspace.index
        self.labels = {label.id: label for label in labels}
        self.method = self.index.tree_method()
        self.build = build_settings(workspace)
        config = workspace.config.model_copy(update={"build": self.build})
        self.wiring: Wiring = workspace.wiring.with_config(config)

    async def plan(self) -> Growth:
        """Return the nodes of all labels, and the subtrees of nodes that grow too large."""
        if not self.labels and not self.whole:
            return Growth(terminal_size=self.build.terminal_size)
        self.workspace.store_templates(build_agents.TEMPLATES)
        settings = {
            "version": version.VERSION,
            "index": self.index.version(),
            **build_agents.settings(self.wiring.config, self.wiring),
        }
        parts = chain.from_iterable((label.id, label.name) for label in self.labels.values())
        with Resumable(self.workspace.runs, KIND, settings, parts).recording() as run:
            growth = await self.find_nodes(run)
            growth = await self.split_large(growth)
            if growth.split_errors:
                run.finish({UNSPLIT: {str(node): error for node, error in growth.split_errors.items()}}, [])
        totals = self.workspace.decisions.totals(run.id)
        return replace(growth, requests=totals.requests, comparisons=totals.comparisons)

    async def find_nodes(self, run: RunUnits) -> Growth:
        """Search the index top-down for the nodes of the labels (Search of algorithm 3)."""
        texts = {label.id: label.name for label in self.labels.values()}
        graph = insert_labels(self.index, self.annotator(), texts, run).compile()
        state = await run_graph(
            graph, {"label_ids": list(texts)}, traced=self.workspace.config.tracing.langsmith
        )
        return Growth(inserted=state["inserted"], unfit=state["unfit"], failed=state["failed"])

    def annotator(self) -> Annotator:
        """Return the annotator; an encoder compares from the mean of a sample of the index's labels."""
        names: list[str] = []
        if self.wiring.config.models.annotator.provider == ENCODER:
            ids = self.index.label_ids()
            names = [
                label.name for label in self.index.labels(ids[:: max(1, -(-len(ids) // CONTEXT_LABELS))])
            ]
        return build_agents.annotator(self.wiring, names)

    async def split_large(self, growth: Growth) -> Growth:
        """Build a subtree for every node above `terminal_size` (QuickCluster of algorithm 3)."""
        large, unsplit = self.large_nodes(growth.inserted)
        if not large:
            return replace(growth, unsplit=unsplit, terminal_size=self.build.terminal_size)
        builders = self.builders(large)
        with staged(f"splitting {len(large):,} nodes"):
            trees = await asyncio.gather(
                *(
                    abuild_subtree_with(builders[node], self.index, node, added)
                    for node, added in large.items()
                ),
                return_exceptions=True,
            )
        splits: dict[NodeId, Tree] = {}
        errors: dict[NodeId, str] = {}
        for node, tree in zip(large, trees, strict=True):
            if isinstance(tree, ModelReplyError):
                errors[node], unsplit[node] = str(tree), "a request about its split got no usable answer"
            elif isinstance(tree, BaseException):
                raise tree
            elif any(each.key for each in tree.nodes):
                splits[node] = tree
            else:
                unsplit[node] = "no split of its labels was found"
        return replace(
            growth,
            splits=splits,
            unsplit=unsplit,
            split_errors=errors,
            terminal_size=self.build.terminal_size,
        )

    def large_nodes(
        self, inserted: Mapping[LabelId, Sequence[NodeId]]
    ) -> tuple[dict[NodeId, list[Label]], dict[NodeId, str]]:
        """Return the nodes to split with their new labels, and the nodes that cannot be split with the reason."""
        arriving: defaultdict[NodeId, list[Label]] = defaultdict(list, {node: [] for node in self.whole})
        for label, nodes in inserted.items():
            for node in nodes:
                arriving[node].append(self.labels[label])
        there = self.index.labels_under(list(arriving))
        large, unsplit = {}, {}
        for node, added in arriving.items():
            if len(there[node]) + len(added) <= self.build.terminal_size:
                continue
            if self.method not in SPLIT_METHODS:
                unsplit[node] = (
                    f"a tree of your own ({self.method}) is not split automatically; use: taxonaut index split"
                )
            elif self.levels_left(node) < 1:
                unsplit[node] = f"it is {self.build.depth} levels deep, the limit set by [build] depth"
            else:
                large[node] = added
        return large, unsplit

    def levels_left(self, node: NodeId) -> int:
        """Return how many levels may be added below a node."""
        return self.build.depth - len(self.index.node_paths([node])[node])

    def builders(self, large: Mapping[NodeId, Sequence[Label]]) -> dict[NodeId, TreeBuilder]:
        """Return a builder for each node, of the method that built the tree; agents are shared by all nodes."""
        if self.method == "kmeans":
            settings = self.index.tree_settings() or {"terminal_size": self.build.terminal_size}
            return dict.fromkeys(large, kmeans_builder(self.wiring, cast("TreeSettings", settings)))
        ids = chain(*self.index.labels_under(list(large)).values())
        there = self.index.labels(list(dict.fromkeys(ids)))
        agents = build_agents.build_agents(
            self.wiring, list(dict.fromkeys((*there, *chain(*large.values()))))
        )
        return {
            node: AgentsTreeBuilder(
                lambda _: agents,
                build_policy(self.build),
                self.workspace.runs,
            )
            for node in large
        }


def build_settings(workspace: Core) -> BuildConfig:
    """Return the [build] table, with the settings that the existing tree was built with.

    A k-means tree holds each label once, so a new one goes to the nearest centre only.
    """
    given = workspace.config.build.model_dump()
    kept = {key: value for key, value in workspace.index.tree_settings().items() if key in given}
    if workspace.index.tree_method() == "kmeans":
        kept = {"terminal_size": max(2, kept.get("terminal_size", given["terminal_size"])), "fits": 1}
    return BuildConfig(**{**given, **kept})


def write_growth(
    workspace: Core,
    compared: NewLabels,
    growth: Growth,
    placements: Placements | None,
    note: str,
    dry_run: bool,
    file: LabelFile | None = None,
) -> Growth:
    """Write labels, placements and subtrees as one transaction and change; a dry run rolls it back."""
    index = workspace.index
    found: IndexDiff | None = None
    try:
        with workspace.database.write(), index.change(note):
            before = index.snapshot() if dry_run else None
            index.add_labels([label for label in compared.new if label.id not in growth.failed])
            added_at = index.version()
            if placements is not None:
                placed = apply_placements(index, placements)
                growth = replace(
                    growth,
                    inserted={**placed, **growth.inserted},
                    by_own_path=tuple(placed),
                    unresolved=placements.unresolved,
                    branches=placements.branches,
                )
            by_path = set(growth.by_own_path)
            pairs = [(label, node) for label, nodes in growth.inserted.items() for node in nodes]
            index.place_many([pair for pair in pairs if pair[0] not in by_path])
            added = [label for label in compared.to_place if label.id not in growth.failed]
            same_names = find_same_names(index, added, growth.inserted)
            growth = replace(growth, same_names=same_names)
            index.graft_many(growth.splits)
            if file is not None and file.rdf is not None:
                retire_deprecated(index, file.retired, file.name)
                had = {label.id: label for label in index.labels(compared.known)}
                keep_rdf(workspace, added_at, file.rdf, None, had)
            if before is not None:
                found = diff(before, index.snapshot())
                raise _DryRunError
    except _DryRunError:
        return replace(growth, diff=found)
    return replace(growth, change=index.version())


class _DryRunError(Exception):
    """Ends a dry run's transaction."""
