"""Write an Excel workbook: the items on the first sheet, the tree on a second one."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.table_writers.cells import cell_text, runs_as_formula
from taxonaut.workspace.files.table_writers.row_spool import RowSpool

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST_CELL = 32_767
ITEMS, TREE = "items", "tree"
_DIGITS = 15
"""Digits of a number that a spreadsheet keeps."""

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:[.,](\d+))?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

TreeRows = tuple[Sequence[str], Iterable[Sequence[str]]]
"""The header and the rows of the sheet with the tree."""


def write_workbook(
    spool: RowSpool,
    target: Path,
    tree: Callable[[], TreeRows] | None = None,
    *,
    path_separator: str = " > ",
    raw: bool = False,
) -> list[str]:
    """Write the rows of a spool as a workbook; return notes on what had to be changed.

    Numbers are numbers, also where a column of texts without a type holds nothing else; texts with leading zeros, or
    more than 15 digits, stay texts. Texts like formulas are marked as texts, unless `raw`. Raises InputError for
    more rows than a sheet has.
    """
    import xlsxwriter
    import xlsxwriter.exceptions

    if spool.count >= MOST_ROWS or len(spool.columns) > MOST_COLUMNS:
        raise InputError(
            f"{spool.count:,} rows and {len(spool.columns):,} columns do not fit into an Excel sheet, which has "
            f"{MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns; write .csv or .parquet"
        )
    options = {
        "constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False,
        "strings_to_urls": False,
    }  # fmt: skip
    book = xlsxwriter.Workbook(str(target), options)
    try:
        sheet = _Sheet(book, ITEMS, raw)
        formats = _number_formats(spool)
        sheet.head([column.name for column in spool.columns])
        for cells in spool.rows():
            sheet.row(
                [
                    cell_text(cell, column, path_separator)
                    if isinstance(cell, (list, dict))
                    else _value(cell, kinds, formats.get(place))
                    for place, (cell, kinds, column) in enumerate(
                        zip(cells, spool.kinds, spool.columns, strict=True)
                    )
                ],
                formats,
            )
        if tree is not None:
            header, rows = tree()
            below = _Sheet(book, TREE, raw)
            below.head(header)
            for texts in rows:
                below.row(texts, {})
            sheet.guarded, sheet.cut = sheet.guarded + below.guarded, sheet.cut + below.cut
        book.close()
    except xlsxwriter.exceptions.XlsxFileError as error:
        raise OSError(str(error)) from None
    return _notes(sheet.guarded, sheet.cut)


def write_sheets(sheets: Sequence[tuple[str, TreeRows]], target: BinaryIO) -> list[str]:
    """Write sheets of texts, by name; return notes on what had to be changed.

    Raises InputError for more rows than a sheet has.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    guarded = cut = 0
    for name, (header, rows) in sheets:
        sheet = _Sheet(book, name, raw=False)
        sheet.head(header)
        for place, texts in enumerate(rows, start=2):
            if place > MOST_ROWS:
                raise InputError(
                    f"there are more than the {MOST_ROWS:,} rows that fit into an Excel sheet; write .csv or .jsonl"
                )
            sheet.row(texts, {})
        guarded, cut = guarded + sheet.guarded, cut + sheet.cut
    book.close()
    return _notes(guarded, cut)


def _notes(guarded: int, cut: int) -> list[str]:
    notes = []
    if guarded:
        notes.append(
            f"cells that begin like formulas: {guarded:,}, marked as text so that no spreadsheet runs them"
        )
    if cut:
        notes.append(
            f"{cut:,} cells are longer than the {LONGEST_CELL:,} characters that Excel allows and end there; "
            "write .csv, .jsonl or .parquet for all of them"
        )
    return notes


class _Sheet:
    """A sheet that is written from the top down."""

    def __init__(self, book: Any, name: str, raw: bool) -> None:
        self._book, self._sheet = book, book.add_worksheet(name)
        self._raw = raw
        self._text = book.add_format({"quote_prefix": True})
        self._formats: dict[str, Any] = {}
        self._at = 0
        self.guarded = self.cut = 0

    def head(self, names: Sequence[str]) -> None:
        """Write the header, which stays in view."""
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(names):
            self._write_text(place, name, bold)
        self._sheet.freeze_panes(1, 0)
        self._at += 1

    def row(self, cells: Sequence[object], formats: Mapping[int, str]) -> None:
        """Write one row."""
        for place, cell in enumerate(cells):
            if isinstance(cell, bool):
                self._sheet.write_boolean(self._at, place, cell)
            elif isinstance(cell, (int, float)) and abs(cell) < 10**_DIGITS:
                self._sheet.write_number(self._at, place, cell, self._number(formats.get(place, "")))
            elif isinstance(cell, datetime):
                self._sheet.write_datetime(self._at, place, cell, self._number("yyyy-mm-dd hh:mm:ss"))
            elif isinstance(cell, date):
                self._sheet.write_datetime(self._at, place, cell, self._number("yyyy-mm-dd"))
            else:
                self._write_text(place, cell_text(cell), None)
        self._at += 1

    def _number(self, shown: str) -> Any:
        if shown and shown not in self._formats:
            self._formats[shown] = self._book.add_format({"num_format": shown})
        return self._formats.get(shown)

    def _write_text(self, place: int, text: str, shape: Any) -> None:
        text = _CONTROL.sub("\ufffd", text)
        if len(text) > LONGEST_CELL:
            self.cut += 1
            text = text[:LONGEST_CELL]
        if not text:
            return
        if runs_as_formula(text):
            if self._raw and text.startswith("="):
                self._sheet.write_formula(self._at, place, text)
                return
            self.guarded += not self._raw
            shape = self._text
        self._sheet.write_string(self._at, place, text, shape)


def _number_formats(spool: RowSpool) -> dict[int, str]:
    """Return how numbers look in each column whose texts are all numbers, such as 0.00 for prices.

    Numbers with different counts of decimals, of which some end in 0, are no numbers: 1.1 and 1.10 may be codes.
    """
    texts = {
        place: set[int]()
        for place, (kinds, column) in enumerate(zip(spool.kinds, spool.columns, strict=True))
        if kinds - {""} == {"text"} and not column.type
    }
    ends_in_zero: set[int] = set()
    found_any: set[int] = set()
    for cells in spool.rows():
        for place in list(texts):
            cell = cells[place]
            if not cell or not str(cell).strip():
                continue
            match = _NUMBER.fullmatch(cell)
            if match is None or sum(sign.isdigit() for sign in cell) > _DIGITS:
                del texts[place]
                continue
            found_any.add(place)
            decimals = match[1] or ""
            texts[place].add(len(decimals))
            if decimals.endswith("0"):
                ends_in_zero.add(place)
    return {
        place: "0." + "0" * max(decimals) if max(decimals) and len(decimals) == 1 else "General"
        for place, decimals in texts.items()
        if place in found_any and not (len(decimals) > 1 and place in ends_in_zero)
    }


def _value(cell: Any, kinds: set[str], format: str | None) -> object:
    """Return a spooled cell as it is written."""
    if isinstance(cell, str) and kinds - {""} <= {"date", "datetime"}:
        try:
            found = datetime.fromisoformat(cell)
        except ValueError:
            return cell
        return (found.date() if "T" not in cell else found) if found.tzinfo is None else cell
    if isinstance(cell, str) and format is not None:
        text = cell.strip().replace(",", ".")
        return (float(text) if "." in text else int(text)) if text else ""
    return float(cell) if isinstance(cell, str) and kinds - {""} == {"number"} else cell
