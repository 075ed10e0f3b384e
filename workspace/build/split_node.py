"""Split a node that holds too many labels into a subtree (XMC-Agent, algorithm 3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from taxonaut.state.errors import InputError, ModelReplyError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.builders import TreeBuilder, TreeSettings, builder
from taxonaut.workspace.core.core import Core


def split_size(labels: int, method: str = "kmeans") -> int:
    """Return the default terminal size to split a node with so many labels: half of them, at most 64."""
    return min(64, max(1 if method == "kmeans" else 2, labels // 2))


async def abuild_subtree(
    workspace: Core,
    node: NodeId,
    method: str = "kmeans",
    **settings: Unpack[TreeSettings],
) -> Tree:
    """Build a tree over the labels placed in a node, for `Index.graft`, without writing it.

    A label that the node itself represents stays in it (key 0). The tree has no nodes if the builder finds no split.
    Raises InputError for a node with fewer than two labels, ModelReplyError if a model left a request unanswered,
    and as the builder does.
    """
    build = builder(method, workspace.wiring, settings, workspace.runs)
    return await abuild_subtree_with(build, workspace.index, node)


async def abuild_subtree_with(
    build: TreeBuilder,
    index: Index,
    node: NodeId,
    added: Sequence[Label] = (),
) -> Tree:
    """Do what `abuild_subtree` does with a given builder; `added` are labels about to be placed in the node."""
    here = index.node(node)
    labels = [label for label in (*index.labels_at(node), *added) if label.id != here.label_id]
    if len(labels) < 2:
        raise InputError(
            f"node {here.name!r} ({node}) has {len(labels)} labels; nothing to split. "
            "Choose a node with at least two: taxonaut index show"
        )
    build = with_context(build, index, node)
    tree = await build.build(labels)
    if isinstance(build, AgentsTreeBuilder) and build.report.failed:
        raise ModelReplyError(
            f"node {here.name!r} ({node}) is not split, as a request got no usable answer: "
            f"{next(iter(build.report.failed.values()))} — run the same command again to ask for it"
        )
    if here.label_id is None or here.label_id not in index.labels_under([node])[node]:
        return tree
    return replace(tree, placements=((0, here.label_id), *tree.placements))


def with_context(build: TreeBuilder, index: Index, node: NodeId) -> TreeBuilder:
    """Show agents the node's path and siblings, so that they choose names that differ from those."""
    if not isinstance(build, AgentsTreeBuilder):
        return build
    way = index.node_paths([node])[node]
    above = way[-2] if len(way) > 1 else index.root()
    siblings = [] if not way else [each for each in index.children(above) if each.id != node]
    return build.for_node(
        [each.name for each in index.nodes(way)],
        [Centre(each.name, each.description) for each in siblings],
    )
