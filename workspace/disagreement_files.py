"""Disagreements of the two experts as rows of a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from taxonaut.workspace.disagreements import Disagreement
from taxonaut.workspace.result_files import Shape
from taxonaut.workspace.tables import cleaned

PARQUET_COLUMNS = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "confidence": "DOUBLE",
    "domain": "VARCHAR",
    "domain_path": "VARCHAR[]",
    "domain_reason": "VARCHAR",
    "general": "VARCHAR",
    "general_path": "VARCHAR[]",
    "general_reason": "VARCHAR",
    "gold": "VARCHAR[]",
    "gold_paths": "VARCHAR[][]",
    "right": "VARCHAR",
}
CSV_COLUMNS = tuple(PARQUET_COLUMNS)
LISTS = " | "
"""Between the gold labels of an item in a cell."""


def disagreement_row(found: Disagreement) -> dict[str, Any]:
    """Make a disagreement's JSON object; `general` is null where that expert found that no candidate fits."""
    row = found.row
    return {
        "id": cleaned(row.item.id),
        "text": cleaned(row.item.text),
        "confidence": row.recommended.confidence,
        "domain": cleaned(row.recommended.labels[0]),
        "domain_path": [cleaned(step) for step in found.domain],
        "domain_reason": cleaned(found.domain_reason),
        "general": None if row.general is None else cleaned(row.general),
        "general_path": None if found.general is None else [cleaned(step) for step in found.general],
        "general_reason": cleaned(found.general_reason),
        "gold": [cleaned(label) for label in row.gold],
        "gold_paths": [[cleaned(step) for step in path] for path in found.gold],
        "right": found.right,
    }


def disagreement_cells(found: Disagreement, path_separator: str) -> Iterator[Sequence[object]]:
    """Make a disagreement's line of CSV."""
    row = disagreement_row(found)
    row["domain_path"] = path_separator.join(row["domain_path"])
    row["general_path"] = path_separator.join(row["general_path"] or ())
    row["gold"] = LISTS.join(row["gold"])
    row["gold_paths"] = LISTS.join(path_separator.join(path) for path in row["gold_paths"])
    yield [row[column] for column in CSV_COLUMNS]


DISAGREEMENT = Shape(CSV_COLUMNS, PARQUET_COLUMNS, disagreement_row, disagreement_cells)
"""What `taxonaut expert disagreements` writes."""
