"""The tool `remove_node`: remove a node and move its content to its parents."""

from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.index_changes import NODE, as_tool_errors, call_schema


def remove_node(index: Index, node: NodeId) -> list[Node]:
    """Remove a node; the nodes below it and the labels in it go to its parents, so that nothing is lost."""
    with as_tool_errors():
        parents = index.parents(node)
        index.dissolve_node(node)
        return index.nodes([parent.id for parent in parents])


def remove_node_spec() -> ToolSpec:
    """Return the tool with its schema."""
    return ToolSpec("remove_node", remove_node.__doc__ or "", call_schema({"node": NODE}, "node"))
