"""Write results next to the rows they belong to: JSON lines, CSV, TSV, Excel, Parquet or Arrow."""

import codecs
import gzip
import io
import json
import math
import sys
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Self, TextIO, TypeVar, cast

from taxonaut.state.errors import InputError
from taxonaut.state.records import ItemResult
from taxonaut.workspace.core.text_format import escape_json
from taxonaut.workspace.files.item_files import ItemFields
from taxonaut.workspace.files.output_files import STDOUT, Replacement, check_output, write_error
from taxonaut.workspace.files.sources import Format, format_of, plain_suffix
from taxonaut.workspace.files.table_writers.cells import Column, cell_text, unique_names
from taxonaut.workspace.files.table_writers.columnar_tables import check_arrow, write_arrow, write_parquet
from taxonaut.workspace.files.table_writers.csv_tables import CsvDialect, CsvTable, dialect_of
from taxonaut.workspace.files.table_writers.excel_tables import TreeRows, write_workbook
from taxonaut.workspace.files.table_writers.row_spool import RowSpool, as_json
from taxonaut.workspace.files.tables import clean_text

RESULT_FORMATS: tuple[Format, ...] = ("jsonl", "json", "csv", "tsv", "excel", "parquet", "arrow")
SUFFIXES = ".jsonl, .json, .csv, .tsv, .xlsx, .parquet or .arrow"
TEXT_FORMATS: tuple[Format, ...] = ("csv", "tsv")
SPOOLED: tuple[Format, ...] = ("excel", "parquet", "arrow")
"""Formats that are written once all rows are known."""

OBJECTS: tuple[Format, ...] = ("jsonl", "json")
"""Formats with an object for each item: one a line, or in one list."""

EXCEL_SUFFIXES = (".xlsx",)

LONG_COLUMNS = (
    Column("rank", "INTEGER"),
    Column("label", "VARCHAR"),
    Column("label_id", "VARCHAR"),
    Column("path", "VARCHAR[]", "path"),
    Column("score", "DOUBLE"),
    Column("evidence", "VARCHAR"),
    Column("reason", "VARCHAR"),
    Column("error", "VARCHAR"),
)
_DECIMALS = 6
_SHOWN = 3

R = TypeVar("R")


@dataclass(frozen=True)
class RowFormat(Generic[R]):
    """How one kind of result is written to a file.

    `row` returns an item's JSON object, with `id` and `names`; `cells` its row of a table with `columns`.
    `long_cells` returns several rows with `long_columns`, one a label; None where an item has one row at most.
    `groups` and `group`: the first columns are so many groups of so many columns, of which a file has as many as
    the item with most needs, one at least; 0: all columns are written.
    """

    names: Sequence[str]
    row: Callable[[R], dict[str, Any]]
    columns: Sequence[Column]
    cells: Callable[[R], Sequence[object]]
    long_columns: Sequence[Column] = ()
    long_cells: Callable[[R], Iterable[Sequence[object]]] | None = None
    groups: int = 0
    group: int = 0


def result_row(result: ItemResult) -> dict[str, Any]:
    """Return an item's JSON object: `id`, `labels` best first, and `error` only if there is one.

    A label of a text that is read in several passages also has the `place` of its evidence.
    """
    row: dict[str, Any] = {
        "id": clean_text(result.item_id),
        "labels": [
            {
                "id": clean_text(label.label_id),
                "name": clean_text(label.name),
                "notation": clean_text(label.notation),
                "path": [clean_text(step) for step in label.path],
                "score": _round(label.score),
                "evidence": clean_text(label.evidence),
                "reason": clean_text(label.reason),
                **({"place": asdict(label.place)} if label.place is not None else {}),
            }
            for label in result.labels
        ],
    }
    if result.error:
        row["error"] = clean_text(result.error)
    return row


def labelled_format(top: int, *, notations: bool = False, fixed: bool = False) -> RowFormat[ItemResult]:
    """Return the format of `taxonaut classify` for at most `top` labels an item.

    A row an item has `label_1`, `label_id_1`, `path_1`, `score_1`, and so on to the number of labels of the item
    that has most, or to `top` if `fixed`, then `error`; a row a label `LONG_COLUMNS`, ranked from 1, and one without
    a rank for an item without labels. With `notations` both have columns for them, after the ids.
    """
    columns = []
    for rank in range(1, top + 1):
        columns += [
            Column(f"label_{rank}", "VARCHAR"),
            Column(f"label_id_{rank}", "VARCHAR"),
            *([Column(f"notation_{rank}", "VARCHAR")] if notations else []),
            Column(f"path_{rank}", "VARCHAR[]", "path"),
            Column(f"score_{rank}", "DOUBLE"),
        ]

    def cells(result: ItemResult) -> list[object]:
        row = result_row(result)
        found: list[object] = []
        for label in row["labels"][:top]:
            found += [label["name"], label["id"]]
            found += [label["notation"] or None] if notations else []
            found += [label["path"], label["score"]]
        return [*found, *[None] * (len(columns) - len(found)), row.get("error")]

    def long_cells(result: ItemResult) -> Iterator[Sequence[object]]:
        codes = [label.notation or None for label in result.labels] or [None]
        for row, notation in zip(long_result_cells(result), codes, strict=True):
            yield [*row[:3], notation, *row[3:]]

    return RowFormat(
        ("labels", "error"),
        result_row,
        (*columns, Column("error", "VARCHAR")),
        cells,
        (*LONG_COLUMNS[:3], Column("notation", "VARCHAR"), *LONG_COLUMNS[3:]) if notations else LONG_COLUMNS,
        long_cells if notations else long_result_cells,
        0 if fixed else top,
        len(columns) // top,
    )


def long_result_cells(result: ItemResult) -> Iterator[Sequence[object]]:
    """Yield an item's rows with `LONG_COLUMNS`."""
    row = result_row(result)
    error = row.get("error")
    for rank, label in enumerate(row["labels"], start=1):
        yield (
            rank, label["name"], label["id"], label["path"],
            label["score"], label["evidence"], label["reason"], error,
        )  # fmt: skip
    if not row["labels"]:
        yield (*[None] * 7, error)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a result table is laid out. `long`: a row a label, not a row an item. `raw`: cells like formulas are
    written as they are. `path_separator` joins the steps of paths in text."""

    long: bool = False
    raw: bool = False
    path_separator: str = " > "


NO_FIELDS = ItemFields()
DEFAULT_TABLE = TableOptions()


class ResultWriter(Generic[R]):
    """A result file being written; use it as a context manager.

    The file is whole or it is not there: rows go to a temporary file that replaces the target on success; otherwise
    the old file stays. After Ctrl-C, JSON lines that are written are kept where no old file was. `notes` say, once
    the file is closed, what was renamed or changed. `tree` gives the second sheet of a workbook.
    """

    def __init__(
        self,
        name: str,
        path: Path | None,
        format: Format,
        shape: RowFormat[R],
        fields: ItemFields,
        options: TableOptions,
    ) -> None:
        self._name, self._path, self._format, self._shape = name, path, format, shape
        self._fields, self._options = fields, options
        self._has_rows = False
        self._table: CsvTable | RowSpool | None = None
        self._groups = 0 if shape.long_cells is not None and options.long else shape.groups
        self._dialect = _dialect(format, fields) if format in TEXT_FORMATS else CsvDialect()
        self.tree: Callable[[], TreeRows] | None = None
        own = shape.columns if shape.long_cells is None or not options.long else shape.long_columns
        taken = [column.name for column in own] if format not in OBJECTS else list(shape.names)
        if not fields.id or (format in OBJECTS and fields.id != "id"):
            taken.append("id")
        self._renamed = unique_names(fields.names, taken)
        self._columns = [
            *([] if fields.id else [Column("id", "VARCHAR")]),
            *(Column(self._renamed[field], fields.types.get(field, "")) for field in fields.names),
            *own,
        ]
        renamed = [name for field, name in self._renamed.items() if field != name]
        self.notes: list[str] = []
        if renamed:
            more = f" and {len(renamed) - _SHOWN} more" if len(renamed) > _SHOWN else ""
            shown = ", ".join(map(repr, renamed[:_SHOWN]))
            self.notes.append(
                f"columns of the input that are called like one of the output are {shown}{more} there"
            )

    def __enter__(self) -> Self:
        with self._translate_os_errors():
            self._replacement = Replacement(self._path) if self._path is not None else None
            if self._format in SPOOLED and self._replacement is not None:
                if self._replacement.is_direct:
                    raise InputError(
                        f"{self._name!r} is no plain file, which {self._format} needs; name another one."
                    )
                self._table = RowSpool(self._replacement.path, self._columns)
                return self
            place = self._replacement
            if self._format in TEXT_FORMATS and self._groups and place is not None and not place.is_direct:
                self._table = RowSpool(_beside(place, "rows"), self._columns)
                return self
            self._file = self._open_text()
            if self._format in TEXT_FORMATS:
                self._table = self._csv_table(self._columns)
        return self

    def _csv_table(self, columns: Sequence[Column]) -> CsvTable:
        options = self._options
        return CsvTable(
            self._file, columns, self._dialect, path_separator=options.path_separator, raw=options.raw
        )

    def write(self, results: Sequence[R], given: Sequence[Mapping[str, object]] = ()) -> None:
        """Write these items' rows and flush; `given` are the rows of the input that they belong to.

        Raises `DiskError` when the disk is full.
        """
        with self._translate_os_errors():
            for result, values in zip(results, given or [{}] * len(results), strict=True):
                if self._table is None:
                    self._write_object(self._object(result, values))
                    continue
                texts = self._format in TEXT_FORMATS and isinstance(self._table, RowSpool)
                for cells in self._rows(result, values):
                    self._table.write(self._texts(cells) if texts else cells)
            if isinstance(self._table, RowSpool):
                self._table.flush()
            else:
                self._file.flush()
            self._has_rows = self._has_rows or bool(results)

    def _write_object(self, row: Mapping[str, object]) -> None:
        line = json.dumps(as_json(row), ensure_ascii=False)
        line = escape_json(line) if self._path is None else line
        if self._format == "json":
            self._file.write(f"{',' if self._has_rows else '['}\n{line}")
        else:
            self._file.write(f"{line}\n")
        self._has_rows = True

    def _object(self, result: R, values: Mapping[str, object]) -> dict[str, object]:
        """Return an item's JSON object: the input's fields, then those of the result."""
        row = self._shape.row(result)
        found: dict[str, object] = {} if self._fields.id == "id" else {"id": row["id"]}
        for field in self._fields.names:
            if field == "id" == self._fields.id:
                found["id"] = row["id"]
            elif field in values:
                found[self._renamed[field]] = values[field]
        return found | row

    def _rows(self, result: R, values: Mapping[str, object]) -> Iterator[list[object]]:
        """Yield an item's rows of a table."""
        first = [] if self._fields.id else [self._shape.row(result)["id"]]
        kept = [*first, *(self._cell(result, values, field) for field in self._fields.names)]
        if self._options.long and self._shape.long_cells is not None:
            for cells in self._shape.long_cells(result):
                yield [*kept, *cells]
        else:
            yield [*kept, *self._shape.cells(result)]

    def _texts(self, cells: Sequence[object]) -> list[str | None]:
        """Return cells as CSV has them, None for empty ones."""
        separator, comma = self._options.path_separator, self._dialect.decimal_comma
        return [
            cell_text(cell, column, separator, decimal_comma=comma) or None
            for column, cell in zip(self._columns, cells, strict=True)
        ]

    def _cell(self, result: R, values: Mapping[str, object], field: str) -> object:
        """Return a cell of the input; an id that was made for a row without one."""
        value = values.get(field)
        return self._shape.row(result)["id"] if field == self._fields.id and value in (None, "") else value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        replacement = self._replacement
        if kind is None and self._format == "json":
            with self._translate_os_errors():
                self._file.write("\n]\n" if self._has_rows else "[]\n")
        try:
            if replacement is not None:
                with self._translate_os_errors():
                    (self._table if isinstance(self._table, RowSpool) else self._file).close()
                    if kind is None or self._stands_after(kind, replacement):
                        self._finish(replacement)
        finally:
            if replacement is not None:
                with suppress(OSError):
                    replacement.discard()
                    _beside(replacement, "rows").unlink(missing_ok=True)
        if isinstance(self._table, CsvTable) and self._table.guarded:
            self.notes.append(
                f"cells that begin like formulas: {self._table.guarded:,}; a ' before each keeps spreadsheets from "
                "running it (--raw-cells writes them as they are)"
            )

    def _stands_after(self, kind: type[BaseException], replacement: Replacement) -> bool:
        """Whether the rows so far are kept although the work was stopped."""
        stopped = issubclass(kind, KeyboardInterrupt | CancelledError)
        return stopped and self._format == "jsonl" and self._has_rows and not replacement.target.exists()

    def _finish(self, replacement: Replacement) -> None:
        if isinstance(self._table, RowSpool):
            self._leave_out_empty_groups(self._table)
            if self._format not in TEXT_FORMATS:
                self._finish_spooled(self._table, replacement)
                return
            rows, self._file = self._table.rows(), self._open_text()
            with self._file:
                self._table = self._csv_table(self._table.columns)
                for cells in rows:
                    self._table.write(cells)
        if self._format in TEXT_FORMATS and codecs.lookup(self._dialect.codec).name != "utf-8":
            self._encode(replacement)
        replacement.commit()

    def _leave_out_empty_groups(self, spool: RowSpool) -> None:
        """Leave out the groups of columns that are empty in all rows, save the first."""
        size, first = self._shape.group, len(self._columns) - len(self._shape.columns)
        groups = self._groups
        while groups > 1 and not any(
            kinds - {""} for kinds in spool.kinds[first + (groups - 1) * size : first + groups * size]
        ):
            groups -= 1
        if self._groups:
            spool.leave_out(first + groups * size, first + self._groups * size)

    def _finish_spooled(self, spool: RowSpool, replacement: Replacement) -> None:
        import duckdb

        made = _beside(replacement, "made")
        try:
            if self._format == "excel":
                options = self._options
                self.notes += write_workbook(
                    spool, made, self.tree, path_separator=options.path_separator, raw=options.raw
                )
            elif self._format == "arrow":
                write_arrow(spool, made)
            else:
                write_parquet(spool, made)
            made.replace(replacement.target)
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from None
        finally:
            made.unlink(missing_ok=True)

    def _encode(self, replacement: Replacement) -> None:
        """Write the file anew in the encoding of the input, or as UTF-8 where that lacks a character."""
        made = _beside(replacement, "made")
        try:
            try:
                self._copy(replacement.path, made, self._dialect.codec)
            except UnicodeEncodeError as error:
                self._copy(replacement.path, made, "utf-8-sig")
                self.notes.append(
                    f"the output is UTF-8: {self._dialect.encoding}, the encoding of the input, has no "
                    f"{error.object[error.start]!r}"
                )
            made.replace(replacement.path)
        finally:
            made.unlink(missing_ok=True)

    def _copy(self, source: Path, target: Path, encoding: str) -> None:
        with self._open_at(source, "r", "utf-8") as read, self._open_at(target, "w", encoding) as written:
            while part := read.read(1 << 20):
                written.write(part)

    def _open_text(self) -> TextIO:
        if self._path is None or self._replacement is None:
            return sys.stdout
        return self._open_at(self._replacement.path, "w", "utf-8")

    def _open_at(self, path: Path, mode: str, encoding: str) -> TextIO:
        if self._path is not None and self._path.suffix.lower() == ".gz":
            packed = gzip.open(path, f"{mode}b")  # noqa: SIM115
            return io.TextIOWrapper(cast(BinaryIO, packed), encoding=encoding, newline="")
        return cast(TextIO, path.open(mode, encoding=encoding, newline=""))

    @contextmanager
    def _translate_os_errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            advice = (
                ". The results are kept in the workspace: free some space or name another file with -o, and run the "
                "same command again."
            )
            raise write_error(self._name, error, advice) from None


def _beside(replacement: Replacement, suffix: str) -> Path:
    """Return a further temporary file, which is removed as the first one if the process is killed."""
    return replacement.path.with_name(f"{replacement.path.name}.{suffix}")


def _dialect(format: Format, fields: ItemFields) -> CsvDialect:
    """Return how CSV or TSV is written: as the input is, where it is one of the two."""
    source = fields.source
    if source is None or source.format not in TEXT_FORMATS:
        return CsvDialect(delimiter="\t" if format == "tsv" else ",")
    found = dialect_of(source)
    if format == source.format:
        return found
    if format == "tsv":
        return replace(found, delimiter="\t")
    return replace(found, delimiter=",", quoted=True, decimal_comma=False)


def open_results(
    given: str | Path,
    format: Format | None = None,
    *,
    top: int = 10,
    fields: ItemFields = NO_FIELDS,
    inputs: Sequence[str | Path] = (),
    options: TableOptions = DEFAULT_TABLE,
) -> ResultWriter[ItemResult]:
    """Open a result file for classified items with at most `top` labels; see `open_file`."""
    return open_file(given, labelled_format(top), format, fields=fields, inputs=inputs, options=options)


def open_file(
    given: str | Path,
    shape: RowFormat[R],
    format: Format | None = None,
    *,
    fields: ItemFields = NO_FIELDS,
    inputs: Sequence[str | Path] = (),
    options: TableOptions = DEFAULT_TABLE,
) -> ResultWriter[R]:
    """Open a result file in the format of its suffix (or `format`); `-` is standard output, by default JSONL.

    `fields` are the columns of the input, which come before those of the results. Raises `InputError` for an
    unknown suffix, a missing folder, or a file that is one of `inputs`; MissingExtraError for an Arrow file
    without pyarrow.
    """
    chosen = check_results(given, format, inputs)
    if str(given) == STDOUT:
        return ResultWriter("standard output", None, chosen, shape, fields, options)
    return ResultWriter(str(given), Path(given), chosen, shape, fields, options)


def check_results(
    given: str | Path, format: Format | None = None, inputs: Sequence[str | Path] = ()
) -> Format:
    """Return the format of a result file; raise what `open_file` raises."""
    path = Path(given)
    if format is not None and format not in RESULT_FORMATS:
        raise InputError(
            f"--output-format {format!r} cannot be written; it can be one of {', '.join(RESULT_FORMATS)}."
        )
    if str(given) == STDOUT:
        if format in SPOOLED:
            raise InputError(f"{format} cannot be written to standard output; name a file with -o.")
        return format or "jsonl"
    chosen = format or format_of(path)
    if chosen not in RESULT_FORMATS:
        raise InputError(
            f"{path.name}: results are written as {SUFFIXES}; rename the file, or name the format with "
            "--output-format."
        )
    if chosen == "excel" and plain_suffix(path) not in EXCEL_SUFFIXES and format is None:
        raise InputError(f"{path.name}: workbooks are written as .xlsx; rename the file.")
    if chosen in SPOOLED and path.suffix.lower() == ".gz":
        raise InputError(f"{path.name}: {chosen} is compressed inside; remove the .gz suffix.")
    if chosen == "arrow":
        check_arrow()
    check_output(path, inputs)
    return chosen


def _round(score: float) -> float | None:
    return round(score, _DECIMALS) if math.isfinite(score) else None
