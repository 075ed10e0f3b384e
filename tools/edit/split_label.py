"""The tool `split_label`: split a label into several."""

from collections.abc import Sequence
from typing import Any

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, ToolSpec
from taxonaut.tools.support.index_changes import LABEL, REASON, as_tool_errors, call_schema
from taxonaut.tools.write.propose_category import LONGEST_NAME


def split_label(index: Index, label: LabelId, parts: Sequence[Label], reason: str = "") -> list[Label]:
    """Split a label into several, which go where it stood; it is retired, and its gold labels are ambiguous."""
    with as_tool_errors():
        index.split_label(label, parts, reason=reason)
        return index.labels([part.id for part in parts])


def split_label_spec() -> ToolSpec:
    """Return the tool with its schema."""
    part: dict[str, Any] = call_schema(
        {
            "id": {"type": "string", "minLength": 1, "description": "Its id; that of a label stands for it."},
            "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "description": {"type": "string", "description": "One sentence: what belongs here."},
        },
        "id",
        "name",
    )
    properties = {
        "label": LABEL,
        "parts": {"type": "array", "items": part, "minItems": 2},
        "reason": REASON,
    }
    return ToolSpec("split_label", split_label.__doc__ or "", call_schema(properties, "label", "parts"))
