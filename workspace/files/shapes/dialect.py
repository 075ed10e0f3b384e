"""Find out how a table in text is written: its delimiter, its quotes, where its header is."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.shapes.usual_names import is_known
from taxonaut.workspace.files.sources import Source

DELIMITERS = ",;\t|"
_SAMPLE = 200
_ABOVE = 20
_SHOWN = 3
_LONGEST_FIELD = 2**31 - 1
_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)[\r\n]*\Z", re.I)
CODE = re.compile(r"<?(?:https?://\S+|urn:\S+)>?|[A-Za-z]{0,4}[.\-]?\d[\w.\-/]*|[A-Z]\.[A-Z0-9]{2,}")

Record = tuple[int, list[object]]
"""A line's number and its cells."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table in text is written. `first` is the number of lines before it (`sep=;`)."""

    delimiter: str
    quoted: bool
    first: int = 0


def find_dialect(source: Source) -> Dialect:
    """Find the delimiter that divides every line alike, and whether double quotes group a field.

    TSV as published is often unquoted: where quotes do not pair, they are part of the text.
    """
    with source.open_text(newline="") as text:
        lines = list(islice((line for line in text if line.strip()), _SAMPLE))
    if not lines:
        raise InputError(f"{source.name} is empty; it must hold a header and at least one row.")
    said = _SEPARATOR_LINE.match(lines[0])
    if said:
        return Dialect(said[1], True, 1)
    delimiter = _find_delimiter(lines, source.format)
    quoted = delimiter != "\t" or '"' not in "".join(lines) or _quotes_pair(source, delimiter)
    return Dialect(delimiter, quoted)


def _find_delimiter(lines: Sequence[str], format: str) -> str:
    if format == "tsv" and any("\t" in line for line in lines):
        return "\t"
    best, most = ",", (0.0, 0.0)
    for delimiter in DELIMITERS:
        widths = Counter(len(record) for record in _parse(lines, delimiter) if record)
        width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(1, 0))
        if width > 1:
            score = (count / max(widths.total(), 1), float(width))
            if score[0] > most[0] + 0.05 or (
                score[0] > most[0] - 0.05 and score[1] > most[1] and best == ","
            ):
                best, most = delimiter, score
    if most == (0.0, 0.0):
        best = next((each for each in DELIMITERS if each in lines[0]), ",")
    return best


def _parse(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def _quotes_pair(source: Source, delimiter: str) -> bool:
    """Whether the whole file can be read with quotes, and each row then has the width of the first."""
    csv.field_size_limit(_LONGEST_FIELD)
    with source.open_text(newline="") as text:
        try:
            widths = {len(record) for record in csv.reader(text, delimiter=delimiter, strict=True) if record}
        except csv.Error:
            return False
    with source.open_text(newline="") as text:
        plain = {len(line.split(delimiter)) for line in text if line.strip()}
    return len(widths) <= len(plain)


def read_records(source: Source, dialect: Dialect) -> Iterator[Record]:
    """Yield the records of a file with the numbers of their lines; empty lines are left out."""
    csv.field_size_limit(_LONGEST_FIELD)
    with source.open_text(newline="") as text:
        for _ in range(dialect.first):
            text.readline()
        line = 1 + dialect.first
        if dialect.quoted:
            reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
        else:
            reader = csv.reader(text, delimiter=dialect.delimiter, strict=True, quoting=csv.QUOTE_NONE)
        try:
            for record in reader:
                number, line = line, reader.line_num + 1 + dialect.first
                if record:
                    yield number, list(record)
        except csv.Error as error:
            raise InputError(
                f"{source.name}, line {line}: {error}. Check the double quotes: each one that opens must "
                'close, and one inside a text is written twice ("").'
            ) from None


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table, the number of records before its rows, and what was passed over."""

    columns: tuple[str, ...]
    skip: int
    notes: tuple[str, ...] = ()


def find_header(source: str, records: Iterable[Record], *, named: frozenset[str] = frozenset()) -> Header:
    """Find the row with the names of columns: the first, the one below title rows, or none.

    `named` are names the caller asked for. Without a row of names the columns are called `column 1`, `column 2`, ….
    Raises InputError if a name is used twice.
    """
    read = [
        (place, line, ["" if cell is None else str(cell).strip() for cell in cells])
        for place, (line, cells) in enumerate(islice(records, _SAMPLE))
    ]
    places = [place for place, _, cells in read if any(cells)]
    sample = [(line, cells) for _, line, cells in read if any(cells)]
    if not sample:
        raise InputError(f"{source} is empty; it must hold a header and at least one row.")
    notes: list[str] = []
    comments = 0
    while comments < len(sample) - 1 and sample[comments][1][0].startswith("#"):
        comments += 1
    at = _find_names(sample, comments, named)
    above = [next(cell for cell in cells if cell) for _, cells in sample[:at]]
    if above:
        shown = ", ".join(repr(cell[:60]) for cell in above[:_SHOWN])
        rest = f" and {len(above) - _SHOWN} more" if len(above) > _SHOWN else ""
        notes.append(f"passed over {len(above)} lines above the table: {shown}{rest}")
    names = sample[at][1]
    rows = [cells for _, cells in sample[at + 1 :]]
    if not _are_names(names, named) and _fit_rows(names, rows):
        width = max(len(cells) for _, cells in sample[at:])
        notes.append(
            f"no header: the first row ({', '.join(repr(cell) for cell in names[:_SHOWN])}) looks like the others"
        )
        return Header(tuple(f"column {number}" for number in range(1, width + 1)), places[at], tuple(notes))
    while names and not names[-1]:
        names.pop()
    names[0] = names[0].lstrip("#").strip() if comments == 0 else names[0]
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise InputError(
            f"{source}, line {sample[at][0]}: {doubled[0]!r} names more than one column. "
            "Rename or remove one of them."
        )
    return Header(tuple(names), places[at] + 1, tuple(notes))


def _find_names(sample: Sequence[tuple[int, list[str]]], start: int, named: frozenset[str]) -> int:
    """Return the place of the header, or of the first row where there is none."""
    for place, (_, cells) in enumerate(sample[: start + _ABOVE]):
        if place < start and not cells[0].lstrip("#").strip():
            continue
        filled = [cell for cell in cells if cell]
        before = [sum(map(bool, above)) for _, above in sample[:place] if not above[0].startswith("#")]
        if _are_names(cells, named) and all(2 * count <= len(filled) for count in before):
            return place + _is_group_row(sample[place : place + 2], named)
    widths = [sum(map(bool, cells)) for _, cells in sample]
    wide = max(widths[start:])
    if wide > 1:
        for place in range(start, min(start + _ABOVE, len(sample))):
            if 2 * widths[place] >= wide and (
                place == start or all(each == 1 for each in widths[start:place])
            ):
                return place
    return start


def _is_group_row(rows: Sequence[tuple[int, list[str]]], named: frozenset[str]) -> bool:
    """Whether a row of names only groups the columns of the next one, which has more of them."""
    if len(rows) < 2:
        return False
    (_, first), (_, second) = rows
    known = [sum(cell in named or is_known(cell) for cell in cells if cell) for cells in (first, second)]
    filled = [sum(map(bool, cells)) for cells in (first, second)]
    return _are_names(second, named) and known[1] > known[0] and filled[1] > filled[0]


def _are_names(cells: Sequence[str], named: frozenset[str]) -> bool:
    filled = [cell.lstrip("#").strip() for cell in cells if cell]
    return len(set(filled)) == len(filled) and any(cell in named or is_known(cell) for cell in filled)


def _fit_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has a code or an address where the others have one, too."""
    if len(rows) < 1:
        return False
    for place, name in enumerate(names):
        below = [row[place] for row in rows if place < len(row) and row[place]]
        if below and CODE.fullmatch(name) and sum(map(bool, map(CODE.fullmatch, below))) >= 0.8 * len(below):
            return True
    return False
