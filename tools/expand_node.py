"""The tool `expand_node`: open branches of a node during a walk (XMC-Agent, 2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.state.errors import NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.offers import choice_schema

FIELD = "branches"


@dataclass(frozen=True, slots=True)
class Expansion:
    """An opened node: its branches, and the ids of the labels placed in it."""

    node: NodeId
    branches: tuple[Node, ...]
    labels: tuple[LabelId, ...]

    @property
    def is_terminal(self) -> bool:
        """Whether the walk ends here (a terminal index in the paper)."""
        return not self.branches


def expand_node(index: Index, nodes: Sequence[NodeId]) -> list[Expansion]:
    """Open the branches under which a label that fits the text may lie, the likeliest first."""
    try:
        index.nodes(nodes)
    except NotFoundError as error:
        raise ToolError(f"{error}; open only branches that are on offer") from None
    branches = index.children_of(nodes)
    labels = index.labels_under(nodes)
    return [Expansion(node, tuple(branches.get(node, ())), tuple(labels.get(node, ()))) for node in nodes]


def expand_node_spec(count: int, most: int) -> ToolSpec:
    """Return the tool with a schema for one node: numbers 1 to `count`, at most `most` of them."""
    schema = choice_schema(FIELD, count, most, "the branches to open")
    return ToolSpec("expand_node", expand_node.__doc__ or "", schema)
