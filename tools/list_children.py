"""The tool `list_children`: list the branches and labels directly under a node."""

from dataclasses import dataclass
from typing import Any

from taxonaut.state.errors import NotFoundError, ToolError
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Node, ToolSpec


@dataclass(frozen=True, slots=True)
class Children:
    """A node with its branches and the labels placed in it."""

    node: NodeId
    branches: tuple[Node, ...]
    labels: tuple[Label, ...]


def list_children(index: Index, node: NodeId) -> Children:
    """List the branches under a node and the labels that stand in it. Start at the root to see the top level."""
    try:
        index.node(node)
    except NotFoundError as error:
        raise ToolError(f"{error}; call list_children with the id of a node you have seen") from None
    return Children(node, tuple(index.children(node)), tuple(index.labels_at(node)))


def list_children_spec(index: Index) -> ToolSpec:
    """Return the tool with a schema for this index: any node id, the root by default."""
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": {
            "node": {
                "type": "integer",
                "default": int(index.root()),
                "description": "The id of the node to look into.",
            }
        },
        "required": ["node"],
        "additionalProperties": False,
    }
    return ToolSpec("list_children", list_children.__doc__ or "", parameters)
