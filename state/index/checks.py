"""Validate a tree before it is loaded: no cycle, no orphan, no unknown or lost label."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Tree

TREE_ROOT = 0
_SHOWN = 5


def check_tree(tree: Tree, labels: Container[LabelId]) -> None:
    """Raise InputError or CycleError for the first fault of a tree to be loaded."""
    names = {node.key: node.name for node in tree.nodes}
    names.setdefault(TREE_ROOT, "root")
    _check_keys(tree, names)
    _check_labels(tree, labels)
    _check_shape(tree, names)


def check_nothing_lost(tree: Tree, labels: Iterable[LabelId]) -> None:
    """Raise InputError if a label of the index is not placed in the tree."""
    placed = {label for _, label in tree.placements}
    lost = [label for label in labels if label not in placed]
    if lost:
        raise InputError(
            f"the tree has no place for {len(lost)} of the index's labels: {_some(lost)}; "
            "place each label in at least one node, or load it with allow_unplaced=True"
        )


def _check_keys(tree: Tree, names: dict[int, str]) -> None:
    twice = [key for key, count in Counter(node.key for node in tree.nodes).items() if count > 1]
    if twice:
        raise InputError(f"the tree has two nodes with key {twice[0]!r}; give each node a unique key")
    unnamed = [key for key, name in names.items() if not name.strip()]
    if unnamed:
        raise InputError(f"node {unnamed[0]!r} of the tree has no name; give each node a name")
    used = {key for edge in tree.edges for key in edge} | {key for key, _ in tree.placements}
    unknown = sorted(used - names.keys())
    if unknown:
        raise InputError(f"the tree names node {unknown[0]!r}, which is not among its nodes; add it")
    again = [edge for edge, count in Counter(tree.edges).items() if count > 1]
    if again:
        raise InputError(f"the tree has the edge {again[0]!r} twice; give each edge once")


def _check_labels(tree: Tree, labels: Container[LabelId]) -> None:
    named = [node.label_id for node in tree.nodes if node.label_id is not None]
    named.extend(label for _, label in tree.placements)
    unknown = list(dict.fromkeys(label for label in named if label not in labels))
    if unknown:
        raise InputError(
            f"the tree names {len(unknown)} labels that the index does not have: {_some(unknown)}; "
            "add them first"
        )


def _check_shape(tree: Tree, names: dict[int, str]) -> None:
    parents: defaultdict[int, list[int]] = defaultdict(list)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for parent, child in tree.edges:
        parents[child].append(parent)
        children[parent].append(child)
    orphans = [key for key in names if key != TREE_ROOT and not parents[key]]
    if orphans:
        raise InputError(
            f"node {names[orphans[0]]!r} of the tree has no parent; put it under another node or the root"
        )
    open_parents = {key: len(parents[key]) for key in names}
    free = [key for key in names if not open_parents[key]]
    while free:
        for child in children[free.pop()]:
            open_parents[child] -= 1
            if not open_parents[child]:
                free.append(child)
    stuck = {key for key, count in open_parents.items() if count}
    if stuck:
        raise CycleError(_cycle(stuck, parents, names))


def _cycle(stuck: set[int], parents: defaultdict[int, list[int]], names: dict[int, str]) -> str:
    walk: list[int] = [next(iter(stuck))]
    while walk.count(walk[-1]) < 2:
        walk.append(next(parent for parent in parents[walk[-1]] if parent in stuck))
    circle = walk[walk.index(walk[-1]) :]
    way = " > ".join(repr(names[key]) for key in reversed(circle))
    return f"parents lead back to themselves: {way}; remove one of these edges"


def _some(labels: list[LabelId]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    return shown if len(labels) <= _SHOWN else f"{shown}, …"
