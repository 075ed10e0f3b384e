"""Put labels into a person's own tree where their file says: below the nodes of their paths and parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.workspace.files.label_graph import LabelRow


@dataclass(frozen=True, slots=True)
class Homes:
    """What a file says of the labels that come: the places each goes to, parents before what is below them.

    `inner` are those of the rows, and of the labels of the index, that something goes below. `astray` are
    labels with a path or parents that are not in the tree.
    """

    places: Mapping[LabelId, tuple[Place, ...]]
    rows: Mapping[LabelId, LabelRow]
    inner: frozenset[LabelId]
    labels: tuple[LabelId, ...]
    astray: tuple[LabelId, ...]


def homes(index: Index, rows: Sequence[LabelRow], coming: frozenset[LabelId]) -> Homes:
    """Find the places of the labels that come, among the nodes and labels of the index and the file's own rows.

    Every step of a path must be a node, a label or a row of the file; a label whose path or parents are not is
    astray.
    """
    return _Finder(index, rows, coming).found()


class _Finder:
    def __init__(self, index: Index, rows: Sequence[LabelRow], coming: frozenset[LabelId]) -> None:
        self.index = index
        self.coming = coming
        self.rows: dict[LabelId, list[LabelRow]] = {}
        for row in rows:
            self.rows.setdefault(row.label.id, []).append(row)
        self.at_path = {row.path: row.label.id for row in rows if row.path}
        self.known_paths: dict[tuple[str, ...], Place | None] = {}
        self.known: dict[LabelId, tuple[Place, ...]] = {}

    def found(self) -> Homes:
        said = [
            id_
            for id_, rows in self.rows.items()
            if id_ in self.coming and any(row.path or row.parents for row in rows)
        ]
        placed = {id_ for id_ in said if self.places(id_)}
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
        return Homes(
            places=kept,
            rows={id_: self.rows[id_][0] for id_ in kept},
            inner=frozenset(inner),
            labels=tuple(id_ for id_ in kept if id_ in self.coming),
            astray=tuple(id_ for id_ in said if id_ not in placed),
        )

    def places(self, id_: LabelId) -> tuple[Place, ...]:
        """Return where a row that is not in the index goes; () if that cannot be found.

        A row without path and parents that something goes below stands at the top, as when it is imported.
        """
        if id_ not in self.known:
            self.known[id_] = ()
            found: list[Place | None] = []
            for row in self.rows[id_]:
                if row.path or not row.parents:
                    found.append(self.at(row.path[:-1]))
                found += [self.of(parent) for parent in row.parents]
            self.known[id_] = tuple(dict.fromkeys(place for place in found if place is not None))
        return self.known[id_]

    def at(self, path: tuple[str, ...]) -> Place | None:
        """Return what stands at a path."""
        if not path:
            return self.index.root()
        if path not in self.known_paths:
            self.known_paths[path] = self.below(self.at(path[:-1]), path)
        return self.known_paths[path]

    def below(self, above: Place | None, path: tuple[str, ...]) -> Place | None:
        """Return what has the last name of a path below what stands at the path before it."""
        if isinstance(above, int):
            for node in self.index.children(above):
                if node.name == path[-1]:
                    return node.id
            for label in self.index.labels_at(above):
                if label.name == path[-1]:
                    return self.of(label.id)
        return self.of(self.at_path[path]) if above is not None and path in self.at_path else None

    def of(self, id_: LabelId) -> Place | None:
        """Return the node that a label is, or the label itself where it can become one."""
        if self.index.has_label(id_) and id_ not in self.coming:
            nodes = self.index.nodes(self.index.placements_of(id_))
            return next((node.id for node in nodes if node.label_id == id_), id_)
        if id_ not in self.rows or not self.places(id_):
            return None
        row = self.rows[id_][0]
        above = [place for place in self.places(id_) if isinstance(place, int)]
        there = self.index.children_of(above) if row.is_node else {}
        same = (node.id for nodes in there.values() for node in nodes if node.name == row.label.name)
        return next(same, id_)


def settle(index: Index, found: Homes) -> dict[LabelId, tuple[NodeId, ...]]:
    """Make the nodes that are missing, and place the labels; return the nodes that each was put in.

    A label that something goes below becomes a node and stands in it. Hold a transaction and a change around it.
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
            nodes[place] = made(place, list(dict.fromkeys(above)))
        return nodes[place]

    def made(id_: LabelId, above: Sequence[NodeId]) -> NodeId:
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
