"""Write an index as a workbook that a person can edit: its labels, and its retired labels and former ids."""

from typing import BinaryIO

from taxonaut.state.index.index import Index
from taxonaut.workspace.files.index_formats import index_table
from taxonaut.workspace.files.table_writers.excel_tables import write_sheets


def write_xlsx(index: Index, file: BinaryIO) -> list[str]:
    """Write all labels; return notes on what had to be changed. All cells are texts, none runs as a formula.

    The rows are those of `index_table`, each with the name of its label; `index_csv.read_csv` reads them.
    """
    table = index_table.index_table(index, named=True, lines=True)
    sheets = [(index_table.LABELS_SHEET, (table.columns, table.rows()))]
    if table.retired:
        sheets.append((index_table.RETIRED_SHEET, (index_table.RETIRED_COLUMNS, iter(table.retired))))
    return write_sheets(sheets, file)
