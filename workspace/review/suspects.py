"""Items that a person should look at, as the queue and the tables have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.state.records import Item
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.tables import clean_text

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A label that may be right, with its path and its probability, None where nobody knows it."""

    label: LabelId
    path: Path
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """An item to look at. `given` are its labels with their `given_paths`, none for an item without labels.

    `score` (0 to 1) says how likely its labels are wrong, or how much labelling it gains. `reasons` are sentences;
    `evidence` the figures behind them. `suggestions` come the likeliest first, none of them given.
    """

    item: Item
    given: tuple[LabelId, ...]
    given_paths: tuple[Path, ...]
    suggestions: tuple[Suggestion, ...]
    score: float
    reasons: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)


DECISION = "decision"
"""The column of a table that is filled in and handed back: keep, none, undecided, or the right label."""

COLUMNS = (
    Column("text", "VARCHAR"),
    Column("score", "DOUBLE"),
    Column("given", "VARCHAR[]", "texts"),
    Column("given_path", "VARCHAR[][]", "paths"),
    Column("suggested", "VARCHAR"),
    Column("suggested_path", "VARCHAR[]", "path"),
    Column("reasons", "VARCHAR[]", "texts"),
    Column("evidence", "VARCHAR"),
    Column(DECISION, "VARCHAR"),
)


def suspect_row(found: Suspect) -> dict[str, Any]:
    """Return an item's JSON object; `suggestions` are all of them, `suggested` the first."""
    first = found.suggestions[0] if found.suggestions else None
    return {
        "id": clean_text(found.item.id),
        "text": clean_text(found.item.text),
        "score": round(found.score, 4),
        "given": [clean_text(label) for label in found.given],
        "given_path": [list(map(clean_text, path)) for path in found.given_paths],
        "suggested": None if first is None else clean_text(first.label),
        "suggested_path": None if first is None else list(map(clean_text, first.path)),
        "suggestions": [
            {"label": clean_text(each.label), "path": list(each.path), "probability": each.probability}
            for each in found.suggestions
        ],
        "reasons": list(map(clean_text, found.reasons)),
        "evidence": dict(found.evidence),
        DECISION: None,
    }


def suspect_cells(found: Suspect) -> list[object]:
    """Return an item's row of a table."""
    row = suspect_row(found)
    row["evidence"] = "; ".join(f"{name}: {value}" for name, value in found.evidence.items())
    return [row[column.name] for column in COLUMNS]


SUSPECT = RowFormat(
    [column.name for column in COLUMNS] + ["suggestions"], suspect_row, COLUMNS, suspect_cells
)
"""The output format of `review errors` and `review next`."""


def paths_by_label(index: IndexReader, labels: Sequence[LabelId]) -> dict[LabelId, Path]:
    """Return the first path of each label; its name where it is in no tree, its id where it is unknown."""
    known = sorted(set(index.label_ids()).intersection(labels))
    names = {label.id: label.name for label in index.labels(known)}
    paths = index.paths_of(known)
    return {label: tuple((paths.get(label) or [(names.get(label, label),)])[0]) for label in labels}
