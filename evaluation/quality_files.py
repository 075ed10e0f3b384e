"""Files of an evaluation: a row for each label, and a row for each item, of every method."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from taxonaut.evaluation.harness import Report
from taxonaut.evaluation.item_quality import ItemQuality, measure_items
from taxonaut.evaluation.label_quality import CONFUSED, LabelQuality
from taxonaut.state.errors import InputError
from taxonaut.state.index.reader import IndexReader
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.output_files import STDOUT
from taxonaut.workspace.files.result_files import RowFormat, check_results, open_file
from taxonaut.workspace.files.table_writers.cells import Column

R = TypeVar("R")
RAW = " (--raw-cells"
"""Begins the part of a note that is about an option of other commands."""

_DECIMALS = 4

LABEL_COLUMNS = (
    Column("method", "VARCHAR"),
    Column("name", "VARCHAR"),
    Column("path", "VARCHAR[]", "path"),
    Column("support", "BIGINT"),
    Column("predicted", "BIGINT"),
    Column("hits", "BIGINT"),
    Column("precision", "DOUBLE"),
    Column("recall", "DOUBLE"),
    Column("f1", "DOUBLE"),
)
CONFUSED_COLUMNS = (
    Column("confused_{}", "VARCHAR"),
    Column("confused_id_{}", "VARCHAR"),
    Column("confused_path_{}", "VARCHAR[]", "path"),
    Column("confused_count_{}", "BIGINT"),
)
"""Of each of the labels that were answered most in a label's place."""

ITEM_COLUMNS = (
    Column("text", "VARCHAR"),
    Column("method", "VARCHAR"),
    Column("gold", "VARCHAR[]", "texts"),
    Column("gold_paths", "VARCHAR[][]", "paths"),
    Column("answers", "VARCHAR[]", "texts"),
    Column("answer_paths", "VARCHAR[][]", "paths"),
    Column("hits", "VARCHAR[]", "texts"),
    Column("missed", "VARCHAR[]", "texts"),
    Column("wrong", "VARCHAR[]", "texts"),
    Column("first_hit", "BIGINT"),
    Column("failed", "BOOLEAN"),
)


def check_quality_files(inputs: Sequence[str], *, per_label: str | None, per_item: str | None) -> None:
    """Refuse, before any text is labelled, a file that cannot be written, or an input."""
    for option, path in (("--per-label", per_label), ("--per-item", per_item)):
        if path == STDOUT:
            raise InputError(f"{option} writes a file; name one, such as quality.csv")
        if path is not None:
            check_results(path, inputs=inputs)
    if per_label is not None and per_label == per_item:
        raise InputError(f"--per-label and --per-item both name {per_label!r}; name two files")


def write_label_file(path: str, report: Report, inputs: Sequence[str]) -> list[str]:
    """Write a row for each label under each method, those missed most first; return what is to be said."""
    rows = ((each.method, label) for each in report.methods for label in each.by_label)
    columns = [*LABEL_COLUMNS]
    for rank in range(1, CONFUSED + 1):
        columns += [Column(each.name.format(rank), each.type, each.lists) for each in CONFUSED_COLUMNS]
    names = ("id", *(column.name for column in LABEL_COLUMNS), "confused")
    return _write(path, RowFormat(names, label_row, columns, label_cells), rows, inputs)


def label_row(row: tuple[str, LabelQuality]) -> dict[str, Any]:
    """Return a label's JSON object."""
    method, label = row
    return {
        "id": label.label_id,
        "method": method,
        "name": label.name,
        "path": list(label.path),
        "support": label.support,
        "predicted": label.predicted,
        "hits": label.hits,
        "precision": rounded(label.precision),
        "recall": rounded(label.recall),
        "f1": rounded(label.f1),
        "confused": [
            {"id": each.label_id, "name": each.name, "path": list(each.path), "count": each.count}
            for each in label.confused
        ],
    }


def label_cells(row: tuple[str, LabelQuality]) -> list[object]:
    """Return a label's cells."""
    found = label_row(row)
    cells: list[object] = [found[column.name] for column in LABEL_COLUMNS]
    for each in found["confused"]:
        cells += [each["name"], each["id"], each["path"], each["count"]]
    most = len(LABEL_COLUMNS) + len(CONFUSED_COLUMNS) * CONFUSED
    return [*cells, *[None] * (most - len(cells))]


def write_item_file(
    path: str, index: IndexReader, report: Report, rows: Sequence[ItemRow], inputs: Sequence[str]
) -> list[str]:
    """Write a row for each item under each method; return what is to be said."""
    names = ("id", *(column.name for column in ITEM_COLUMNS))
    found = measure_items(index, report, rows)
    return _write(path, RowFormat(names, item_row, ITEM_COLUMNS, item_cells), found, inputs)


def item_row(found: ItemQuality) -> dict[str, Any]:
    """Return an item's JSON object."""
    return {
        "id": found.item.id,
        "text": found.item.text,
        "method": found.method,
        "gold": list(found.gold),
        "gold_paths": [list(path) for path in found.gold_paths],
        "answers": list(found.answers),
        "answer_paths": [list(path) for path in found.answer_paths],
        "hits": list(found.hits),
        "missed": list(found.missed),
        "wrong": list(found.wrong),
        "first_hit": found.first_hit,
        "failed": found.failed,
    }


def item_cells(found: ItemQuality) -> list[object]:
    """Return an item's cells."""
    row = item_row(found)
    return [row[column.name] for column in ITEM_COLUMNS]


def rounded(share: float | None) -> float | None:
    """Return a share with four decimals."""
    return None if share is None else round(share, _DECIMALS)


def _write(path: str, shape: RowFormat[R], rows: Iterable[R], inputs: Sequence[str]) -> list[str]:
    writer = open_file(path, shape, inputs=inputs)
    count = 0
    with writer:
        for row in rows:
            writer.write([row])
            count += 1
    return [*(f"note: {note.partition(RAW)[0]}" for note in writer.notes), f"{count:,} rows in {path}"]
