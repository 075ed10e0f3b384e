"""A label set in one form, whether it comes from a file or from an index: labels, categories, and their places."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.label_mappings import RENAMED, resolve_label
from taxonaut.state.records import VOCABULARY, Label
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.files.label_graph import ROOT as TOP_OF_FILE
from taxonaut.workspace.files.label_graph import LabelGraph, label_graph

Key = LabelId | NodeId | tuple[str, ...]
"""A label's id; for a category that is no label its node in an index, or its path in a file. () is the top."""

TOP: Key = ()

BUILT = frozenset({"agents", "kmeans", "empty", VOCABULARY})
"""Methods of trees that nobody brought: where a label stands in one says nothing about a file's places."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A label, or a category that is none (`label` is None), with what it is below.

    `parents` are keys of entries of the same set; `path` is a shortest path of names, its own last; `node` its node
    in an index, if it has one.
    """

    key: Key
    name: str
    label: Label | None = None
    parents: tuple[Key, ...] = ()
    path: tuple[str, ...] = ()
    node: NodeId | None = None

    @property
    def id(self) -> LabelId | None:
        """The label's id; None for a category."""
        return None if self.label is None else self.label.id

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Other names of the label."""
        return () if self.label is None else self.label.alternatives

    @property
    def description(self) -> str:
        """The label's description."""
        return "" if self.label is None else self.label.description


@dataclass(frozen=True)
class LabelSet:
    """Labels and categories by key, parents before their children.

    `has_tree`: where they stand is the user's own. `has_ids`: the ids are the user's own, and not names or paths.
    """

    name: str
    entries: Mapping[Key, Entry]
    has_tree: bool
    has_ids: bool
    retired: Mapping[LabelId, Label] = field(default_factory=dict)
    """Labels of an index that were taken out of use."""
    former_ids: Mapping[LabelId, LabelId] = field(default_factory=dict)
    """The present ids of labels of an index by those that they had before."""
    order: tuple[LabelId, ...] = ()
    """The ids of the labels in the order of their file or their import."""

    @cached_property
    def labels(self) -> list[Entry]:
        """The entries that are labels, in the order of their file or their import."""
        return [self.entries[id_] for id_ in self.order]

    @cached_property
    def children(self) -> Mapping[Key, tuple[Key, ...]]:
        """The keys below each entry, in order; `TOP` has those at the top."""
        below: defaultdict[Key, list[Key]] = defaultdict(list)
        for entry in self.entries.values():
            for parent in entry.parents:
                below[parent].append(entry.key)
        return {key: tuple(keys) for key, keys in below.items()}

    @cached_property
    def folded(self) -> Mapping[Key, str]:
        """The name of each entry without case, accents, punctuation and plural s."""
        return {key: fold_name(entry.name) for key, entry in self.entries.items()}

    def by_folded_name(self, keys: Iterable[Key]) -> Mapping[str, list[Key]]:
        """Return some entries by their folded names."""
        found: defaultdict[str, list[Key]] = defaultdict(list)
        for key in keys:
            found[self.folded[key]].append(key)
        return found


def set_from_file(file: LabelFile) -> LabelSet:
    """Return the labels of a file, and the categories that have labels below them."""
    graph = label_graph(file.rows, file.name)
    keys = {key: _key_in_file(graph, key) for key in graph.order if key != TOP_OF_FILE}
    parents: defaultdict[Key, list[Key]] = defaultdict(list)
    for key in graph.order:
        for child in graph.children.get(key, ()):
            parents[keys[child]].append(TOP if key == TOP_OF_FILE else keys[key])
    rows = []
    for key in graph.order:
        if key == TOP_OF_FILE:
            continue
        row = graph.rows.get(key)
        name = key[-1] if row is None else row.label.name
        label = None if row is None or row.is_node else row.label
        rows.append(Entry(keys[key], name, label, tuple(dict.fromkeys(parents[keys[key]]))))
    order = tuple(label.id for label in file.labels)
    ids = any(
        fold_name(label.id) not in (fold_name(label.name), fold_name(" ".join(row.path)))
        for row in file.rows
        if (label := row.label) and not row.is_node
    )
    return LabelSet(file.name, _labelled(rows), file.has_tree, "id" in file.reading.used or ids, order=order)


def _key_in_file(graph: LabelGraph, key: tuple[str, ...] | LabelId) -> Key:
    row = graph.rows.get(key)
    if row is None:
        return key
    return ("a node", row.label.id) if row.is_node else row.label.id


def set_from_index(snapshot: Snapshot, name: str) -> LabelSet:
    """Return the labels of an index; in a tree that was built, without places."""
    labels = dict(snapshot.labels)
    has_tree = snapshot.method not in BUILT
    rows = (
        _placed(snapshot, labels)
        if has_tree
        else [Entry(id_, label.name, label) for id_, label in labels.items()]
    )
    ids = any(fold_name(label.id) != fold_name(label.name) for label in labels.values())
    if ids and has_tree:
        paths = {row.key: row.path for row in _with_paths(rows).values()}
        ids = any(
            fold_name(id_) not in (fold_name(label.name), fold_name(" ".join(paths.get(id_, ()))))
            for id_, label in labels.items()
        )
    former_ids = {
        old: found.labels[0]
        for old, mapping in snapshot.mappings.items()
        if mapping.kind == RENAMED
        and (found := resolve_label(snapshot.mappings, labels, old)).kind == "mapped"
    }
    return LabelSet(name, _labelled(rows), has_tree, ids, snapshot.retired, former_ids, tuple(labels))


def _placed(snapshot: Snapshot, labels: Mapping[LabelId, Label]) -> list[Entry]:
    keys: dict[NodeId, Key] = {NodeId(ROOT): TOP}
    for id_, node in snapshot.nodes.items():
        if id_ != ROOT:
            keys[id_] = node.label_id if node.label_id is not None and node.label_id in labels else id_
    rows = []
    own: set[LabelId] = set()
    for id_ in snapshot.downwards():
        if id_ == ROOT:
            continue
        node, key = snapshot.nodes[id_], keys[id_]
        above = [keys[parent] for parent in snapshot.parents[id_]]
        label = labels.get(node.label_id) if node.label_id is not None else None
        if label is not None:
            own.add(label.id)
            above += [keys[place] for place in snapshot.nodes_of.get(label.id, ()) if place != id_]
        name = node.name if label is None else label.name
        rows.append(Entry(key, name, label, tuple(dict.fromkeys(above)), node=id_))
    for label in labels.values():
        if label.id not in own:
            above = [keys[place] for place in snapshot.nodes_of.get(label.id, ())]
            rows.append(Entry(label.id, label.name, label, tuple(dict.fromkeys(above))))
    return rows


def _labelled(rows: Sequence[Entry]) -> dict[Key, Entry]:
    """Return the entries that are labels or have labels below them, with their paths."""
    kept: set[Key] = set()
    for row in reversed(rows):
        if row.label is not None or row.key in kept:
            kept.add(row.key)
            kept.update(row.parents)
    return _with_paths([row for row in rows if row.key in kept])


def _with_paths(rows: Sequence[Entry]) -> dict[Key, Entry]:
    paths: dict[Key, tuple[str, ...]] = {TOP: ()}
    found: dict[Key, Entry] = {}
    for row in rows:
        above = min((paths[parent] for parent in row.parents if parent in paths), key=len, default=())
        paths[row.key] = (*above, row.name)
        found[row.key] = Entry(row.key, row.name, row.label, row.parents, paths[row.key], row.node)
    return found
