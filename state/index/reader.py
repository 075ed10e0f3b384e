"""Read the index: nodes, labels, placements, paths, search, statistics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.view import IndexView
from taxonaut.state.label_mappings import LabelMapping, LabelResolution, resolve_label
from taxonaut.state.records import Label, Node
from taxonaut.state.text_words import search_words, stem

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IndexStats:
    """Statistics of the index.

    `nodes` excludes the root; `depth` is the largest distance of a node from the root (by shortest paths);
    `largest_terminal` and `labels_per_terminal` (a mean) count the labels placed in terminal nodes. `labels`
    excludes retired ones.
    """

    labels: int
    nodes: int
    edges: int
    placements: int
    terminals: int
    depth: int
    labels_unplaced: int
    largest_terminal: int
    labels_per_terminal: float
    labels_retired: int = 0


_RETIRED = "SELECT count(*) FROM labels WHERE id IN (SELECT old FROM label_mappings)"


def measure_tree(database: Database, tree: int) -> IndexStats:
    """Compute the statistics of one tree without reading texts."""
    labels = int(database.rows("SELECT count(*) FROM labels")[0][0])
    retired = int(database.rows(_RETIRED)[0][0])
    labels -= retired
    edges = database.columns("SELECT parent, child FROM edges WHERE tree = ? ORDER BY parent", [tree])
    placements = database.columns("SELECT node, label FROM placements WHERE tree = ?", [tree])
    parents, children = np.asarray(edges["parent"]), np.asarray(edges["child"])
    nodes = np.union1d(children, [ROOT])
    terminals = np.setdiff1d(nodes, parents)
    holders, loads = np.unique(np.asarray(placements["node"]), return_counts=True)
    terminal_loads = loads[np.isin(holders, terminals)]
    return IndexStats(
        labels=labels,
        nodes=nodes.size - 1,
        edges=children.size,
        placements=int(loads.sum()),
        terminals=terminals.size,
        depth=_depth(parents, children),
        labels_unplaced=labels - np.unique(np.asarray(placements["label"])).size,
        largest_terminal=int(terminal_loads.max(initial=0)),
        labels_per_terminal=float(terminal_loads.sum() / terminals.size),
        labels_retired=retired,
    )


def _depth(parents: _Ints, children: _Ints) -> int:
    ids = np.union1d(children, [ROOT])
    below = np.searchsorted(ids, children)
    starts = np.searchsorted(parents, ids)
    counts = np.searchsorted(parents, ids, side="right") - starts
    seen = np.zeros(ids.size, dtype=np.bool_)
    level, depth = np.searchsorted(ids, [ROOT]), 0
    while True:
        seen[level] = True
        many = counts[level]
        firsts = np.repeat(starts[level] - many.cumsum() + many, many)
        reached = np.unique(below[firsts + np.arange(firsts.size)])
        level = reached[~seen[reached]]
        if not level.size:
            return depth
        depth += 1


_SEARCH = """
SELECT number, list_sum(list_transform($1::VARCHAR[], lambda word: CASE
    WHEN contains(lower(name), word) THEN 4 WHEN contains(lower(alternatives), word) THEN 3
    WHEN contains(lower(id), word) OR contains(lower(notation), word) THEN 2
    WHEN contains(lower(description), word) THEN 1 ELSE 0 END)) AS hits
FROM labels WHERE hits > 0 AND ($5 OR id NOT IN (SELECT old FROM label_mappings))
ORDER BY $3 IN (lower(name), lower(id), lower(notation)) OR contains(lower(alternatives), $4) DESC, hits DESC,
    length(name), number
LIMIT $2
"""

_SEARCH_NODES = """
SELECT id, list_sum(list_transform($1::VARCHAR[], lambda word: contains(lower(name), word)::INT)) AS hits
FROM nodes WHERE tree = $3 AND hits > 0 ORDER BY hits DESC, length(name), id LIMIT $2
"""

_LABELS_AFTER = """
SELECT number FROM labels WHERE number > ? AND id NOT IN (SELECT old FROM label_mappings) ORDER BY number LIMIT ?
"""

_NOTED = """
SELECT number FROM labels WHERE starts_with(lower(notation), $1) AND notation <> ''
AND id NOT IN (SELECT old FROM label_mappings) ORDER BY length(notation), notation, number LIMIT $2
"""

_SHORTEST_STEM = 3

_NODE_NAMES = """
SELECT id, name, label FROM nodes WHERE id IN (SELECT child FROM edges WHERE tree = ?)
"""

_NODES_NAMED = """
SELECT id FROM nodes WHERE tree = $2 AND lower(name) IN (SELECT lower(unnest($1::VARCHAR[]))) ORDER BY id
"""

_NAMED = """
SELECT number FROM labels WHERE lower(name) IN (SELECT lower(unnest($1::VARCHAR[])))
AND ($2 OR id NOT IN (SELECT old FROM label_mappings)) ORDER BY number
"""


def _search_key(word: str) -> str:
    """Return what is searched for instead of a word: its stem, where that is how the word begins."""
    root = stem(word)
    return root if word.startswith(root) and len(root) > _SHORTEST_STEM else word


class IndexReader:
    """The read half of `Index`. Unknown ids raise NotFoundError. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._view = IndexView(database)

    def root(self) -> NodeId:
        """Return the root, which never changes."""
        return NodeId(ROOT)

    def node(self, node: NodeId) -> Node:
        """Return a node."""
        return self.nodes([node])[0]

    def nodes(self, ids: Sequence[NodeId]) -> list[Node]:
        """Return nodes in the order of `ids`."""
        with self._database.lock:
            self._view.check_nodes(ids)
            return self._view.nodes.get(ids)

    def has_node(self, node: NodeId) -> bool:
        """Return whether a node is in the current tree."""
        with self._database.lock:
            return self._view.shape.has(node)

    def children(self, node: NodeId) -> list[Node]:
        """Return the children of a node, in insertion order."""
        return self.children_of([node])[node]

    def children_of(self, ids: Sequence[NodeId]) -> dict[NodeId, list[Node]]:
        """Return the children of many nodes, in one read."""
        with self._database.lock:
            self._view.check_nodes(ids)
            below = {id_: self._view.shape.children[id_] for id_ in ids}
            nodes = iter(self._view.nodes.get([child for children in below.values() for child in children]))
            return {id_: [next(nodes) for _ in children] for id_, children in below.items()}

    def child_ids(self, node: NodeId) -> tuple[NodeId, ...]:
        """Return the ids of a node's children, in insertion order, without reading their texts."""
        with self._database.lock:
            self._view.check_nodes([node])
            return tuple(map(NodeId, self._view.shape.children[node]))

    def sizes(self, ids: Sequence[NodeId]) -> dict[NodeId, tuple[int, int]]:
        """Return how many children each node has, and how many labels stand in it itself."""
        with self._database.lock:
            self._view.check_nodes(ids)
            shape = self._view.shape
            return {id_: (len(shape.children[id_]), len(shape.labels_at[id_])) for id_ in ids}

    def parents(self, node: NodeId) -> list[Node]:
        """Return the parents of a node, in insertion order."""
        with self._database.lock:
            self._view.check_nodes([node])
            return self._view.nodes.get(self._view.shape.parents[node])

    def is_terminal(self, node: NodeId) -> bool:
        """Return whether a node has no children."""
        with self._database.lock:
            self._view.check_nodes([node])
            return not self._view.shape.children[node]

    def label(self, label: LabelId) -> Label:
        """Return a label, retired or not."""
        return self.labels([label])[0]

    def labels(self, ids: Sequence[LabelId]) -> list[Label]:
        """Return labels in the order of `ids`."""
        with self._database.lock:
            book = self._view.labels
            return book.get([book.number(id_) for id_ in ids])

    def all_labels(self, *, retired: bool = False) -> list[Label]:
        """Return every label in import order; retired ones only with `retired`."""
        with self._database.lock:
            return self._view.labels.all(retired=retired)

    def labels_after(self, label: LabelId | None, most: int) -> list[Label]:
        """Return up to `most` labels after one, from the first without one, in import order, without retired ones."""
        with self._database.lock:
            book = self._view.labels
            after = -1 if label is None else book.number(label)
            return book.get([row[0] for row in self._database.rows(_LABELS_AFTER, [after, most])])

    def label_ids(self, *, retired: bool = False) -> list[LabelId]:
        """Return every label's id in import order; those of retired labels only with `retired`."""
        with self._database.lock:
            return list(self._view.labels.numbers) if retired else self._view.labels.live()

    def has_label(self, label: LabelId) -> bool:
        """Return whether there is a label with this id, placed or not, that is not retired."""
        with self._database.lock:
            return self._view.labels.is_live(label)

    def has_notations(self) -> bool:
        """Return whether any label has a notation."""
        return bool(self._database.rows("SELECT 1 FROM labels WHERE notation <> '' LIMIT 1"))

    def knows_id(self, label: LabelId) -> bool:
        """Return whether an id is a label's, a retired one's, or was one: no new label can have it."""
        with self._database.lock:
            return self._view.labels.knows(label)

    def is_retired(self, label: LabelId) -> bool:
        """Return whether there is a label with this id that is retired."""
        with self._database.lock:
            return label in self._view.labels.numbers and label in self._view.labels.mappings

    def mappings(self) -> list[LabelMapping]:
        """Return where each label id went that is not answered any more, in order of time."""
        with self._database.lock:
            return list(self._view.labels.mappings.values())

    def mapping_of(self, label: LabelId) -> LabelMapping | None:
        """Return where a label id went, None for one that is answered or unknown."""
        with self._database.lock:
            return self._view.labels.mappings.get(label)

    def resolve(self, label: LabelId) -> LabelResolution:
        """Return what a label id stands for today, over all its mappings."""
        with self._database.lock:
            book = self._view.labels
            return resolve_label(book.mappings, book.numbers, label)

    def present(self, labels: Sequence[LabelId]) -> tuple[LabelId, ...]:
        """Return what label ids stand for today: unknown ones as they are, without those that are split or gone."""
        with self._database.lock:
            book = self._view.labels
            if not book.mappings:
                return tuple(dict.fromkeys(labels))
            found: dict[LabelId, None] = {}
            for label in labels:
                result = resolve_label(book.mappings, book.numbers, label)
                if result.kind not in ("ambiguous", "gone"):
                    found |= dict.fromkeys(result.labels or (label,))
            return tuple(found)

    def todays(self, labels: Iterable[LabelId]) -> dict[LabelId, LabelId]:
        """Return the id of today of each label id that stands for one live label."""
        with self._database.lock:
            book = self._view.labels
            if not book.mappings:
                return {label: label for label in labels if label in book.numbers}
            found = {label: resolve_label(book.mappings, book.numbers, label) for label in labels}
            return {label: result.labels[0] for label, result in found.items() if len(result.labels) == 1}

    def labels_named(self, names: Sequence[str], *, retired: bool = False) -> list[Label]:
        """Return the labels with one of these names, ignoring case; retired ones only with `retired`."""
        with self._database.lock:
            hits = self._database.rows(_NAMED, [list(names), retired]) if names else []
            return self._view.labels.get([row[0] for row in hits])

    def labels_noted(self, code: str, limit: int) -> list[Label]:
        """Return up to `limit` labels whose notations begin with a code, ignoring case, the shortest first."""
        with self._database.lock:
            hits = self._database.rows(_NOTED, [code.lower(), limit])
            return self._view.labels.get([row[0] for row in hits])

    def search(self, query: str, limit: int = 10, *, retired: bool = False) -> list[Label]:
        """Return up to `limit` labels that contain words of `query`, ignoring case and endings.

        Retired labels are found only with `retired`.

        A word counts most in a name, then in an alternative name, the id or code, the description; a label that is
        called like the whole query comes first, of equal ones that with the shortest name.
        """
        words = list(dict.fromkeys(map(_search_key, search_words(query))))
        whole = " ".join(query.lower().split())
        with self._database.lock:
            book = self._view.labels
            if words and limit > 0 and self._view.words.is_built:
                left_out = (
                    () if retired else [book.numbers[id_] for id_ in book.mappings if id_ in book.numbers]
                )
                return book.get(self._view.words.search(words, whole, limit, left_out))
            hits = self._database.rows(_SEARCH, [words, limit, whole, dump(whole), retired]) if words else []
            return book.get([row[0] for row in hits])

    def keep_words(self) -> None:
        """Read the words of all labels into memory, so that `search` takes milliseconds; it is kept up with changes.

        That takes about 5 seconds for a million labels, and is worth it for who searches often. Other threads may
        read and change the index meanwhile.
        """
        self._view.words.build()

    def node_names(self) -> list[tuple[NodeId, str, LabelId | None]]:
        """Return (id, name, label id if the node is a label) of each node but the root, by depth."""
        with self._database.lock:
            shape, book = self._view.shape, self._view.labels
            found = [
                (NodeId(id_), str(name), None if label is None else book.ids([label])[0])
                for id_, name, label in self._database.rows(_NODE_NAMES, [shape.tree])
            ]
            return sorted(found, key=lambda row: (shape.depth(row[0]), row[0]))

    def nodes_named(self, names: Sequence[str]) -> list[Node]:
        """Return the nodes with one of these names, ignoring case."""
        with self._database.lock:
            hits = self._database.rows(_NODES_NAMED, [list(names), self._view.shape.tree]) if names else []
            return self._view.nodes.get([row[0] for row in hits])

    def search_nodes(self, query: str, limit: int = 10) -> list[Node]:
        """Return up to `limit` nodes whose names contain words of `query`: most words, then shortest name."""
        words = list(dict.fromkeys(map(_search_key, search_words(query))))
        with self._database.lock:
            found = self._database.rows(_SEARCH_NODES, [words, limit, self._view.shape.tree]) if words else []
            return self._view.nodes.get([row[0] for row in found])

    def labels_at(self, node: NodeId) -> list[Label]:
        """Return the labels placed in a node itself, in insertion order."""
        with self._database.lock:
            self._view.check_nodes([node])
            return self._view.labels.get(self._view.shape.labels_at[node])

    def directly_below(self, node: NodeId, start: int, most: int) -> tuple[list[Node], list[Label], int]:
        """Return a stretch of what is directly under a node, and how much is: first nodes, then labels.

        The label that the node itself is does not count. Reads the texts of the stretch only.
        """
        with self._database.lock:
            self._view.check_nodes([node])
            shape, own = self._view.shape, self._view.nodes.get([node])[0].label_id
            children, placed = shape.children[node], shape.labels_at[node]
            if own is not None and (number := self._view.labels.number(own)) in placed:
                place = placed.index(number)
                placed = placed[:place] + placed[place + 1 :]
            nodes = children[start : start + most]
            first = max(0, start - len(children))
            labels = placed[first : first + most - len(nodes)]
            return (
                self._view.nodes.get(nodes),
                self._view.labels.get(labels),
                len(children) + len(placed),
            )

    def place_below(self, node: NodeId, entry: NodeId | LabelId) -> int | None:
        """Return where a child or a label stands in `directly_below` of a node, from 0; None if it is not there."""
        with self._database.lock:
            self._view.check_nodes([node])
            shape, book = self._view.shape, self._view.labels
            children = shape.children[node]
            if isinstance(entry, int):
                return children.index(entry) if entry in children else None
            own = self._view.nodes.get([node])[0].label_id
            placed, number = shape.labels_at[node], book.find(entry)
            if number is None or number not in placed or entry == own:
                return None
            place = placed.index(number)
            passed = own is not None and book.number(own) in placed[:place]
            return len(children) + place - passed

    def labels_under(self, ids: Sequence[NodeId]) -> dict[NodeId, list[LabelId]]:
        """Return the ids of the labels placed in each of many nodes itself, in one read."""
        with self._database.lock:
            self._view.check_nodes(ids)
            shape, labels = self._view.shape, self._view.labels
            return {id_: labels.ids(shape.labels_at[id_]) for id_ in ids}

    def placements_of(self, label: LabelId) -> list[NodeId]:
        """Return the nodes a label is placed in, in insertion order."""
        with self._database.lock:
            return [NodeId(node) for node in self._view.shape.nodes_of[self._view.labels.number(label)]]

    def paths(self, label: LabelId) -> list[tuple[str, ...]]:
        """Return up to 64 paths of a label as names, without the root, its own name last, shortest first.

        If a node is the label itself, the node's name is the last element.
        """
        return self.paths_of([label])[label]

    def paths_of(self, labels: Sequence[LabelId]) -> dict[LabelId, list[tuple[str, ...]]]:
        """Return the paths of many labels."""
        with self._database.lock:
            shape, book = self._view.shape, self._view.labels
            numbers = [book.number(label) for label in labels]
            routes = {
                node: shape.paths(node)
                for node in {node for label in numbers for node in shape.nodes_of[label]}
            }
            names, owners = self._names(
                {node for paths in routes.values() for path in paths for node in path}
            )
            found: dict[LabelId, list[tuple[str, ...]]] = {}
            for label, number, own in zip(labels, numbers, book.get(numbers), strict=True):
                paths = [
                    tuple(names[step] for step in path) + (() if owners.get(node) == label else (own.name,))
                    for node in shape.nodes_of[number]
                    for path in routes[node]
                ]
                found[label] = sorted(dict.fromkeys(paths), key=len)
            return found

    def _names(self, ids: set[int]) -> tuple[dict[int, str], dict[int, LabelId]]:
        nodes = self._view.nodes.get(sorted(ids))
        return {node.id: node.name for node in nodes}, {
            node.id: node.label_id for node in nodes if node.label_id
        }

    def node_paths(self, ids: Sequence[NodeId]) -> dict[NodeId, tuple[NodeId, ...]]:
        """Return one shortest path from the root to each node, without the root, the node last."""
        with self._database.lock:
            self._view.check_nodes(ids)
            shape = self._view.shape
            return {id_: tuple(NodeId(step) for step in shape.shortest_path(id_)) for id_ in ids}

    def above(self, label: LabelId) -> frozenset[NodeId]:
        """Return the nodes that a label is placed in and all nodes above them, without the root."""
        with self._database.lock:
            shape = self._view.shape
            places = shape.nodes_of[self._view.labels.number(label)]
            found = {NodeId(node) for place in places for node in shape.upwards(place)}
            return frozenset(found - {NodeId(ROOT)})

    def stats(self) -> IndexStats:
        """Return statistics of the current tree."""
        with self._database.lock:
            return measure_tree(self._database, self._view.shape.tree)

    def tree_method(self) -> str:
        """Return how the current tree was made: `native`, `kmeans`, … or `empty`."""
        sql = "SELECT method FROM trees JOIN current_tree USING (id)"
        return str(self._database.rows(sql)[0][0])

    def tree_settings(self) -> Mapping[str, Any]:
        """Return the stored settings of the current tree's builder."""
        sql = "SELECT settings FROM trees JOIN current_tree USING (id)"
        return load(self._database.rows(sql)[0][0])

    def version(self) -> EventId:
        """Return the id of the last event, 0 before the first."""
        with self._database.lock:
            return EventId(self._view.version)
