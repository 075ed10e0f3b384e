"""An immutable copy of the whole tree after one event."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.label_mappings import LabelMapping
from taxonaut.state.records import Label, Node

Relation = Mapping[NodeId, tuple[NodeId, ...]]


@dataclass(frozen=True)
class Snapshot:
    """The tree after event `version`: nodes, (parent, child) edges, (node, label) placements.

    `nodes` begins with the root; edges and placements are in insertion order. `tree` numbers the loaded trees,
    `method` names the builder of this one. `labels` are those that are not retired; `mappings` say where the
    ids of the others, and former ids, went.
    """

    version: EventId
    tree: int
    method: str
    nodes: Mapping[NodeId, Node]
    labels: Mapping[LabelId, Label]
    edges: tuple[tuple[NodeId, NodeId], ...]
    placements: tuple[tuple[NodeId, LabelId], ...]
    retired: Mapping[LabelId, Label] = field(default_factory=dict)
    mappings: Mapping[LabelId, LabelMapping] = field(default_factory=dict)

    @cached_property
    def children(self) -> Relation:
        """The children of each inner node."""
        below: defaultdict[NodeId, list[NodeId]] = defaultdict(list)
        for parent, child in self.edges:
            below[parent].append(child)
        return {node: tuple(nodes) for node, nodes in below.items()}

    @cached_property
    def parents(self) -> Relation:
        """The parents of each node but the root."""
        above: defaultdict[NodeId, list[NodeId]] = defaultdict(list)
        for parent, child in self.edges:
            above[child].append(parent)
        return {node: tuple(nodes) for node, nodes in above.items()}

    @cached_property
    def labels_at(self) -> Mapping[NodeId, tuple[LabelId, ...]]:
        """The labels placed in each node that has any."""
        found: defaultdict[NodeId, list[LabelId]] = defaultdict(list)
        for node, label in self.placements:
            found[node].append(label)
        return {node: tuple(labels) for node, labels in found.items()}

    @cached_property
    def nodes_of(self) -> Mapping[LabelId, tuple[NodeId, ...]]:
        """The nodes that each placed label is in."""
        found: defaultdict[LabelId, list[NodeId]] = defaultdict(list)
        for node, label in self.placements:
            found[label].append(node)
        return {label: tuple(nodes) for label, nodes in found.items()}

    @cached_property
    def _up(self) -> Mapping[NodeId, NodeId]:
        """The parent of each node but the root on a shortest path."""
        up: dict[NodeId, NodeId] = {}
        level = [NodeId(ROOT)]
        while level:
            below: list[NodeId] = []
            for node in level:
                for child in self.children.get(node, ()):
                    if child not in up:
                        up[child] = node
                        below.append(child)
            level = below
        return up

    def downwards(self) -> list[NodeId]:
        """Return all nodes in topological order."""
        waiting = {node: len(parents) for node, parents in self.parents.items()}
        order = [NodeId(ROOT)]
        for node in order:
            for child in self.children.get(node, ()):
                waiting[child] -= 1
                if not waiting[child]:
                    order.append(child)
        return order

    def path(self, node: NodeId) -> tuple[str, ...]:
        """Return the names of one shortest path to a node, without the root, its own name last."""
        names: list[str] = []
        while node != ROOT:
            names.append(self.nodes[node].name)
            node = self._up[node]
        return tuple(reversed(names))
