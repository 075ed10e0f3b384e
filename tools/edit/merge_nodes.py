"""The tool `merge_nodes`: merge two nodes with the same meaning."""

from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.index_changes import NODE, as_tool_errors, call_schema


def merge_nodes(index: Index, keep: NodeId, away: NodeId) -> Node:
    """Merge two nodes: what is below and in one goes to the other, which keeps its place and its name."""
    with as_tool_errors():
        index.merge_nodes(keep, away)
        return index.node(keep)


def merge_nodes_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {
        "keep": {**NODE, "description": "The id of the node that stays."},
        "away": {**NODE, "description": "The id of the node that is removed."},
    }
    return ToolSpec("merge_nodes", merge_nodes.__doc__ or "", call_schema(properties, "keep", "away"))
