"""The tool `restore_labels`: bring retired labels back."""

from collections.abc import Sequence

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, ToolSpec
from taxonaut.tools.support.index_changes import LABELS, as_tool_errors, call_schema


def restore_labels(index: Index, labels: Sequence[LabelId]) -> list[Label]:
    """Restore retired labels where they stood, as far as that is still there."""
    with as_tool_errors():
        index.restore_labels(labels)
        return index.labels(labels)


def restore_labels_spec() -> ToolSpec:
    """Return the tool with its schema."""
    return ToolSpec("restore_labels", restore_labels.__doc__ or "", call_schema({"labels": LABELS}, "labels"))
