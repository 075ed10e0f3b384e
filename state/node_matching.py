"""Which node of one tree is which of another, where a tree was loaded in the place of another."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.shape import ROOT
from taxonaut.state.snapshot import Snapshot

LEAST_OVERLAP = 0.5
"""Two nodes are one if they share at least this part of the labels that are below either (Jaccard)."""


def matched(before: Snapshot, after: Snapshot) -> dict[NodeId, NodeId]:
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
