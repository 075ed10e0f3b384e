"""Write results to JSON lines, CSV, TSV or Parquet."""

import csv
import gzip
import io
import json
import math
import sys
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TextIO, TypeVar, cast

from taxonaut.state.errors import InputError
from taxonaut.state.records import ItemResult
from taxonaut.workspace.core.text_format import escape_json
from taxonaut.workspace.files.output_files import STDOUT, Replacement, check_output, write_error
from taxonaut.workspace.files.parquet import jsonl_to_parquet
from taxonaut.workspace.files.sources import Format, format_of
from taxonaut.workspace.files.tables import clean_text

RESULT_FORMATS: tuple[Format, ...] = ("jsonl", "csv", "tsv", "parquet")
CSV_COLUMNS = ("id", "rank", "label_id", "name", "path", "score", "evidence", "reason", "error")
PARQUET_COLUMNS = {
    "id": "VARCHAR",
    "labels": "STRUCT(id VARCHAR, name VARCHAR, path VARCHAR[], score DOUBLE, evidence VARCHAR, "
    'reason VARCHAR, place STRUCT("start" BIGINT, "end" BIGINT, passage BIGINT, passages BIGINT))[]',
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
    """Return an item's JSON object: `id`, `labels` best first, and `error` only if there is one.

    A label of a text that is read in several passages also has the `place` of its evidence.
    """
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
                **({"place": asdict(label.place)} if label.place is not None else {}),
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

    The file is whole or it is not there: rows go to a temporary file that replaces the target on success; otherwise
    the old file stays. After Ctrl-C, JSON lines that are written are kept where no old file was. Cells are not
    escaped: open files made from untrusted texts as text in a spreadsheet, since a cell may start with `=`.
    """

    def __init__(
        self, name: str, path: Path | None, format: Format, shape: RowFormat[R], path_separator: str = " > "
    ) -> None:
        self._name = name
        self._path = path
        self._format = format
        self._shape = shape
        self._path_separator = path_separator
        self._has_rows = False

    def __enter__(self) -> Self:
        with self._translate_os_errors():
            self._replacement = Replacement(self._path) if self._path is not None else None
            self._file = self._open_text()
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
                    line = json.dumps(self._shape.row(result), ensure_ascii=False)
                    self._file.write((escape_json(line) if self._path is None else line) + "\n")
            self._file.flush()
            self._has_rows = self._has_rows or bool(results)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        replacement = self._replacement
        if replacement is None:
            return
        try:
            with self._translate_os_errors():
                self._file.close()
                if kind is None or self._stands_after(kind, replacement):
                    self._finish(replacement)
        finally:
            with suppress(OSError):
                replacement.discard()

    def _stands_after(self, kind: type[BaseException], replacement: Replacement) -> bool:
        """Whether the rows so far are kept although the work was stopped."""
        stopped = issubclass(kind, KeyboardInterrupt | CancelledError)
        return stopped and self._format == "jsonl" and self._has_rows and not replacement.target.exists()

    def _finish(self, replacement: Replacement) -> None:
        if self._format != "parquet":
            replacement.commit()
            return
        import duckdb

        parquet = replacement.path.with_name(replacement.path.name + ".parquet")
        try:
            jsonl_to_parquet(replacement.path, parquet, self._shape.parquet_columns)
            parquet.replace(replacement.target)
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from None
        finally:
            parquet.unlink(missing_ok=True)

    def _open_text(self) -> TextIO:
        if self._path is None or self._replacement is None:
            return sys.stdout
        if self._path.suffix.lower() == ".gz":
            packed = gzip.open(self._replacement.path, "wb")  # noqa: SIM115
            return cast(TextIO, io.TextIOWrapper(packed, encoding="utf-8", newline=""))
        return self._replacement.path.open("w", encoding="utf-8", newline="")

    def _table(self) -> Any:
        return csv.writer(self._file, delimiter="\t" if self._format == "tsv" else ",")

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
    check_output(path, inputs)
    return ResultWriter(str(given), path, chosen, shape, path_separator)


def _round(score: float) -> float | None:
    return round(score, _DECIMALS) if math.isfinite(score) else None
