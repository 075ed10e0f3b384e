"""The tool `merge_labels`: merge labels into one."""

from collections.abc import Sequence

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, ToolSpec
from taxonaut.tools.support.index_changes import LABEL, LABELS, REASON, as_tool_errors, call_schema


def merge_labels(index: Index, keep: LabelId, away: Sequence[LabelId], reason: str = "") -> Label:
    """Merge labels into one, which takes their names, their places and what is below them; the others are retired."""
    with as_tool_errors():
        index.merge_labels(keep, away, reason=reason)
        return index.label(keep)


def merge_labels_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties = {"keep": LABEL, "away": LABELS, "reason": REASON}
    return ToolSpec("merge_labels", merge_labels.__doc__ or "", call_schema(properties, "keep", "away"))
