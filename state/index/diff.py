"""What changed between two moments of the index, in words a taxonomy's owner uses."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot

LEAST_OVERLAP = 0.5
"""Two nodes are one if they share at least this part of the labels that are below either (Jaccard)."""


def match_nodes(before: Snapshot, after: Snapshot) -> dict[NodeId, NodeId]:
    """Return for each node of `before` the one of `after` that it is, if any.

    Within one tree these are the same ids. Otherwise it is the only node with the same path of names; among
    those left, the one with the most labels in common, the surest pairs first.
    """
    if before.tree == after.tree:
        return {id_: id_ for id_ in before.nodes if id_ in after.nodes}
    pairs = {NodeId(ROOT): NodeId(ROOT)}
    there = _by_path(after)
    for path, nodes in _by_path(before).items():
        others = there.get(path, ())
        if len(nodes) == len(others) == 1:
            pairs[nodes[0]] = others[0]
    taken = set(pairs.values())
    left = {id_ for id_ in before.nodes if id_ not in pairs}
    right = {id_ for id_ in after.nodes if id_ not in taken}
    for one, other in _by_members(before, left, after, right):
        if one in left and other in right:
            pairs[one] = other
            left.discard(one)
            right.discard(other)
    return pairs


def _by_path(snapshot: Snapshot) -> Mapping[tuple[str, ...], list[NodeId]]:
    found: defaultdict[tuple[str, ...], list[NodeId]] = defaultdict(list)
    for id_ in snapshot.nodes:
        if id_ != ROOT:
            found[snapshot.path(id_)].append(id_)
    return found


def _by_members(
    before: Snapshot, left: set[NodeId], after: Snapshot, right: set[NodeId]
) -> Iterator[tuple[NodeId, NodeId]]:
    """Yield pairs of nodes that share labels, those that share most of theirs first."""
    if not left or not right:
        return
    one, other = _above(before, left), _above(after, right)
    sizes = (Counter(_each(one.values())), Counter(_each(other.values())))
    shared = Counter(
        (here, there) for label, nodes in one.items() for here in nodes for there in other.get(label, ())
    )
    scored = [
        (count / (sizes[0][here] + sizes[1][there] - count), here, there)
        for (here, there), count in shared.items()
    ]
    for overlap, here, there in sorted(scored, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if overlap >= LEAST_OVERLAP:
            yield here, there


def _above(snapshot: Snapshot, wanted: set[NodeId]) -> dict[LabelId, set[NodeId]]:
    """Return for each label those of the wanted nodes that it is below or in."""
    known: dict[NodeId, frozenset[NodeId]] = {NodeId(ROOT): frozenset()}
    for id_ in snapshot.downwards():
        if id_ != ROOT:
            own = frozenset({id_} & wanted)
            known[id_] = own.union(*(known[parent] for parent in snapshot.parents[id_]))
    found: defaultdict[LabelId, set[NodeId]] = defaultdict(set)
    for node, label in snapshot.placements:
        found[label] |= known[node]
    return found


def _each(sets: Iterable[set[NodeId]]) -> Iterator[NodeId]:
    for nodes in sets:
        yield from nodes


_TEXTS = ("name", "description", "includes", "excludes", "examples", "label_id")
_HEIR_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node and the names on one shortest path to it; the root's path is empty."""

    id: NodeId
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label with the nodes it came to stand in and those it no longer stands in."""

    id: LabelId
    name: str
    gained: tuple[NodeRef, ...] = ()
    lost: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelEdit:
    """A label that has another description, or another name; `name` is the present one."""

    id: LabelId
    name: str
    former: str
    present: str


@dataclass(frozen=True, slots=True)
class NodeMove:
    """A node with the parents it came under and those it left; `node` is where it is now."""

    node: NodeRef
    gained: tuple[NodeRef, ...]
    lost: tuple[NodeRef, ...]


@dataclass(frozen=True, slots=True)
class NodeEdit:
    """A node whose texts changed: for each the former and the present one; `label` is the label it is, if any."""

    node: NodeRef
    former: NodeRef
    texts: Mapping[str, tuple[object, object]]
    label: LabelId | None = None


@dataclass(frozen=True, slots=True)
class NodeRemoval:
    """A node that is gone, and the former parents that took what was below and in it."""

    node: NodeRef
    heirs: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeMerge:
    """A node that is gone, and the one elsewhere that was there before and now has most of its content."""

    node: NodeRef
    into: NodeRef


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """A node whose labels now stand in several new nodes, below it or beside it, or in new ones and itself.

    `labels` counts those that left it; `gone`: it is no more.
    """

    node: NodeRef
    into: tuple[NodeRef, ...]
    labels: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class IndexDiff:
    """What changed from one event to another.

    Ids are the index's own and stable, `removed` ones those they had. If the whole tree was `replaced`, its
    nodes have new ids; `matched` says which former node each of them is taken for (by its path of names, or
    by the labels below it), and only what differs between the two is listed. A merged node is not among the
    removed, a renamed one may also be among the moved.
    """

    before: EventId
    after: EventId
    replaced: bool
    labels_inserted: tuple[LabelChange, ...]
    labels_gone: tuple[LabelChange, ...]
    labels_moved: tuple[LabelChange, ...]
    labels_described: tuple[LabelEdit, ...]
    labels_renamed: tuple[LabelEdit, ...]
    inserted: tuple[NodeRef, ...]
    removed: tuple[NodeRemoval, ...]
    moved: tuple[NodeMove, ...]
    edited: tuple[NodeEdit, ...]
    merged: tuple[NodeMerge, ...]
    split: tuple[NodeSplit, ...]
    matched: Mapping[NodeId, NodeId]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed but perhaps the ids."""
        labels = (self.labels_inserted, self.labels_gone, self.labels_moved)
        texts = (self.labels_described, self.labels_renamed)
        return not any(
            (*labels, *texts, self.inserted, self.removed, self.moved, self.edited, self.merged, self.split)
        )


def diff(before: Snapshot, after: Snapshot) -> IndexDiff:
    """Compare two moments; whichever is older may come first."""
    comparison = _Comparison(before, after)
    merged, removed = comparison.departures()
    moves = comparison.label_moves()
    return IndexDiff(
        before=before.version,
        after=after.version,
        replaced=before.tree != after.tree,
        labels_inserted=tuple(
            LabelChange(id_, label.name, gained=comparison.now(after.nodes_of.get(id_, ())))
            for id_, label in after.labels.items()
            if id_ not in before.labels
        ),
        labels_gone=tuple(
            LabelChange(id_, label.name, lost=comparison.then(before.nodes_of.get(id_, ())))
            for id_, label in before.labels.items()
            if id_ not in after.labels
        ),
        labels_moved=moves,
        labels_described=comparison.label_edits("description"),
        labels_renamed=comparison.label_edits("name"),
        inserted=comparison.now(id_ for id_ in after.nodes if id_ in comparison.new),
        removed=removed,
        moved=comparison.node_moves(),
        edited=comparison.edits(),
        merged=merged,
        split=comparison.splits(),
        matched={} if before.tree == after.tree else comparison.there,
    )


class _Comparison:
    """Two moments side by side. Where a node is both, it goes by its present id."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        self.there = match_nodes(before, after)
        self.new = set(after.nodes) - set(self.there.values())
        self.old = {now: then for then, now in self.there.items()}

    def now(self, nodes: Iterable[NodeId]) -> tuple[NodeRef, ...]:
        return tuple(NodeRef(id_, self.after.path(id_)) for id_ in nodes)

    def then(self, nodes: Iterable[NodeId]) -> tuple[NodeRef, ...]:
        return tuple(NodeRef(id_, self.before.path(id_)) for id_ in nodes)

    def label_moves(self) -> tuple[LabelChange, ...]:
        found = []
        for id_, label in self.after.labels.items():
            if id_ in self.before.labels:
                former, present = self.before.nodes_of.get(id_, ()), self.after.nodes_of.get(id_, ())
                gained, lost = self._changed(former, present)
                if gained or lost:
                    found.append(LabelChange(id_, label.name, gained, lost))
        return tuple(found)

    def label_edits(self, field: Literal["name", "description"]) -> tuple[LabelEdit, ...]:
        return tuple(
            LabelEdit(id_, label.name, getattr(former, field), getattr(label, field))
            for id_, label in self.after.labels.items()
            if (former := self.before.labels.get(id_)) is not None
            and getattr(former, field) != getattr(label, field)
        )

    def node_moves(self) -> tuple[NodeMove, ...]:
        found = []
        for then, now in self.there.items():
            former, present = self.before.parents.get(then, ()), self.after.parents.get(now, ())
            gained, lost = self._changed(former, present)
            if gained or lost:
                found.append(NodeMove(self.now([now])[0], gained, lost))
        return tuple(found)

    def _changed(
        self, former: Iterable[NodeId], present: Iterable[NodeId]
    ) -> tuple[tuple[NodeRef, ...], tuple[NodeRef, ...]]:
        present = tuple(present)
        stayed = {then for then in former if self.there.get(then) in present}
        lost = self.then(then for then in former if then not in stayed)
        kept = {self.there[then] for then in stayed}
        return self.now(now for now in present if now not in kept), lost

    def edits(self) -> tuple[NodeEdit, ...]:
        found = []
        for then, now in self.there.items():
            one, other = self.before.nodes[then], self.after.nodes[now]
            texts = {
                name: (getattr(one, name), getattr(other, name))
                for name in _TEXTS
                if getattr(one, name) != getattr(other, name)
            }
            if texts:
                found.append(NodeEdit(self.now([now])[0], self.then([then])[0], texts, other.label_id))
        return tuple(found)

    def departures(self) -> tuple[tuple[NodeMerge, ...], tuple[NodeRemoval, ...]]:
        """Sort the nodes that are gone into those whose content another node took, and the rest."""
        merged, removed = [], []
        for then in self.before.nodes:
            if then in self.there:
                continue
            heirs = self._heirs(then)
            parents = {self.there.get(parent) for parent in self.before.parents[then]}
            elsewhere = next((heir for heir in heirs if heir not in parents), None)
            node = self.then([then])[0]
            if elsewhere is not None:
                merged.append(NodeMerge(node, self.now([elsewhere])[0]))
            else:
                removed.append(NodeRemoval(node, self.now(heirs)))
        return tuple(merged), tuple(removed)

    def _heirs(self, gone: NodeId) -> list[NodeId]:
        """Return the nodes that were there before and gained most of what a node had, the most first."""
        gains: Counter[NodeId] = Counter()
        total = 0
        for child in self.before.children.get(gone, ()):
            total += 1
            former = {self.there.get(each) for each in self.before.parents[child]}
            gains.update(set(self.after.parents.get(self.there.get(child, gone), ())) - former - self.new)
        for label in self.before.labels_at.get(gone, ()):
            total += 1
            former = {self.there.get(each) for each in self.before.nodes_of[label]}
            gains.update(set(self.after.nodes_of.get(label, ())) - former - self.new)
        return [heir for heir, count in gains.most_common() if count > _HEIR_SHARE * total]

    def splits(self) -> tuple[NodeSplit, ...]:
        into: defaultdict[NodeId, dict[NodeId, None]] = defaultdict(dict)
        moved: Counter[NodeId] = Counter()
        for id_ in self.after.labels:
            former, present = self.before.nodes_of.get(id_, ()), self.after.nodes_of.get(id_, ())
            fresh = [node for node in present if node in self.new]
            for then in former if fresh else ():
                if self.there.get(then) in present:
                    continue
                near = [node for node in fresh if self._is_near(node, then)]
                into[then].update(dict.fromkeys(near))
                moved[then] += bool(near)
        return tuple(
            NodeSplit(
                self.now([self.there[then]])[0] if then in self.there else self.then([then])[0],
                self.now(nodes),
                moved[then],
                gone=then not in self.there,
            )
            for then, nodes in into.items()
            if len(nodes) > 1 or (nodes and self._keeps_some(then))
        )

    def _keeps_some(self, then: NodeId) -> bool:
        left = self.after.labels_at.get(self.there[then], ()) if then in self.there else ()
        return not set(left).isdisjoint(self.before.labels_at.get(then, ()))

    def _is_near(self, fresh: NodeId, then: NodeId) -> bool:
        """Say whether a new node is below a former one or, over new nodes only, below one of its parents."""
        wanted = {self.there.get(then), *(self.there.get(each) for each in self.before.parents.get(then, ()))}
        seen, waiting = {fresh}, [fresh]
        while waiting:
            for parent in self.after.parents[waiting.pop()]:
                if parent in wanted:
                    return True
                if parent in self.new and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False
