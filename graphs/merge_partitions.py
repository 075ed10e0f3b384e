"""Put the splits of a build together as one tree (Merge, XMC-Agent algorithm 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.state.graph_states.build_index import OTHER, Centre, Partition, Split
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Tree, TreeNode

METHOD = "agents"


@dataclass(slots=True)
class Part:
    """An index under construction: its successors, and the labels that lie in it itself."""

    successors: list[tuple[Centre, "Part", tuple[LabelId, ...]]] = field(default_factory=list)
    labels: list[LabelId] = field(default_factory=list)


def merged(splits: Mapping[str, Split], labels: Sequence[LabelId]) -> Part:
    """Put all partitions together from the one of all labels down."""
    return part_of(Partition("", (), tuple(labels)), splits)


def part_of(partition: Partition, splits: Mapping[str, Split]) -> Part:
    """Merge a partition's sub-indices; the successors of *other*, and its labels, go to the partition itself."""
    split = splits.get(partition.key, Split())
    if not split.centres:
        return Part(labels=list(partition.labels))
    whole = Part()
    for number, (centre, members) in enumerate(zip(split.centres, split.members, strict=True)):
        below = part_of(Partition(partition.child(number), (), members), splits)
        whole.successors.append((centre, below, members))
    if split.other:
        rest = part_of(Partition(partition.child(OTHER), (), split.other), splits)
        whole.successors += rest.successors
        whole.labels += rest.labels
    return whole


def nodes_of(part: Part) -> list[tuple[Centre, tuple[LabelId, ...]]]:
    """Return each node's centre and all labels below it, in the order in which `tree_of` numbers them."""
    found: list[tuple[Centre, tuple[LabelId, ...]]] = []
    waiting = [part]
    while waiting:
        level, waiting = waiting, []
        for above in level:
            for centre, below, labels in above.successors:
                found.append((centre, labels))
                waiting.append(below)
    return found


def tree_of(part: Part, examples: Sequence[Sequence[str]], settings: Mapping[str, Any] | None = None) -> Tree:
    """Write the index as a tree, level by level; `examples` are the names kept with each node (`nodes_of`)."""
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
