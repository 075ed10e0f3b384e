"""The tool `rank_candidates`: rank a shortlist of labels (XMC-Agent 2.1, second stage)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.state.errors import NotFoundError, ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec
from taxonaut.tools.support.offers import choice_schema

FIELD = "labels"


@dataclass(frozen=True, slots=True)
class RankedLabel:
    """A ranked label with its shortest path, names from the top down."""

    rank: int
    label_id: LabelId
    name: str
    path: tuple[str, ...]


def rank_candidates(index: Index, labels: Sequence[LabelId]) -> list[RankedLabel]:
    """Choose the labels that fit the text from the candidates, best first; leave out those that do not fit."""
    if len(set(labels)) != len(labels):
        raise ToolError("a label stands twice in the ranking; name each once")
    try:
        found = index.labels(labels)
        paths = index.paths_of(labels)
    except NotFoundError as error:
        raise ToolError(f"{error}; rank only candidates that are on offer") from None
    return [
        RankedLabel(rank, label.id, label.name, paths[label.id][0] if paths.get(label.id) else (label.name,))
        for rank, label in enumerate(found, start=1)
    ]


def rank_candidates_spec(count: int, most: int) -> ToolSpec:
    """Return the tool with a schema for one shortlist: numbers 1 to `count`, at most `most` of them."""
    schema = choice_schema(FIELD, count, most, "the labels that fit")
    return ToolSpec("rank_candidates", rank_candidates.__doc__ or "", schema)
