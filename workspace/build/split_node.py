"""Give a node that holds too many labels a sub-tree of its own (the split of XMC-Agent, algorithm 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.builders import builder
from taxonaut.workspace.build.tree_builder import TreeBuilder
from taxonaut.workspace.core.core import Core


def split_size(labels: int, method: str = "kmeans") -> int:
    """Return the most labels of a terminal when a node with so many is divided: half of them, at most 64."""
    return min(64, max(1 if method == "kmeans" else 2, labels // 2))


async def asubtree(
    workspace: Core,
    node: NodeId,
    method: str = "kmeans",
    settings: Mapping[str, Any] | None = None,
) -> Tree:
    """Build a tree over the labels placed in a node, for `Index.graft`; nothing is written.

    A label that the node itself is stays in it (key 0). The tree has no nodes where the builder finds nothing
    to divide. Raises InputError for a node with fewer than two labels, and as the builder does.
    """
    build = builder(method, workspace.wiring, settings or {}, workspace.runs)
    return await asubtree_by(build, workspace.index, node)


async def asubtree_by(
    build: TreeBuilder,
    index: Index,
    node: NodeId,
    added: Sequence[Label] = (),
) -> Tree:
    """Do what `asubtree` does with a builder that is made already; `added` will be placed in the node before."""
    here = index.node(node)
    labels = [label for label in (*index.labels_at(node), *added) if label.id != here.label_id]
    if len(labels) < 2:
        raise InputError(
            f"node {here.name!r} ({node}) has {len(labels)} labels in it; there is nothing to divide. "
            "Split a node that holds at least two: taxonaut index show"
        )
    tree = await placed(build, index, node).build(labels)
    if here.label_id is None or here.label_id not in index.labels_under([node])[node]:
        return tree
    return replace(tree, placements=((0, here.label_id), *tree.placements))


def placed(build: TreeBuilder, index: Index, node: NodeId) -> TreeBuilder:
    """Tell agents where the node stands, so that the names they give differ from those around it."""
    if not isinstance(build, AgentsTreeBuilder):
        return build
    way = index.node_paths([node])[node]
    above = way[-2] if len(way) > 1 else index.root()
    beside = [] if not way else [each for each in index.children(above) if each.id != node]
    return build.within(
        [each.name for each in index.nodes(way)],
        [Centre(each.name, each.description) for each in beside],
    )


async def asplit_node(
    workspace: Core,
    node: NodeId,
    method: str = "kmeans",
    settings: Mapping[str, Any] | None = None,
) -> Tree:
    """Put the labels placed in a node into a sub-tree below it; one event. Returns the sub-tree.

    Where the builder finds nothing to divide, the tree returned has no nodes and nothing is written.
    """
    tree = await asubtree(workspace, node, method, settings)
    if any(each.key for each in tree.nodes):
        workspace.index.graft(node, tree)
    return tree
