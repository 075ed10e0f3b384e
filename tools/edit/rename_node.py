"""The tool `rename_node`: rename a node, and its label if it is one."""

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.index_changes import (
    NODE,
    as_tool_errors,
    call_schema,
    check_name_is_free,
    checked_name,
)
from taxonaut.tools.write.propose_category import LONGEST_NAME


def rename_node(index: Index, node: NodeId, name: str) -> Node:
    """Give a node another name, one that tells it apart from its siblings."""
    clean = checked_name("node", name)
    with as_tool_errors():
        former = index.node(node)
        label = former.label_id
        if former.name == clean and (label is None or index.label(label).name == clean):
            raise ToolError(f"node {node!r} has the name {clean!r} already; nothing to rename")
        nodes = [node] if label is None else [node, *_twins(index, former, label)]
        for each in nodes:
            check_name_is_free(index, [parent.id for parent in index.parents(each)], clean, nodes, label)
        with index.change():
            for each in nodes:
                if index.node(each).name != clean:
                    index.rename_node(each, clean)
            if label is not None:
                index.rename_labels({label: clean})
        return index.node(node)


def _twins(index: Index, node: Node, label: LabelId) -> list[NodeId]:
    """Return the other nodes of the same label and name: one category in several places."""
    there = index.nodes(index.placements_of(label))
    return [
        each.id for each in there if each.id != node.id and each.label_id == label and each.name == node.name
    ]


def rename_node_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {"node": NODE, "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}}
    return ToolSpec("rename_node", rename_node.__doc__ or "", call_schema(properties, "node", "name"))
