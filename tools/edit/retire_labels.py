"""The tool `retire_labels`: take labels out of the tree and out of all answers."""

from collections.abc import Sequence

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.label_mappings import LabelMapping
from taxonaut.state.records import ToolSpec
from taxonaut.tools.support.index_changes import LABELS, REASON, as_tool_errors, call_schema


def retire_labels(
    index: Index, labels: Sequence[LabelId], replaced_by: Sequence[LabelId] = (), reason: str = ""
) -> list[LabelMapping]:
    """Retire labels: they are answered no more. What is below them goes to their replacement or their parents."""
    with as_tool_errors():
        heirs = dict.fromkeys(labels, replaced_by) if replaced_by else {}
        index.retire_labels(labels, replaced_by=heirs, reason=reason)
        return [mapping for label in labels if (mapping := index.mapping_of(label)) is not None]


def retire_labels_spec() -> ToolSpec:
    """Return the tool with its schema."""
    heirs = {"type": "array", "items": {"type": "string"}, "description": "The ids of what replaces them."}
    properties = {"labels": LABELS, "replaced_by": heirs, "reason": REASON}
    return ToolSpec("retire_labels", retire_labels.__doc__ or "", call_schema(properties, "labels"))
