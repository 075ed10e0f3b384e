"""Place labels in a user's own tree by the paths and parents in their file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.agents.support.texts import path_text
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.workspace.files.label_graph import LabelRow


@dataclass(frozen=True, slots=True)
class Placements:
    """Where a file puts new labels; parents come before children.

    `places` are the nodes above each label or row. `inner` are rows and labels that others are placed below.
    `labels` are the new labels that have places, `unresolved` those whose parents are not in the tree.
    """

    places: Mapping[LabelId, tuple[Place, ...]]
    rows: Mapping[LabelId, LabelRow]
    inner: frozenset[LabelId]
    labels: tuple[LabelId, ...]
    unresolved: tuple[LabelId, ...]
    branches: tuple[str, ...] = ()
    """Paths of the nodes that are made because a path names them."""


def find_placements(index: Index, rows: Sequence[LabelRow], new: frozenset[LabelId]) -> Placements:
    """Find the places of new labels among the nodes and labels of the index and the file's own rows.

    Steps of a path that are neither nodes, labels nor rows become nodes. A label is unresolved if one of its parents
    is neither.
    """
    return _Finder(index, rows, new).find()


class _Finder:
    def __init__(self, index: Index, rows: Sequence[LabelRow], new: frozenset[LabelId]) -> None:
        self.index = index
        self.new = new
        self.rows: dict[LabelId, list[LabelRow]] = {}
        for row in rows:
            self.rows.setdefault(row.label.id, []).append(row)
        self.made: set[LabelId] = set()
        self.at_path = {row.path: row.label.id for row in rows if row.path}
        for row in rows:
            self.add_branches(row.path)
        self.known_paths: dict[tuple[str, ...], Place | None] = {}
        self.known: dict[LabelId, tuple[Place, ...]] = {}

    def add_branches(self, path: tuple[str, ...]) -> None:
        """Add a row for each step of a path that has none; it becomes a node if the index has no such place."""
        for length in range(1, len(path)):
            steps = path[:length]
            if steps not in self.at_path:
                id_ = LabelId(f"node {path_text(steps)}")
                self.made.add(id_)
                self.at_path[steps] = id_
                self.rows[id_] = [LabelRow(Label(id_, steps[-1]), path=steps, is_node=True)]

    def find(self) -> Placements:
        described = [
            id_
            for id_, rows in self.rows.items()
            if id_ in self.new and any(row.path or row.parents for row in rows)
        ]
        placed = {id_ for id_ in described if self.places(id_)}
        waiting, needed = list(placed), set(placed)
        inner: set[LabelId] = set()
        while waiting:
            for place in self.places(waiting.pop()):
                if isinstance(place, str):
                    inner.add(place)
                    if place in self.rows and place not in needed:
                        needed.add(place)
                        waiting.append(place)
        kept = {id_: self.known[id_] for id_ in self.rows if id_ in needed and self.known.get(id_)}
        return Placements(
            places=kept,
            rows={id_: self.rows[id_][0] for id_ in kept},
            inner=frozenset(inner),
            labels=tuple(id_ for id_ in kept if id_ in self.new),
            unresolved=tuple(id_ for id_ in described if id_ not in placed),
            branches=tuple(path_text(self.rows[id_][0].path) for id_ in kept if id_ in self.made),
        )

    def places(self, id_: LabelId) -> tuple[Place, ...]:
        """Return the places of a row that is not in the index; () if they cannot be found.

        A row without path and parents that others are below goes to the top, as when it is imported.
        """
        if id_ not in self.known:
            self.known[id_] = ()
            found: list[Place | None] = []
            for row in self.rows[id_]:
                if row.path or not row.parents:
                    found.append(self.place_at(row.path[:-1]))
                found += [self.place_of(parent) for parent in row.parents]
            self.known[id_] = tuple(dict.fromkeys(place for place in found if place is not None))
        return self.known[id_]

    def place_at(self, path: tuple[str, ...]) -> Place | None:
        """Return the node or label at a path."""
        if not path:
            return self.index.root()
        if path not in self.known_paths:
            self.known_paths[path] = self.place_below(self.place_at(path[:-1]), path)
        return self.known_paths[path]

    def place_below(self, above: Place | None, path: tuple[str, ...]) -> Place | None:
        """Return the last step of a path, below the place of the steps before it."""
        if isinstance(above, int):
            for node in self.index.children(above):
                if node.name == path[-1]:
                    return node.id
            for label in self.index.labels_at(above):
                if label.name == path[-1]:
                    return self.place_of(label.id)
        return self.place_of(self.at_path[path]) if above is not None and path in self.at_path else None

    def place_of(self, id_: LabelId) -> Place | None:
        """Return the node of a label, or the label itself if it can become a node."""
        if self.index.has_label(id_) and id_ not in self.new:
            nodes = self.index.nodes(self.index.placements_of(id_))
            return next((node.id for node in nodes if node.label_id == id_), id_)
        if id_ not in self.rows or not self.places(id_):
            return None
        row = self.rows[id_][0]
        above = [place for place in self.places(id_) if isinstance(place, int)]
        there = self.index.children_of(above) if row.is_node else {}
        same = (node.id for nodes in there.values() for node in nodes if node.name == row.label.name)
        return next(same, id_)


def apply_placements(index: Index, found: Placements) -> dict[LabelId, tuple[NodeId, ...]]:
    """Create the missing nodes and place the labels; return the nodes of each new label.

    A label that others are below becomes a node and is placed in it. Call it in a transaction and a change.
    """
    nodes: dict[LabelId, NodeId] = {}
    put: dict[LabelId, tuple[NodeId, ...]] = {}

    def node_of(place: Place) -> NodeId:
        if isinstance(place, int):
            return place
        if place not in nodes:
            above = (
                [node_of(each) for each in found.places[place]]
                if place in found.places
                else index.placements_of(place)
            )
            nodes[place] = create_node(place, list(dict.fromkeys(above)))
        return nodes[place]

    def create_node(id_: LabelId, above: Sequence[NodeId]) -> NodeId:
        row = found.rows.get(id_)
        is_label = row is None or not row.is_node
        label = index.label(id_) if row is None else row.label
        node = index.create_node(above[0], label.name, label.description, label_id=id_ if is_label else None)
        for parent in above[1:]:
            index.add_edge(parent, node)
        if is_label:
            former = index.placements_of(id_)
            index.place(id_, [node])
            for each in former:
                index.unplace(id_, each)
            if row is not None:
                put[id_] = (node,)
        return node

    for id_ in found.places:
        if id_ in found.inner:
            node_of(id_)
        else:
            put[id_] = tuple(dict.fromkeys(node_of(place) for place in found.places[id_]))
    leaves = [(id_, node) for id_, places in put.items() for node in places if id_ not in found.inner]
    index.place_many(leaves)
    return {id_: put[id_] for id_ in found.labels}
