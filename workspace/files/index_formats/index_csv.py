"""Write and read an index as CSV: one row per path to a label, or per label and node with the ids of its parents."""

import csv
from typing import TextIO

from taxonaut.state.index.index import Index
from taxonaut.workspace.files.index_formats import index_table
from taxonaut.workspace.files.index_formats.index_file import IndexFile
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import Source
from taxonaut.workspace.files.table_writers.cells import FORMULA


def write_csv(index: Index, file: TextIO, *, guarded: bool = False) -> int:
    """Write all labels with their paths; return the number of cells a spreadsheet could read as formulas.

    The rows are those of `index_table`; rows of retired labels and former ids follow, if there are any, with columns
    of what replaced them, when and why. `guarded` puts an apostrophe before a cell that starts with =, +, - or @ (CSV
    injection), which `read_csv` removes again. Nodes keep their names only.
    """
    table = index_table.index_table(index, named=bool(index.mappings()))
    columns = table.columns
    if table.retired:
        columns = tuple(dict.fromkeys((*columns, *index_table.RETIRED_COLUMNS)))
    writer = csv.writer(file)
    writer.writerow(columns)
    suspicious = 0

    def write(row: list[str]) -> None:
        nonlocal suspicious
        suspicious += sum(1 for text in row if FORMULA.match(text))
        writer.writerow([_guard(text, formulas=guarded) for text in row])

    for row in table.rows():
        cells = dict(zip(table.columns, row, strict=True))
        write([cells.get(column, "") for column in columns])
    for row in table.retired:
        cells = dict(zip(index_table.RETIRED_COLUMNS, row, strict=True))
        write([cells.get(column, "") for column in columns])
    return suspicious


def _guard(text: str, *, formulas: bool) -> str:
    """Prefix a formula with an apostrophe; likewise text whose own apostrophe would be removed on reading."""
    guard = index_table.is_quoted(text) or (formulas and FORMULA.match(text))
    return f"'{text}" if guard else text


def read_csv(source: Source) -> IndexFile:
    """Read rows of paths (or parents), of CSV or a workbook, like `labels import`."""
    read = read_labels(source, tidy=False)
    return IndexFile(
        source.name, read.labels, build_native_tree(read.rows, read.graph), read.notes, history=read.history
    )
