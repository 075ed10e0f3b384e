"""Output rows of `categorize`: category, confidence of the domain expert, who decided and why."""

from typing import Any

from taxonaut.state.recommendations import Categorized
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.tables import clean_text

JSON_NAMES = ("label_id", "name", "path", "confidence", "verdict", "reason", "error", "candidates")
COLUMNS = (
    Column("label", "VARCHAR"),
    Column("label_id", "VARCHAR"),
    Column("path", "VARCHAR[]", "path"),
    Column("confidence", "DOUBLE"),
    Column("verdict", "VARCHAR"),
    Column("reason", "VARCHAR"),
    Column("error", "VARCHAR"),
    Column("candidates", "JSON"),
)


def categorized_row(result: Categorized) -> dict[str, Any]:
    """Return an item's JSON object; `label_id` and `name` are null if it has no category.

    `confidence` is always the domain expert's, in its first candidate. `candidates` are in its order.
    """
    recommended = result.recommended
    return {
        "id": clean_text(result.item_id),
        "label_id": None if result.label_id is None else clean_text(result.label_id),
        "name": clean_text(result.path[-1]) if result.path else None,
        "path": [clean_text(step) for step in result.path],
        "confidence": recommended.confidence,
        "verdict": result.verdict,
        "reason": clean_text(result.reason),
        "error": clean_text(result.error),
        "candidates": [
            {"id": clean_text(label), "probability": probability}
            for label, probability in zip(recommended.labels, recommended.probabilities, strict=True)
        ],
    }


def categorized_cells(result: Categorized) -> list[object]:
    """Return an item's row of a table; its candidates are a JSON object of their probabilities."""
    row = categorized_row(result)
    candidates = {each["id"]: each["probability"] for each in row["candidates"]}
    row |= {"label": row["name"], "candidates": candidates, "path": row["path"] or None}
    return [row[column.name] for column in COLUMNS]


CATEGORIZED = RowFormat(JSON_NAMES, categorized_row, COLUMNS, categorized_cells)
"""The output format of `taxonaut categorize`."""
