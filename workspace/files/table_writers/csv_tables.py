"""Write CSV in the dialect that a table came in: delimiter, quotes, encoding, line ends, decimal comma."""

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import TextIO

from taxonaut.workspace.files.shapes.dialect import find_dialect, read_records
from taxonaut.workspace.files.sources import Source
from taxonaut.workspace.files.table_writers.cells import Column, cell_text, runs_as_formula

_SAMPLE = 200
_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT = re.compile(r"[+-]?\d+\.\d+")


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How CSV is written. `mark`: it begins with a byte order mark; `says_delimiter`: with a line such as `sep=;`.

    Without `quoted` no field is quoted, and delimiters and line breaks inside one become blanks.
    """

    delimiter: str = ","
    quoted: bool = True
    quotes_all: bool = False
    line_end: str = "\r\n"
    encoding: str = "utf-8"
    mark: bool = False
    says_delimiter: bool = False
    decimal_comma: bool = False

    @property
    def codec(self) -> str:
        """The encoding, with its mark if there is one."""
        return "utf-8-sig" if self.mark and codecs.lookup(self.encoding).name == "utf-8" else self.encoding


def dialect_of(source: Source) -> CsvDialect:
    """Find how a CSV or TSV file is written."""
    found = find_dialect(source)
    records = [cells for _, cells in islice(read_records(source, found), _SAMPLE)]
    with source.open_text(newline="") as text:
        lines = list(islice(text, _SAMPLE))
    with source.open_bytes() as raw:
        start = raw.read(4)
    body = lines[found.first :]
    line_end = next((end for end in ("\r\n", "\n", "\r") if body and body[0].endswith(end)), "\n")
    texts = [str(cell) for cells in records for cell in cells]
    return CsvDialect(
        delimiter=found.delimiter,
        quoted=found.quoted,
        quotes_all=found.quoted and _are_all_quoted(records, body, found.delimiter),
        line_end=line_end,
        encoding=source.encoding,
        mark=start.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
        says_delimiter=bool(found.first),
        decimal_comma=found.delimiter != ","
        and any(map(_COMMA.fullmatch, texts))
        and not any(map(_POINT.fullmatch, texts)),
    )


def _are_all_quoted(records: Sequence[Sequence[object]], lines: Sequence[str], delimiter: str) -> bool:
    """Whether the first lines are as they would be with quotes around every field."""
    shown = StringIO()
    csv.writer(shown, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(records[:20])
    written = shown.getvalue()
    read = "".join(lines).replace("\r\n", "\n").replace("\r", "\n")
    return bool(records) and read.startswith(written.removesuffix("\n"))


class CsvTable:
    """Writes rows to a text file that is open with `newline=""`; `guarded` counts cells made harmless."""

    def __init__(
        self,
        file: TextIO,
        columns: Sequence[Column],
        dialect: CsvDialect,
        *,
        path_separator: str = " > ",
        raw: bool = False,
    ) -> None:
        self._file, self._columns, self._dialect, self._raw = file, columns, dialect, raw
        self._path_separator = path_separator
        self.guarded = 0
        self._writer = csv.writer(
            file,
            delimiter=dialect.delimiter,
            quoting=csv.QUOTE_ALL if dialect.quotes_all else csv.QUOTE_MINIMAL,
            lineterminator=dialect.line_end,
        )
        if dialect.says_delimiter:
            file.write(f"sep={dialect.delimiter}{dialect.line_end}")
        self._write([column.name for column in columns])

    def write(self, cells: Sequence[object]) -> None:
        """Write one row."""
        self._write(
            [
                cell_text(cell, column, self._path_separator, decimal_comma=self._dialect.decimal_comma)
                for column, cell in zip(self._columns, cells, strict=True)
            ]
        )

    def _write(self, texts: Sequence[str]) -> None:
        if not self._raw:
            texts = [self._guard(text) for text in texts]
        if self._dialect.quoted:
            self._writer.writerow(texts)
            return
        signs = re.compile(f"[\r\n{re.escape(self._dialect.delimiter)}]+")
        line = self._dialect.delimiter.join(signs.sub(" ", text) for text in texts)
        self._file.write(f"{line}{self._dialect.line_end}")

    def _guard(self, text: str) -> str:
        if not runs_as_formula(text):
            return text
        self.guarded += 1
        return f"'{text}"
