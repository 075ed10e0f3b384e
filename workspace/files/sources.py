"""Open input files, compressed files and standard input, and detect their format."""

import codecs
import difflib
import gzip
import io
import json
import os
import re
import sys
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Self, TextIO, cast

from taxonaut.state.errors import InputError
from taxonaut.state.plugins import extensions

READERS = "taxonaut.readers"
"""Entry point group of file formats; a format added by a plugin is detected by its name as suffix."""

Format = str
WHOLE: Format = "document"
"""The format of a file that is one text."""

DOCUMENT_SUFFIXES: Mapping[str, Format] = {
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
DOCUMENT_FORMATS = (WHOLE, *dict.fromkeys(DOCUMENT_SUFFIXES.values()))
"""Formats of which each file is one text."""

FORMATS = ("csv", "tsv", "jsonl", "json", "lines", "parquet", "arrow", "excel", *DOCUMENT_FORMATS)
"""The formats of taxonaut itself, in the order in which messages list them."""

SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "lines",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".item": "tsv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
    **DOCUMENT_SUFFIXES,
}
STDIN = "-"
_TEXTS = ("csv", "tsv", "jsonl", "json", "lines")
COLUMNAR = ("parquet", "arrow")
"""Formats that are read from the file itself."""


UNPACKED_VARIABLE = "TAXONAUT_MAX_UNPACKED_GB"
"""The environment variable with the gigabytes that a compressed file may hold, unpacked."""

MAX_UNPACKED_GB = 1.0
_GZIP_MAGIC = b"\x1f\x8b"
_SHOWN = 24
_BETWEEN = (b" ", b",", b";", b"\t", b'"')
_ENCODINGS: Mapping[str, str] = {
    "cp1252": "cp1252",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "gb18030": "gb2312",
    "shift_jis": "shift_jis",
}
"""What files that are not UTF-8 are mostly in, and the encoding that holds the frequent characters of each."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Source:
    """An input that can be read more than once.

    `name` is used in messages. `data` holds the bytes of standard input and of pipes, which can be
    read only once; for a file it is None and `path` is read each time.
    """

    name: str
    path: Path
    format: Format
    encoding: str = "utf-8"
    compressed: bool = False
    data: bytes | None = None
    sheet: str = ""

    def open_bytes(self) -> BinaryIO:
        """Open the decompressed bytes."""
        raw = cast(BinaryIO, self.path.open("rb")) if self.data is None else io.BytesIO(self.data)
        return cast(BinaryIO, _ClosingGzip(raw, self.name)) if self.compressed else raw

    @contextmanager
    def open_text(self, newline: str | None = None) -> Iterator[TextIO]:
        """Open the decoded text; decoding and gzip errors inside the block become `InputError`."""
        encoding = "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding
        try:
            with (
                self.open_bytes() as raw,
                io.TextIOWrapper(raw, encoding=encoding, newline=newline) as text,
            ):
                yield text
        except UnicodeError as error:
            self._refuse_encoding(error)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(
                f"{self.name}: the gzip data is damaged or cut off ({error}). Copy or compress it again."
            ) from None

    def has_paragraphs(self) -> bool:
        """Whether an empty line stands between lines of the text, as in prose."""
        blank = seen = False
        with self.open_text() as text:
            for line in text:
                if not line.strip():
                    blank = seen
                elif blank:
                    return True
                else:
                    seen = True
        return False

    def _refuse_encoding(self, error: UnicodeError) -> NoReturn:
        """Raise InputError with the position of the first undecodable byte."""
        with self.open_bytes() as raw:
            if raw.read(2) in _UTF16_MARKS:
                raise InputError(
                    f"{self.name} is not {self.encoding}: it starts like UTF-16. Add --encoding utf-16."
                ) from None
        offset = 0
        with self.open_bytes() as raw:
            for number, line in enumerate(raw, start=1):
                try:
                    line.decode(self.encoding)
                except UnicodeDecodeError as bad:
                    raise InputError(
                        f"{self.name}, line {number}: byte 0x{line[bad.start]:02x} at offset "
                        f"{offset + bad.start} is not {self.encoding}. Save the file as UTF-8, or name its "
                        f"encoding: {_suggest_encodings(line, bad.start)}."
                    ) from None
                offset += len(line)
        raise InputError(
            f"{self.name} is not {self.encoding}: {error}. Name its encoding with --encoding."
        ) from None


def _suggest_encodings(line: bytes, at: int) -> str:
    """Return options that read the word at a byte as letters of one script, each with what it reads."""
    start = max(line.rfind(mark, 0, at) for mark in _BETWEEN) + 1
    word = re.split(rb"[ ,;\t\r\n\"]", line[start:])[0][: 2 * _SHOWN]
    found: dict[str, str] = {}
    for encoding, stricter in _ENCODINGS.items():
        try:
            word.decode(stricter)
            read = word.decode(encoding)
        except UnicodeDecodeError:
            continue
        parts = re.findall(r"[^\W\d_]+", read)
        if parts and read.isprintable() and all(map(_is_plausible, parts)):
            found.setdefault(read, encoding)
    options = [f"--encoding {encoding} reads {read!r}" for read, encoding in found.items()]
    return ", ".join(options) or "for example --encoding latin-1 or --encoding cp1252"


def _is_plausible(word: str) -> bool:
    """Whether a word's letters are of one script, and capitals at its start or throughout."""
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in word}
    return len(scripts) == 1 and (word[1:].islower() or word in (word.upper(), word.lower()))


def formats() -> list[str]:
    """Return the formats that can be read: ours, then those of other packages by name."""
    return [*FORMATS, *sorted(set(extensions(READERS)) - set(FORMATS))]


def open_source(given: str | Path, format: Format | None = None, encoding: str = "utf-8") -> Source:
    """Open a file or standard input and determine its format.

    `given` is a path or `-` for standard input. The format follows from the suffix (before an optional
    `.gz`), unless `format` names it; standard input and pipes are one text per line or, when the first line is
    a JSON object, JSON lines. Raises `InputError` when the file is missing, empty, a folder, of an unknown
    suffix, or when format or encoding are unknown.
    """
    _check_encoding(encoding)
    if format is not None and format not in formats():
        raise InputError(f"--format {format!r} is unknown; it can be one of {', '.join(formats())}.")
    path = Path(given)
    try:
        if str(given) == STDIN:
            return _buffered_source("standard input", path, sys.stdin.buffer.read(), format, encoding)
        if path.is_dir():
            raise InputError(f"{str(given)!r} is a folder; give one file in it.")
        if not path.exists():
            raise InputError(f"{str(given)!r} does not exist{_similar_file(path)}")
        if not path.is_file():
            return _buffered_source(str(given), path, path.read_bytes(), format, encoding)
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise InputError(f"{str(given)!r} cannot be read: {error.strerror}. Check its permissions.") from None
    compressed = path.suffix.lower() == ".gz"
    chosen = format or format_of(path)
    if chosen in COLUMNAR and compressed:
        raise InputError(f"{path.name}: {chosen} is compressed inside; unpack it first: gunzip {path.name}")
    if not start.strip(codecs.BOM_UTF8 + b" \t\r\n") and not compressed:
        raise InputError(f"{path.name} is empty; it must hold at least one row.")
    if start.startswith(_UTF16_MARKS) and codecs.lookup(encoding).name == "utf-8":
        encoding = "utf-16"
    elif codecs.lookup(encoding).name == "utf-8" and chosen in _TEXTS and not compressed:
        encoding = _utf16_without_mark(start) or encoding
    return Source(path.name, path, chosen, encoding, compressed)


def _utf16_without_mark(start: bytes) -> str:
    """Return the name of UTF-16 of one byte order if every other byte is mostly zero, or ""."""
    zeros = [start[each::2].count(0) for each in (0, 1)]
    if 4 * max(zeros) < len(start) or min(zeros):
        return ""
    return "utf-16-le" if zeros[1] else "utf-16-be"


def _buffered_source(name: str, path: Path, data: bytes, format: Format | None, encoding: str) -> Source:
    compressed = data.startswith(_GZIP_MAGIC)
    if not data.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise InputError(f"{name} is empty; it must hold at least one text.")
    if format in COLUMNAR:
        raise InputError(f"{format} cannot be read from {name}; give the file itself.")
    source = Source(name, path, format or "lines", encoding, compressed, data)
    if format is None and _starts_with_object(source):
        return Source(name, path, "jsonl", encoding, compressed, data)
    return source


def _starts_with_object(source: Source) -> bool:
    with source.open_text() as text:
        first = next((line for line in text if line.strip()), "")
    try:
        return isinstance(load_json(first), dict)
    except ValueError:
        return False


def plain_suffix(path: Path) -> str:
    """Return a path's suffix in lower case, that before a final `.gz`; "" if it has none."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def is_known_suffix(path: Path) -> bool:
    """Whether a path's suffix, without a final `.gz`, names a format."""
    suffix = plain_suffix(path)
    return suffix in SUFFIXES or suffix[1:] in formats()


def format_of(path: Path) -> Format:
    """Return the format for a path's suffix, ignoring a final `.gz`. Raises `InputError` if unknown."""
    suffix = plain_suffix(path)
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix[1:] in formats():
        return suffix[1:]
    said = f"the suffix {suffix!r} is unknown" if suffix else "it has no suffix"
    raise InputError(
        f"{path.name}: {said}; known are {', '.join(SUFFIXES)} (and .gz after each but Parquet's). "
        f"Rename the file or name its format: --format {'|'.join(formats())}."
    )


def _check_encoding(encoding: str) -> None:
    try:
        known = codecs.lookup(encoding)
    except LookupError:
        known = None
    if known is None or not getattr(known, "_is_text_encoding", True):
        raise InputError(f"--encoding {encoding!r} is unknown; try utf-8, latin-1, cp1252 or utf-16.")


def _similar_file(path: Path) -> str:
    """Suggest a file with a similar name in the same folder."""

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" (nor does the folder {str(path.parent)!r})."
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else "."


def max_unpacked() -> int:
    """Return the bytes that a compressed file may hold, unpacked. Raises InputError for an invalid setting."""
    given = os.environ.get(UNPACKED_VARIABLE, "")
    try:
        limit = float(given) if given else MAX_UNPACKED_GB
    except ValueError:
        limit = 0
    if not 0 < limit < inf:
        raise InputError(f"{UNPACKED_VARIABLE} is {given!r}; give a number of gigabytes, such as 4")
    return int(limit * 10**9)


def too_large(name: str) -> InputError:
    """Return the error for a compressed file that holds more than it may."""
    return InputError(
        f"{name} holds more than {max_unpacked() / 10**9:g} GB, unpacked. If it is yours, set the environment "
        f"variable {UNPACKED_VARIABLE} to the gigabytes it may hold, or unpack it first."
    )


class WrittenFloat(float):
    """A number with the digits that it is written with: `1.10` may be a code. `7.0` is 7, as pandas writes it."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Self:
        """Read the number."""
        made = super().__new__(cls, text)
        made.text = text.removesuffix(".0")
        return made

    text: str


_LEADING_ZERO = re.compile(r'"(?:[^"\\]|\\.)*"|(-?0\d[\d.]*)')


def load_json(text: str) -> Any:
    """Read JSON; numbers with leading zeros, which are none in JSON, are codes and become texts.

    Numbers with decimals are `WrittenFloat`. Raises ValueError if it is not valid, or nested too deeply.
    """
    try:
        return _load_json(text)
    except json.JSONDecodeError:
        mended = _LEADING_ZERO.sub(lambda found: f'"{found[1]}"' if found[1] else found[0], text)
        if mended == text:
            raise
        return _load_json(mended)


def _load_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=WrittenFloat)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", text, 0) from None


class _ClosingGzip(gzip.GzipFile):
    """A gzip reader that closes the file it reads from, and reads no more than `max_unpacked` bytes of it."""

    def __init__(self, raw: BinaryIO, source: str) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._raw_file = raw
        self._source = source
        self._left = max_unpacked()

    def read(self, size: int | None = -1) -> bytes:
        return self._count(
            super().read(min(self._left + 1, self._left + 1 if size is None or size < 0 else size))
        )

    def read1(self, size: int = -1) -> bytes:
        return self._count(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._count(super().readline(self._left + 1 if size is None or size < 0 else size))

    def _count(self, found: bytes) -> bytes:
        self._left -= len(found)
        if self._left < 0:
            raise too_large(self._source)
        return found

    def close(self) -> None:
        super().close()
        self._raw_file.close()
