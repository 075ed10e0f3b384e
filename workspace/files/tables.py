"""Read tables from files of any supported format, row by row, with positions for error messages."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import islice

from taxonaut.state.errors import InputError
from taxonaut.state.plugins import load_extension
from taxonaut.workspace.files.parquet import (
    arrow_batches,
    arrow_columns,
    arrow_rows,
    parquet_columns,
    parquet_rows,
    parquet_size,
)
from taxonaut.workspace.files.shapes.dialect import Header, Record, find_dialect, find_header, read_records
from taxonaut.workspace.files.shapes.excel import Workbook
from taxonaut.workspace.files.sources import READERS, Source, WrittenFloat, load_json, max_unpacked, too_large

_RECBOLE = re.compile(r"[^:]+:(?:token|float)(?:_seq)?")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `place` is its position for messages, such as `labels.csv, line 7`."""

    number: int
    place: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as rows of named columns.

    `columns` is None where each row names its own (JSON). `rows()` reads the file anew, one row at a time;
    only a `.json` array is loaded whole. `notes` say what was passed over, `understood` how the file is written,
    `types` DuckDB's types of columns that have one.
    """

    source: Source
    columns: tuple[str, ...] | None
    rows: Callable[[], Iterator[Row]]
    notes: tuple[str, ...] = ()
    understood: str = ""
    types: Mapping[str, str] = field(default_factory=dict)


def read_table(source: Source, plain: str) -> Table:
    """Open a source as a table; rows that are plain strings get the single column `plain`.

    Raises `InputError`, at once or while rows are read, that names the file and the line.
    """
    table: Table = load_extension(READERS, source.format)(source, plain)
    return table


def read_csv(source: Source, plain: str) -> Table:
    """Read CSV or TSV: delimiter, quotes and header are found (`find_dialect`, `find_header`)."""
    dialect = find_dialect(source)
    header = find_header(source.name, read_records(source, dialect), named=frozenset({plain}))
    between = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(
        dialect.delimiter, repr(dialect.delimiter)
    )
    quotes = "" if dialect.quoted else ", quotes as part of the text"
    understood = f"a table, {between} between fields{quotes}"
    if all(_RECBOLE.fullmatch(name) for name in header.columns):
        names = tuple(name.partition(":")[0] for name in header.columns)
        note = "columns are called without the types that RecBole writes after their names, such as :token"
        header = replace(header, columns=names, notes=(*header.notes, note))
    return _grid(source, lambda: read_records(source, dialect), header, understood, dialect.delimiter)


def read_excel(source: Source, plain: str) -> Table:
    """Read a sheet of an Excel or OpenDocument workbook: the one whose columns have usual names, or the largest."""
    book = Workbook(source)
    sheet, others = book.choose(source.sheet)
    header = find_header(f"{source.name}, sheet {sheet!r}", book.records(sheet), named=frozenset({plain}))
    notes = header.notes
    if others:
        notes += (other_sheets(others),)
    return _grid(
        source, lambda: book.records(sheet), replace(header, notes=notes), f"a workbook, sheet {sheet!r}"
    )


def other_sheets(names: Sequence[str]) -> str:
    """Say which sheets of a workbook are not read."""
    return f"other sheets are not read: {', '.join(map(repr, names))}; choose one with --sheet"


def read_jsonl(source: Source, plain: str) -> Table:
    """Read JSON lines: an object or a string per line."""
    return Table(source, None, lambda: _jsonl_rows(source, plain))


def read_json(source: Source, plain: str) -> Table:
    """Read a JSON list, or JSON lines."""
    if _first_character(source) == "{":
        return read_jsonl(source, plain)
    return Table(source, None, lambda: _json_rows(source, plain))


def read_lines(source: Source, plain: str) -> Table:
    """Read one text per line."""
    return Table(source, (plain,), lambda: _line_rows(source, plain))


def read_parquet(source: Source, plain: str) -> Table:
    """Read Parquet."""
    with _translate_columnar_errors(source):
        types = parquet_columns(source.path)
    names = tuple(types)
    return Table(source, names, lambda: _parquet_rows(source, names), types=types)


def read_arrow(source: Source, plain: str) -> Table:
    """Read an Arrow or Feather file. Raises MissingExtraError without pyarrow."""
    with _translate_columnar_errors(source):
        first = next(arrow_batches(source.path), None)
        if first is None:
            raise InputError(f"{source.name} is empty; it must hold at least one row.")
        types = arrow_columns(first)
    names = tuple(types)
    return Table(source, names, lambda: _arrow_rows(source, names), types=types)


def missing_column(place: str, wanted: str, option: str, found: Sequence[str]) -> InputError:
    """Build the error for a missing column, with the existing columns, a likely match and the option."""
    close = [name for name in found if name.casefold() == wanted.casefold()]
    close = close or difflib.get_close_matches(wanted, found, n=1)
    guess = f" Did you mean {option} {close[0]!r}?" if close else f" Name the right one with {option} NAME."
    lines = " If the file has no header and one text per line, use --format lines." if len(found) == 1 else ""
    listed = ", ".join(map(repr, found)) or "none"
    return InputError(f"{place}: there is no column {wanted!r}; the columns are {listed}.{guess}{lines}")


def clean_text(text: str) -> str:
    """Remove NULs and replace lone surrogates, which no encoding can represent."""
    text = text.replace("\x00", "") if "\x00" in text else text
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def as_text(value: object, row: Row, column: str) -> str:
    """Convert a cell to text: None becomes empty, numbers are formatted, strings pass `clean_text`."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, WrittenFloat):
        return value.text
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict, tuple)):
        raise InputError(f"{row.place}: {column!r} must be one text, not {json.dumps(value, default=str)}")
    return str(value)


def as_texts(value: object, row: Row, column: str, separator: str) -> tuple[str, ...]:
    """Convert a cell to several texts: a list, a JSON list, or text with separators; drop blank parts."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _json_list(value)
    if isinstance(value, (list, tuple)):
        parts = [as_text(part, row, column) for part in value]
    else:
        parts = as_text(value, row, column).split(separator)
    return tuple(stripped for part in parts if (stripped := part.strip()))


def _json_list(value: str) -> object:
    try:
        return load_json(value)
    except ValueError:
        return value


def _grid(
    source: Source,
    records: Callable[[], Iterator[Record]],
    header: Header,
    understood: str,
    delimiter: str = ",",
) -> Table:
    """Return records below a header as a table; cells that a short row lacks are empty."""
    columns = header.columns

    def rows() -> Iterator[Row]:
        for line, cells in islice(records(), header.skip, None):
            while len(cells) > len(columns) and cells[-1] in ("", None):
                cells.pop()
            place = f"{source.name}, line {line}"
            if len(cells) > len(columns):
                raise InputError(
                    f"{place}: {len(cells)} fields where the header has {len(columns)}. A text that holds "
                    f"{delimiter!r}, a quote or a line break must be in double quotes."
                )
            cells += [""] * (len(columns) - len(cells))
            yield Row(line, place, dict(zip(columns, cells, strict=True)))

    return Table(source, columns, rows, header.notes, understood)


def _jsonl_rows(source: Source, plain: str) -> Iterator[Row]:
    with source.open_text() as text:
        for number, line in enumerate(text, start=1):
            if not line.strip():
                continue
            place = f"{source.name}, line {number}"
            try:
                value = load_json(line)
            except ValueError as error:
                at = f", column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
                raise InputError(
                    f"{place}{at}. Each line must be one whole JSON object; this one starts {line[:60]!r}."
                ) from None
            yield _json_row(number, place, value, plain)


def json_rows(name: str, values: Sequence[object], plain: str) -> Iterator[Row]:
    """Yield the rows of a JSON list that was read. Raises InputError for an entry that is no object and no text."""
    for number, value in enumerate(values, start=1):
        yield _json_row(number, f"{name}, entry {number}", value, plain)


def _json_rows(source: Source, plain: str) -> Iterator[Row]:
    with source.open_text() as text:
        try:
            values = load_json(text.read())
        except json.JSONDecodeError as error:
            raise InputError(
                f"{source.name}, line {error.lineno}, column {error.colno}: {error.msg}. The file must be "
                "one JSON list of objects, or one object per line."
            ) from None
    if not isinstance(values, list):
        raise InputError(f"{source.name}: a JSON list of objects is expected, not {type(values).__name__}.")
    yield from json_rows(source.name, values, plain)


def _json_row(number: int, place: str, value: object, plain: str) -> Row:
    if isinstance(value, str):
        return Row(number, place, {plain: value})
    if not isinstance(value, dict):
        shown = json.dumps(value, ensure_ascii=False)[:60]
        raise InputError(f"{place}: an object such as {{{plain!r}: …}} is expected, not {shown}.")
    return Row(number, place, value)


def _line_rows(source: Source, plain: str) -> Iterator[Row]:
    with source.open_text() as text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield Row(number, f"{source.name}, line {number}", {plain: line.rstrip("\n")})


def _first_character(source: Source) -> str:
    with source.open_text() as text:
        for line in text:
            if line.strip():
                return line.lstrip()[0]
    raise InputError(f"{source.name} is empty; it must hold at least one object.")


def _parquet_rows(source: Source, columns: tuple[str, ...]) -> Iterator[Row]:
    left = max_unpacked()
    with _translate_columnar_errors(source):
        if parquet_size(source.path) > left:
            raise too_large(source.name)
        for number, record in enumerate(parquet_rows(source.path), start=1):
            left -= sum(len(cell) for cell in record if isinstance(cell, (str, bytes, list)))
            if left < 0:
                raise too_large(source.name)
            yield Row(number, f"{source.name}, row {number}", dict(zip(columns, record, strict=True)))


def _arrow_rows(source: Source, columns: tuple[str, ...]) -> Iterator[Row]:
    left, number = max_unpacked(), 0
    with _translate_columnar_errors(source):
        for batch in arrow_batches(source.path):
            left -= batch.nbytes
            if left < 0:
                raise too_large(source.name)
            for record in arrow_rows(batch):
                number += 1
                yield Row(number, f"{source.name}, row {number}", dict(zip(columns, record, strict=True)))


@contextmanager
def _translate_columnar_errors(source: Source) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _unreadable(source, error) from None
    except Exception as error:
        if not type(error).__module__.startswith("pyarrow"):
            raise
        raise _unreadable(source, error) from None


def _unreadable(source: Source, error: Exception) -> InputError:
    format = "Parquet" if source.format == "parquet" else "Arrow"
    return InputError(f"{source.name} cannot be read as {format}: {str(error).splitlines()[0]}")
