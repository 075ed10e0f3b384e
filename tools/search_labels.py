"""The tool `search_labels`: find labels by words of their names, descriptions and ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec

MOST = 50
"""Maximum hits of one search."""


@dataclass(frozen=True, slots=True)
class LabelHit:
    """A label that matches, with all its paths."""

    label_id: LabelId
    name: str
    paths: Sequence[tuple[str, ...]]


def search_labels(index: Index, query: str, limit: int = 10) -> list[LabelHit]:
    """Find labels by words of their names, alternative names, ids and descriptions, the closest name first."""
    if not query.strip():
        raise ToolError("the query is empty; give one or more words of a label")
    if not 1 <= limit <= MOST:
        raise ToolError(f"limit is {limit!r}; it may be 1 to {MOST}")
    labels = index.search(query, limit)
    paths = index.paths_of([label.id for label in labels])
    return [LabelHit(label.id, label.name, tuple(paths.get(label.id, ()))) for label in labels]


def search_labels_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties: dict[str, Any] = {
        "query": {"type": "string", "minLength": 1, "maxLength": 200},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 10},
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": ["query"],
        "additionalProperties": False,
    }
    return ToolSpec("search_labels", search_labels.__doc__ or "", parameters)
