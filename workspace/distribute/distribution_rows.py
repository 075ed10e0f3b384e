"""Output rows of `distribute`: the probability of each label, with its interval."""

from collections.abc import Sequence
from typing import Any

from taxonaut.state.distributions import LabelDistribution, LabelShare
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.tables import clean_text

JSON_NAMES = ("distribution", "chosen", "error")
LONG_COLUMNS = (
    Column("label", "VARCHAR"),
    Column("label_id", "VARCHAR"),
    Column("probability", "DOUBLE"),
    Column("low", "DOUBLE"),
    Column("high", "DOUBLE"),
    Column("chosen", "BOOLEAN"),
    Column("error", "VARCHAR"),
)


def distribution_row(result: LabelDistribution) -> dict[str, Any]:
    """Return an item's JSON object: the labels, the likeliest first, and the ids of those chosen."""
    row: dict[str, Any] = {
        "id": clean_text(result.item_id),
        "distribution": [share_row(each) for each in result.best],
        "chosen": [clean_text(each.label_id) for each in result.best if each.chosen],
    }
    if result.error:
        row["error"] = clean_text(result.error)
    if result.lost:
        row["lost"] = result.lost
    return row


def share_row(share: LabelShare) -> dict[str, Any]:
    """Return one label's JSON object; bounds only where there are any."""
    row: dict[str, Any] = {
        "id": clean_text(share.label_id),
        "name": clean_text(share.name),
        "probability": share.probability,
    }
    return row if share.low is None else {**row, "low": share.low, "high": share.high}


def distribution_format(labels: Sequence[str]) -> RowFormat[LabelDistribution]:
    """Return the format: a table has a column for each of `labels`, in order, then `chosen` and `error`."""
    names = [f"p({clean_text(label)})" for label in labels]
    columns = [
        *(Column(name, "DOUBLE") for name in names),
        Column("chosen", "VARCHAR[]", "texts"),
        Column("error", "VARCHAR"),
    ]

    def cells(result: LabelDistribution) -> list[object]:
        values: list[object] = [each.probability for each in result.labels] or [None] * len(names)
        chosen = [clean_text(each.name) for each in result.best if each.chosen]
        return [*values, chosen or None, clean_text(result.error)]

    def long_cells(result: LabelDistribution) -> list[list[object]]:
        error = clean_text(result.error)
        rows: list[list[object]] = [
            [
                clean_text(each.name),
                clean_text(each.label_id),
                each.probability,
                each.low,
                each.high,
                each.chosen,
                error,
            ]
            for each in result.best
        ]
        return rows or [[None] * (len(LONG_COLUMNS) - 1) + [error]]

    return RowFormat(JSON_NAMES, distribution_row, columns, cells, LONG_COLUMNS, long_cells)
