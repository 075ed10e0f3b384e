"""Read a vocabulary: descriptors in preorder, the items' taggings, and the groups of its build."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from taxonaut.graphs.build_vocabulary import failed_unit
from taxonaut.state.descriptors import RefinedGroup, Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import VOCABULARY, Node
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.core.core import Core

KIND = "vocabulary"
"""The kind of the runs that build a vocabulary."""

MADE = "made"
"""The unit of such a run with the origin of each node: {node id: [group's unit, number of the centre]}."""


FAILED = "failed"
"""The unit of such a run with the groups that lacked an answer when the vocabulary was written: {key: error}."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A node of the vocabulary. `level` counts from 1; `path` are the names from level 1 down to its own."""

    id: NodeId
    parent: NodeId
    level: int
    path: tuple[str, ...]
    node: Node


@dataclass(frozen=True)
class Vocabulary:
    """All descriptors in preorder, and the items' taggings.

    Taggings contain only existing descriptors; a path ends before one that was removed or moved by the user.
    """

    root: NodeId
    descriptors: Sequence[Descriptor]
    taggings: Sequence[Tagging]

    @cached_property
    def by_id(self) -> Mapping[NodeId, Descriptor]:
        """Every descriptor by its node."""
        return {descriptor.id: descriptor for descriptor in self.descriptors}

    @cached_property
    def children(self) -> Mapping[NodeId, Sequence[Descriptor]]:
        """The child descriptors of each node that has any, including the root."""
        found: dict[NodeId, list[Descriptor]] = {}
        for descriptor in self.descriptors:
            found.setdefault(descriptor.parent, []).append(descriptor)
        return found

    @cached_property
    def items_at(self) -> Mapping[NodeId, int]:
        """The number of items with each descriptor on their best path."""
        return Counter(node for tagging in self.taggings for node in tagging.path)

    @property
    def depth(self) -> int:
        """The deepest level."""
        return max((descriptor.level for descriptor in self.descriptors), default=0)


def read_vocabulary(workspace: Core) -> Vocabulary:
    """Read the workspace's vocabulary. Raises InputError if it has none."""
    check_vocabulary(workspace)
    root = workspace.index.root()
    children = read_children(workspace.index)
    edges = {(parent, node.id) for parent, nodes in children.items() for node in nodes}
    taggings = [
        prune_tagging(tagging, root, edges, children) for tagging in Taggings(workspace.database).all()
    ]
    return Vocabulary(root, preorder(root, children), taggings)


def read_children(index: Index) -> dict[NodeId, list[Node]]:
    """Return the children of every node, level by level."""
    found: dict[NodeId, list[Node]] = {}
    level = [index.root()]
    while level:
        found |= index.children_of(level)
        below = dict.fromkeys(node.id for parent in level for node in found[parent])
        level = [node for node in below if node not in found]
    return found


def preorder(root: NodeId, children: Mapping[NodeId, Sequence[Node]]) -> list[Descriptor]:
    """Return all nodes as descriptors in preorder; a node with several parents occurs once, at its highest level."""
    below: dict[NodeId, list[Descriptor]] = {}
    level: list[tuple[NodeId, int, tuple[str, ...]]] = [(root, 0, ())]
    seen = {root}
    while level:
        made = []
        for parent, depth, path in level:
            for node in children[parent]:
                if node.id not in seen:
                    seen.add(node.id)
                    made.append(Descriptor(node.id, parent, depth + 1, (*path, node.name), node))
        for each in made:
            below.setdefault(each.parent, []).append(each)
        level = [(each.id, each.level, each.path) for each in made]
    ordered: list[Descriptor] = []
    stack = below.get(root, [])[::-1]
    while stack:
        ordered.append(stack.pop())
        stack += below.get(ordered[-1].id, [])[::-1]
    return ordered


def check_vocabulary(workspace: Core) -> None:
    """Raise InputError if the workspace has no vocabulary."""
    if workspace.index.tree_method() != VOCABULARY:
        raise InputError(
            f"{str(workspace.folder)!r} has no vocabulary yet; build one: taxonaut vocabulary build ITEMS"
        )


def prune_tagging(
    tagging: Tagging, root: NodeId, edges: Set[tuple[NodeId, NodeId]], known: Container[NodeId]
) -> Tagging:
    """Remove descriptors that no longer exist; the path ends before the first that was removed or moved."""
    steps = zip((root, *tagging.path), tagging.path, strict=False)
    whole = next((at for at, step in enumerate(steps) if step not in edges), len(tagging.path))
    if whole == len(tagging.path) and all(node in known for node in tagging.others):
        return tagging
    others = tuple(node for node in tagging.others if node in known)
    return Tagging(tagging.item_id, tagging.path[:whole], others, tagging.error)


@dataclass(frozen=True, slots=True)
class Group:
    """The build's division of one node's items (the root's: all items) into descriptors.

    `level` is that of the descriptors; `nodes` are theirs, None for one that no longer exists.
    """

    node: NodeId
    level: int
    refined: RefinedGroup
    nodes: tuple[NodeId | None, ...]


def read_history(workspace: Core) -> list[Group]:
    """Return all groups of the vocabulary's build, top down; none if it was imported or made by hand."""
    check_vocabulary(workspace)
    run = workspace.index.tree_settings().get("run")
    if run is None:
        return []
    made = workspace.runs.finished(RunId(run), [MADE]).get(MADE, {})
    keys = list(dict.fromkeys(key for key, _ in made.values()))
    units = workspace.runs.finished(RunId(run), [*keys, *map(failed_unit, keys)])
    nodes: dict[str, dict[int, NodeId]] = {}
    for node, (key, number) in made.items():
        nodes.setdefault(key, {})[number] = NodeId(int(node))
    above = {key: parent_of_key(key, nodes, workspace.index.root()) for key in keys}
    groups = []
    for key in sorted(keys, key=lambda key: (key.count("."), len(key), key)):
        refined = RefinedGroup.from_row(units[key] if key in units else units[failed_unit(key)])
        numbered = tuple(nodes[key].get(number) for number in range(len(refined.centres)))
        groups.append(Group(above[key], level_of_key(key), refined, numbered))
    return groups


def level_of_key(key: str) -> int:
    """Return the level of the descriptors of a group's key: 1 for "", 2 for "3", 3 for "3.0"."""
    return key.count(".") + 2 if key else 1


def parent_of_key(key: str, nodes: Mapping[str, Mapping[int, NodeId]], root: NodeId) -> NodeId:
    """Return the node whose items a group divides, from its key."""
    if not key:
        return root
    above, _, number = key.rpartition(".")
    return nodes[above][int(number)]


def items_with(vocabulary: Vocabulary, node: NodeId) -> list[ItemId]:
    """Return the items with a descriptor on their best path."""
    return [tagging.item_id for tagging in vocabulary.taggings if node in tagging.path]
