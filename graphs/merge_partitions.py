"""Merge the splits of a build into one tree (Merge, XMC-Agent algorithm 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.state.graph_states.build_index import OTHER, Centre, Partition, Split
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Tree, TreeNode

METHOD = "agents"


@dataclass(slots=True)
class Subtree:
    """A tree under construction: its successors and the labels placed in its root."""

    successors: list[tuple[Centre, "Subtree", tuple[LabelId, ...]]] = field(default_factory=list)
    labels: list[LabelId] = field(default_factory=list)


def merge_splits(splits: Mapping[str, Split], labels: Sequence[LabelId]) -> Subtree:
    """Merge all partitions, top-down from that of all labels."""
    return merge_partition(Partition("", (), tuple(labels)), splits)


def merge_partition(partition: Partition, splits: Mapping[str, Split]) -> Subtree:
    """Merge a partition's subtrees; successors and labels of *other* move up to the partition itself."""
    split = splits.get(partition.key, Split())
    if not split.centres:
        return Subtree(labels=list(partition.labels))
    whole = Subtree()
    for number, (centre, members) in enumerate(zip(split.centres, split.members, strict=True)):
        below = merge_partition(Partition(partition.child(number), (), members), splits)
        whole.successors.append((centre, below, members))
    if split.other:
        rest = merge_partition(Partition(partition.child(OTHER), (), split.other), splits)
        whole.successors += rest.successors
        whole.labels += rest.labels
    return whole


def list_nodes(part: Subtree) -> list[tuple[Centre, tuple[LabelId, ...]]]:
    """Return each node's centre and all labels below it, in the order of `build_tree`."""
    found: list[tuple[Centre, tuple[LabelId, ...]]] = []
    waiting = [part]
    while waiting:
        level, waiting = waiting, []
        for above in level:
            for centre, below, labels in above.successors:
                found.append((centre, labels))
                waiting.append(below)
    return found


def build_tree(
    part: Subtree, examples: Sequence[Sequence[str]], settings: Mapping[str, Any] | None = None
) -> Tree:
    """Return the tree, numbered level by level; `examples` are the example names of each node (`list_nodes`)."""
    nodes: list[TreeNode] = []
    edges: list[tuple[int, int]] = []
    placements = [(0, label) for label in part.labels]
    waiting = [(0, part)]
    while waiting:
        level, waiting = waiting, []
        for key, above in level:
            for centre, below, _ in above.successors:
                number = len(nodes) + 1
                nodes.append(
                    TreeNode(number, centre.name, centre.description, examples=tuple(examples[number - 1]))
                )
                edges.append((key, number))
                placements += [(number, label) for label in below.labels]
                waiting.append((number, below))
    return Tree(METHOD, tuple(nodes), tuple(edges), tuple(dict.fromkeys(placements)), dict(settings or {}))
