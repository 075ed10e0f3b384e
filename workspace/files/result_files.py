"""Write results to JSON lines, CSV, TSV or Parquet."""

import csv
import errno
import gzip
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TextIO, TypeVar, cast

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.records import ItemResult
from taxonaut.workspace.files.parquet import jsonl_to_parquet
from taxonaut.workspace.files.sources import STDIN, Format, format_of
from taxonaut.workspace.files.tables import clean_text

STDOUT = STDIN
RESULT_FORMATS: tuple[Format, ...] = ("jsonl", "csv", "tsv", "parquet")
CSV_COLUMNS = ("id", "rank", "label_id", "name", "path", "score", "evidence", "reason", "error")
PARQUET_COLUMNS = {
    "id": "VARCHAR",
    "labels": "STRUCT(id VARCHAR, name VARCHAR, path VARCHAR[], score DOUBLE, evidence VARCHAR, "
    "reason VARCHAR)[]",
    "error": "VARCHAR",
}
_DECIMALS = 6

R = TypeVar("R")


@dataclass(frozen=True)
class RowFormat(Generic[R]):
    """How one kind of result is written to a file.

    `row` returns an item's JSON object, typed by `parquet_columns`; `cells` its CSV lines, given the separator
    of path steps.
    """

    csv_columns: Sequence[str]
    parquet_columns: Mapping[str, str]
    row: Callable[[R], dict[str, Any]]
    cells: Callable[[R, str], Iterable[Sequence[object]]]


def result_row(result: ItemResult) -> dict[str, Any]:
    """Return an item's JSON object: `id`, `labels` best first, and `error` only if there is one."""
    row: dict[str, Any] = {
        "id": clean_text(result.item_id),
        "labels": [
            {
                "id": clean_text(label.label_id),
                "name": clean_text(label.name),
                "path": [clean_text(step) for step in label.path],
                "score": _round(label.score),
                "evidence": clean_text(label.evidence),
                "reason": clean_text(label.reason),
            }
            for label in result.labels
        ],
    }
    if result.error:
        row["error"] = clean_text(result.error)
    return row


def result_cells(result: ItemResult, path_separator: str) -> Iterator[Sequence[object]]:
    """Yield an item's CSV lines: one per label, ranked from 1, or one without a rank if it has no labels."""
    row = result_row(result)
    error = row.get("error", "")
    for rank, label in enumerate(row["labels"], start=1):
        path = path_separator.join(label["path"])
        yield (
            row["id"], rank, label["id"], label["name"], path,
            label["score"], label["evidence"], label["reason"], error,
        )  # fmt: skip
    if not row["labels"]:
        yield (row["id"], *[""] * 7, error)


LABELLED = RowFormat(CSV_COLUMNS, PARQUET_COLUMNS, result_row, result_cells)
"""The format of `taxonaut classify`."""


class ResultWriter(Generic[R]):
    """A result file being written; use it as a context manager.

    JSON lines are in the file as soon as they are written. CSV, TSV and Parquet go to a temporary file that
    replaces the target on success; otherwise the old file stays. Cells are not escaped: open files made from
    untrusted texts as text in a spreadsheet, since a cell may start with `=`.
    """

    def __init__(
        self, name: str, path: Path | None, format: Format, shape: RowFormat[R], path_separator: str = " > "
    ) -> None:
        self._name = name
        self._path = path
        self._format = format
        self._shape = shape
        self._path_separator = path_separator
        self._temporary = (
            None
            if path is None or format == "jsonl"
            else path.with_name(
                f".{path.name}.{os.getpid()}.part{'.gz' if path.suffix.lower() == '.gz' else ''}"
            )
        )

    def __enter__(self) -> Self:
        with self._translate_os_errors():
            self._file = _open_text(self._temporary or self._path)
            if self._format in ("csv", "tsv"):
                self._table().writerow(self._shape.csv_columns)
        return self

    def write(self, results: Sequence[R]) -> None:
        """Write these items' rows and flush. Raises `DiskError` when the disk is full."""
        with self._translate_os_errors():
            if self._format in ("csv", "tsv"):
                for result in results:
                    self._table().writerows(self._shape.cells(result, self._path_separator))
            else:
                for result in results:
                    self._file.write(json.dumps(self._shape.row(result), ensure_ascii=False) + "\n")
            self._file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is None:
            return
        try:
            with self._translate_os_errors():
                self._file.close()
                if kind is None and self._temporary is not None:
                    self._finish(self._temporary, self._path)
        finally:
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _finish(self, temporary: Path, path: Path) -> None:
        if self._format != "parquet":
            temporary.replace(path)
            return
        import duckdb

        parquet = temporary.with_name(temporary.name + ".parquet")
        try:
            jsonl_to_parquet(temporary, parquet, self._shape.parquet_columns)
            parquet.replace(path)
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from None
        finally:
            parquet.unlink(missing_ok=True)

    def _table(self) -> Any:
        return csv.writer(self._file, delimiter="\t" if self._format == "tsv" else ",")

    @contextmanager
    def _translate_os_errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            said = "no space left on the disk" if full else (error.strerror or str(error))
            raise DiskError(
                f"{self._name!r} cannot be written: {said}. The results are kept in the workspace: free "
                "some space or name another file with -o, and run the same command again."
            ) from None


def open_results(
    given: str | Path,
    format: Format | None = None,
    *,
    inputs: Sequence[str | Path] = (),
    path_separator: str = " > ",
) -> ResultWriter[ItemResult]:
    """Open a result file for classified items; see `open_file`."""
    return open_file(given, LABELLED, format, inputs=inputs, path_separator=path_separator)


def open_file(
    given: str | Path,
    shape: RowFormat[R],
    format: Format | None = None,
    *,
    inputs: Sequence[str | Path] = (),
    path_separator: str = " > ",
) -> ResultWriter[R]:
    """Open a result file in the format of its suffix (or `format`); `-` is standard output, by default JSONL.

    Raises `InputError` for an unknown suffix, a missing folder, or a file that is one of `inputs`,
    before anything is written.
    """
    path = Path(given)
    if format is not None and format not in RESULT_FORMATS:
        raise InputError(
            f"--output-format {format!r} cannot be written; it can be one of {', '.join(RESULT_FORMATS)}."
        )
    if str(given) == STDOUT:
        if format == "parquet":
            raise InputError("Parquet cannot be written to standard output; name a file with -o.")
        return ResultWriter("standard output", None, format or "jsonl", shape, path_separator)
    chosen = format or format_of(path)
    if chosen not in RESULT_FORMATS:
        raise InputError(
            f"{path.name}: results are written as .jsonl, .csv, .tsv or .parquet; rename the file, or name "
            "the format with --output-format."
        )
    if chosen == "parquet" and path.suffix.lower() == ".gz":
        raise InputError(f"{path.name}: Parquet is compressed inside; remove the .gz suffix.")
    if path.is_dir():
        raise InputError(f"{str(given)!r} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise InputError(
            f"the folder {str(path.parent)!r} does not exist; create it first, or name another file."
        )
    for source in inputs:
        with suppress(OSError):
            if path.samefile(source):
                raise InputError(f"{str(given)!r} is an input file; name another output file with -o.")
    return ResultWriter(str(given), path, chosen, shape, path_separator)


def _open_text(path: Path | None) -> TextIO:
    if path is None:
        return sys.stdout
    if path.suffix.lower() == ".gz":
        return cast(TextIO, io.TextIOWrapper(gzip.open(path, "wb"), encoding="utf-8", newline=""))
    return path.open("w", encoding="utf-8", newline="")


def _round(score: float) -> float | None:
    return round(score, _DECIMALS) if math.isfinite(score) else None
