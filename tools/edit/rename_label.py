"""Rename a label, and its node if it is one."""

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.tools.edit.rename_node import rename_node
from taxonaut.tools.support.index_changes import as_tool_errors, check_name_is_free, checked_name


def rename_label(index: Index, label: LabelId, name: str) -> Label:
    """Rename a label; the name must differ from its siblings'. A label that is a node is renamed as a node."""
    clean = checked_name("label", name)
    with as_tool_errors():
        there = index.nodes(index.placements_of(label))
        own = next((node.id for node in there if node.label_id == label), None)
        if own is not None:
            rename_node(index, own, clean)
        elif index.label(label).name == clean:
            raise ToolError(f"label {label!r} has the name {clean!r} already; nothing to rename")
        else:
            check_name_is_free(index, [node.id for node in there], clean, (), label)
            index.rename_labels({label: clean})
        return index.label(label)
