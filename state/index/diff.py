"""Compare two snapshots of the index: nodes added, removed, moved, merged, split, edited; labels moved."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.label_mappings import RENAMED, LabelMapping

LEAST_OVERLAP = 0.5
"""Minimum Jaccard overlap of the labels below two nodes for them to be matched."""


def match_nodes(before: Snapshot, after: Snapshot) -> dict[NodeId, NodeId]:
    """Match the nodes of `before` to those of `after`.

    Within one tree the ids match. Otherwise nodes match by a unique path of names; the rest greedily by the overlap
    of their labels, the largest first.
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
    """Yield pairs of nodes that share labels, by falling overlap."""
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
    """Return the wanted nodes that each label is in or below."""
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
    """A label with the nodes it was placed in and those it was removed from."""

    id: LabelId
    name: str
    gained: tuple[NodeRef, ...] = ()
    lost: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelEdit:
    """A label whose description or name changed; `name` is the current one."""

    id: LabelId
    name: str
    former: str
    present: str


@dataclass(frozen=True, slots=True)
class LabelNames:
    """A label with other alternative names than before; `name` is the current name."""

    id: LabelId
    name: str
    former: tuple[str, ...]
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelRetirement:
    """A label that was retired, with the nodes that it left and where its id goes."""

    id: LabelId
    name: str
    lost: tuple[NodeRef, ...]
    mapping: LabelMapping


@dataclass(frozen=True, slots=True)
class LabelReId:
    """A label that has another id now."""

    former: LabelId
    id: LabelId
    name: str


@dataclass(frozen=True, slots=True)
class NodeMove:
    """A node with the parents it gained and lost; `node` has its current path."""

    node: NodeRef
    gained: tuple[NodeRef, ...]
    lost: tuple[NodeRef, ...]


@dataclass(frozen=True, slots=True)
class NodeEdit:
    """A node whose texts changed, each with its former and current value; `label` is set if the node is a label."""

    node: NodeRef
    former: NodeRef
    texts: Mapping[str, tuple[object, object]]
    label: LabelId | None = None


@dataclass(frozen=True, slots=True)
class NodeRemoval:
    """A removed node, and the former parents that took its children and labels."""

    node: NodeRef
    heirs: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeMerge:
    """A removed node, and the existing node elsewhere that took most of its content."""

    node: NodeRef
    into: NodeRef


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """A node whose labels moved to several new nodes below or next to it, or partly to a new one.

    `labels` counts the labels that left it; `gone`: the node was removed.
    """

    node: NodeRef
    into: tuple[NodeRef, ...]
    labels: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class IndexDiff:
    """The changes from one event to another.

    Node ids are stable; those of `removed` nodes are their former ones. If the whole tree was `replaced`, its nodes
    have new ids: `matched` maps former nodes to new ones (by their path of names, or by the labels below them), and
    only differences between the two are listed. A merged node is not among the removed; a renamed one may also be
    among the moved.
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
    labels_retired: tuple[LabelRetirement, ...] = ()
    labels_restored: tuple[LabelChange, ...] = ()
    labels_reidentified: tuple[LabelReId, ...] = ()
    labels_called: tuple[LabelNames, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed, except perhaps ids."""
        labels = (self.labels_inserted, self.labels_gone, self.labels_moved)
        texts = (self.labels_described, self.labels_renamed, self.labels_called)
        status = (self.labels_retired, self.labels_restored, self.labels_reidentified)
        return not any(
            (
                *labels,
                *texts,
                *status,
                self.inserted,
                self.removed,
                self.moved,
                self.edited,
                self.merged,
                self.split,
            )
        )


def diff(before: Snapshot, after: Snapshot) -> IndexDiff:
    """Compare two snapshots, in either order of time."""
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
            if comparison.was(id_) not in before.labels and comparison.was(id_) not in before.retired
        ),
        labels_gone=tuple(
            LabelChange(id_, label.name, lost=comparison.then(before.nodes_of.get(id_, ())))
            for id_, label in before.labels.items()
            if comparison.is_now(id_) not in after.labels and comparison.is_now(id_) not in after.retired
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
        labels_retired=tuple(
            LabelRetirement(
                now,
                after.retired[now].name,
                comparison.then(before.nodes_of.get(id_, ())),
                after.mappings[now],
            )
            for id_ in before.labels
            if (now := comparison.is_now(id_)) in after.retired
        ),
        labels_restored=tuple(
            LabelChange(id_, label.name, gained=comparison.now(after.nodes_of.get(id_, ())))
            for id_, label in after.labels.items()
            if comparison.was(id_) in before.retired
        ),
        labels_reidentified=tuple(
            LabelReId(then, id_, (after.labels.get(id_) or after.retired[id_]).name)
            for then, id_ in comparison.other_ids.items()
        ),
        labels_called=tuple(
            LabelNames(id_, label.name, former.alternatives, label.alternatives)
            for id_, label in after.labels.items()
            if (former := before.labels.get(comparison.was(id_))) is not None
            and former.alternatives != label.alternatives
        ),
    )


class _Comparison:
    """Two snapshots with matched nodes. A matched node is identified by its id in `after`."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        self.there = match_nodes(before, after)
        self.new = set(after.nodes) - set(self.there.values())
        self.old = {now: then for then, now in self.there.items()}
        self.other_ids = _other_ids(before, after)
        self._former_ids = {now: then for then, now in self.other_ids.items()}

    def is_now(self, label: LabelId) -> LabelId:
        """Return the present id of a label of the former index."""
        return self.other_ids.get(label, label)

    def was(self, label: LabelId) -> LabelId:
        """Return the former id of a label of the present index."""
        return self._former_ids.get(label, label)

    def now(self, nodes: Iterable[NodeId]) -> tuple[NodeRef, ...]:
        return tuple(NodeRef(id_, self.after.path(id_)) for id_ in nodes)

    def then(self, nodes: Iterable[NodeId]) -> tuple[NodeRef, ...]:
        return tuple(NodeRef(id_, self.before.path(id_)) for id_ in nodes)

    def label_moves(self) -> tuple[LabelChange, ...]:
        found = []
        for id_, label in self.after.labels.items():
            then = self.was(id_)
            if then in self.before.labels:
                former, present = self.before.nodes_of.get(then, ()), self.after.nodes_of.get(id_, ())
                gained, lost = self._changed(former, present)
                if gained or lost:
                    found.append(LabelChange(id_, label.name, gained, lost))
        return tuple(found)

    def label_edits(self, field: Literal["name", "description"]) -> tuple[LabelEdit, ...]:
        return tuple(
            LabelEdit(id_, label.name, getattr(former, field), getattr(label, field))
            for id_, label in self.after.labels.items()
            if (former := self.before.labels.get(self.was(id_))) is not None
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
            if one.label_id is not None and self.is_now(one.label_id) == other.label_id:
                texts.pop("label_id", None)
            if texts:
                found.append(NodeEdit(self.now([now])[0], self.then([then])[0], texts, other.label_id))
        return tuple(found)

    def departures(self) -> tuple[tuple[NodeMerge, ...], tuple[NodeRemoval, ...]]:
        """Divide removed nodes into those merged into another node and the rest."""
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
        """Return the existing nodes that gained most of a removed node's content, largest share first."""
        gains: Counter[NodeId] = Counter()
        total = 0
        for child in self.before.children.get(gone, ()):
            total += 1
            former = {self.there.get(each) for each in self.before.parents[child]}
            gains.update(set(self.after.parents.get(self.there.get(child, gone), ())) - former - self.new)
        for label in self.before.labels_at.get(gone, ()):
            total += 1
            former = {self.there.get(each) for each in self.before.nodes_of[label]}
            gains.update(set(self.after.nodes_of.get(self.is_now(label), ())) - former - self.new)
        return [heir for heir, count in gains.most_common() if count > _HEIR_SHARE * total]

    def splits(self) -> tuple[NodeSplit, ...]:
        into: defaultdict[NodeId, dict[NodeId, None]] = defaultdict(dict)
        moved: Counter[NodeId] = Counter()
        for id_ in self.after.labels:
            former, present = self.before.nodes_of.get(self.was(id_), ()), self.after.nodes_of.get(id_, ())
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
        return not set(left).isdisjoint(map(self.is_now, self.before.labels_at.get(then, ())))

    def _is_near(self, fresh: NodeId, then: NodeId) -> bool:
        """Return whether a new node is below a former one or, through new nodes only, below one of its parents."""
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


def _other_ids(before: Snapshot, after: Snapshot) -> dict[LabelId, LabelId]:
    """Return the labels that have another id in `after`, former to present id, whichever of the two is later."""
    new = {old: each for old, each in after.mappings.items() if before.mappings.get(old) != each}
    gone = {old: each for old, each in before.mappings.items() if after.mappings.get(old) != each}
    pairs = {label: _followed(new, label) for label, each in new.items() if each.kind == RENAMED}
    pairs |= {_followed(gone, label): label for label, each in gone.items() if each.kind == RENAMED}
    there = {*before.labels, *before.retired}
    here = {*after.labels, *after.retired}
    return {then: now for then, now in pairs.items() if then != now and then in there and now in here}


def _followed(mappings: Mapping[LabelId, LabelMapping], label: LabelId) -> LabelId:
    seen: set[LabelId] = set()
    while label not in seen and label in mappings and mappings[label].kind == RENAMED:
        seen.add(label)
        label = mappings[label].new[0]
    return label
