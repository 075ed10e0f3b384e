"""The tool `move_node`: put a node under another parent."""

from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.index_changes import NODE, as_tool_errors, call_schema


def move_node(index: Index, node: NodeId, to: NodeId, leaving: NodeId | None = None) -> Node:
    """Move a node, with everything below it, under another node; name the parent it leaves if it has several."""
    with as_tool_errors():
        index.move_node(node, to, leaving)
        return index.node(node)


def move_node_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {
        "node": {**NODE, "description": "The id of the node that moves."},
        "to": {**NODE, "description": "The id of its new parent."},
        "leaving": {**NODE, "description": "The id of the parent it leaves, where it has several."},
    }
    return ToolSpec("move_node", move_node.__doc__ or "", call_schema(properties, "node", "to"))
