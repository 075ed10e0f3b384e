"""Read the sheets of Excel and OpenDocument workbooks."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.shapes.dialect import Record
from taxonaut.workspace.files.shapes.usual_names import is_known
from taxonaut.workspace.files.sources import Source, max_unpacked, too_large

_ABOVE = 20


class Workbook:
    """A workbook in memory. Raises InputError if it cannot be read, is encrypted, or holds too much."""

    def __init__(self, source: Source) -> None:
        import python_calamine

        self._name = source.name
        with source.open_bytes() as file:
            content = file.read()
        if content.startswith(b"PK"):
            _check_size(source.name, content)
        try:
            self._book: Any = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        except python_calamine.PasswordError:
            raise InputError(f"{source.name} is encrypted; save it without a password") from None
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise InputError(
                f"{source.name} cannot be read as a workbook: {error}. Save it again as .xlsx or as CSV UTF-8"
            ) from None
        self.sheets: list[str] = self._book.sheet_names
        self._read: tuple[str, Any] = ("", None)
        """The sheet that was read last, and what is in it."""

    def choose(self, wanted: str = "") -> tuple[str, tuple[str, ...]]:
        """Return a sheet's name, and the names of sheets with rows that are not read.

        `wanted` is its name, else the first sheet with a usual name of a column, else that with the most rows.
        """
        if wanted and wanted not in self.sheets:
            listed = ", ".join(map(repr, self.sheets))
            raise InputError(f"{self._name} has no sheet {wanted!r}; its sheets are {listed}")
        heights: dict[str, int] = {}
        fitting = ""
        for sheet in reversed(self.sheets):  # so that the first one, which is read mostly, is read last
            heights[sheet] = self._sheet(sheet).height
            if heights[sheet] > 1 and self._has_names(sheet):
                fitting = sheet
        filled = [sheet for sheet in self.sheets if heights[sheet]]
        if not filled:
            raise InputError(f"{self._name} has no sheet with rows")
        chosen = wanted or fitting or max(filled, key=lambda sheet: heights[sheet])
        return chosen, tuple(sheet for sheet in filled if sheet != chosen)

    def _sheet(self, name: str) -> Any:
        if self._read[0] != name or self._read[1] is None:
            self._read = (name, self._book.get_sheet_by_name(name))
        return self._read[1]

    def records(self, sheet: str) -> Iterator[Record]:
        """Yield the rows that are not blank, with their numbers."""
        found = self._sheet(sheet)
        first = (found.start or (0, 0))[0]
        for number, cells in enumerate(found.iter_rows(), start=1 + first):
            shown = [_as_cell(cell) for cell in cells]
            if any(cell != "" for cell in shown):
                yield number, shown

    def _has_names(self, sheet: str) -> bool:
        for place, (_, cells) in enumerate(self.records(sheet)):
            if place == _ABOVE:
                break
            if sum(is_known(cell) for cell in cells if isinstance(cell, str)) > 1:
                return True
        return False


def _as_cell(cell: object) -> object:
    """Return a cell; whole numbers without a fraction."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell


def _check_size(name: str, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{name} cannot be read as a workbook: {error}; copy it again") from None
    if size > max_unpacked():
        raise too_large(name)
