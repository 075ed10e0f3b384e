"""Output rows of `categorize`: category, confidence of the domain expert, who decided and why."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from taxonaut.state.recommendations import Categorized
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.tables import clean_text

CSV_COLUMNS = (
    "id", "label_id", "name", "path", "confidence", "verdict", "reason", "error", "candidates",
)  # fmt: skip
PARQUET_COLUMNS = {
    "id": "VARCHAR",
    "label_id": "VARCHAR",
    "name": "VARCHAR",
    "path": "VARCHAR[]",
    "confidence": "DOUBLE",
    "verdict": "VARCHAR",
    "reason": "VARCHAR",
    "error": "VARCHAR",
    "candidates": "STRUCT(id VARCHAR, probability DOUBLE)[]",
}


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


def categorized_cells(result: Categorized, path_separator: str) -> Iterator[Sequence[object]]:
    """Yield an item's CSV row; its candidates are a JSON object of their probabilities."""
    row = categorized_row(result)
    candidates = {each["id"]: each["probability"] for each in row["candidates"]}
    row |= {
        "path": path_separator.join(row["path"]),
        "candidates": json.dumps(candidates, ensure_ascii=False),
    }
    yield [row[column] for column in CSV_COLUMNS]


CATEGORIZED = RowFormat(CSV_COLUMNS, PARQUET_COLUMNS, categorized_row, categorized_cells)
"""The output format of `taxonaut categorize`."""
