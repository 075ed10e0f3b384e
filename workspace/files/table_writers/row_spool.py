"""Keep rows in a temporary file until all are known, with what their columns hold."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.tables import clean_text

_INTEGERS = 2**63


class RowSpool:
    """Writes rows as JSON lists; `kinds` are the kinds of values seen in each column.

    `places` are those of the columns in the lists.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.path, self.columns = path, columns
        self.places: Sequence[int] = range(len(columns))
        self.kinds: list[set[str]] = [set() for _ in columns]
        self.count = 0
        self._file = path.open("w", encoding="utf-8")

    def write(self, cells: Sequence[object]) -> None:
        """Write one row."""
        self.count += 1
        for kinds, cell in zip(self.kinds, cells, strict=True):
            kinds.add(_kind(cell))
        self._file.write(
            json.dumps([as_json(cell) for cell in cells], ensure_ascii=False, default=str) + "\n"
        )

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """End writing."""
        self._file.close()

    def leave_out(self, first: int, end: int) -> None:
        """Leave out the columns from `first` to before `end` of all rows, once these are written."""
        kept = [place for place in self.places if not first <= place < end]
        self.places, self.columns = kept, [self.columns[place] for place in kept]
        self.kinds = [self.kinds[place] for place in kept]

    def rows(self) -> Iterator[list[Any]]:
        """Yield the rows that were written."""
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                cells = json.loads(line)
                yield [cells[place] for place in self.places]


def _kind(cell: object) -> str:
    """Return the kind of a cell: "" for none, else text, boolean, integer, number, date, datetime or nested."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool):
        return "boolean"
    if isinstance(cell, int):
        return "integer" if -_INTEGERS <= cell < _INTEGERS else "number"
    if isinstance(cell, (float, Decimal)):
        return "number"
    if isinstance(cell, datetime):
        return "datetime"
    if isinstance(cell, date):
        return "date"
    return "nested" if isinstance(cell, (list, tuple, dict)) else "text"


def as_json(cell: object) -> object:
    """Return a cell as JSON has it."""
    if isinstance(cell, str):
        return clean_text(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return str(cell)
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, (list, tuple)):
        return [as_json(each) for each in cell]
    if isinstance(cell, dict):
        return {str(key): as_json(each) for key, each in cell.items()}
    return None if cell != cell or cell in (float("inf"), float("-inf")) else cell
