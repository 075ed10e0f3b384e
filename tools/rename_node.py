"""The tool `rename_node`: give a node a better name."""

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import NodeId
from taxonaut.state.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.changing import NODE, call_schema, refusals_for_models
from taxonaut.tools.propose_category import LONGEST_NAME, folded


def rename_node(index: Index, node: NodeId, name: str) -> Node:
    """Give a node another name, one that tells it apart from its siblings."""
    clean = " ".join(name.split())
    if not clean:
        raise ToolError(f"a node was given the name {name!r}; give it one with letters")
    with refusals_for_models():
        if index.node(node).name == clean:
            raise ToolError(f"node {node!r} has the name {clean!r} already; nothing to rename")
        for parent in index.parents(node):
            for sibling in index.children(parent.id):
                if sibling.id != node and folded(sibling.name) == folded(clean):
                    raise ToolError(
                        f"{sibling.name!r} ({sibling.id}) stands beside it already; name what is different, "
                        "or merge the two"
                    )
        index.rename_node(node, clean)
        return index.node(node)


def rename_node_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {"node": NODE, "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}}
    return ToolSpec("rename_node", rename_node.__doc__ or "", call_schema(properties, "node", "name"))
