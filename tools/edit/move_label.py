"""The tool `move_label`: move a label to another node."""

from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec
from taxonaut.tools.support.index_changes import LABEL, NODE, as_tool_errors, call_schema


def move_label(index: Index, label: LabelId, to: NodeId, leaving: NodeId | None = None) -> list[Node]:
    """Move a label, with all below it, to another node; `leaving` is the node it leaves, if it is in several."""
    with as_tool_errors():
        index.move_label(label, to, leaving)
        return index.nodes(index.placements_of(label))


def move_label_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {"label": LABEL, "to": NODE, "leaving": NODE}
    return ToolSpec("move_label", move_label.__doc__ or "", call_schema(properties, "label", "to"))
