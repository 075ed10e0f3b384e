"""A store of numbered folders, each with a card and files, that are written whole or not at all."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from taxonaut.state.errors import DiskError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CARD = "card.json"
UNFINISHED = ".new-"

_DAY_S = 86_400


class Numbered(Protocol):
    """A card with the number of its folder."""

    @property
    def number(self) -> int:
        """The folder's name; 0 for a card that is not saved."""


if TYPE_CHECKING:

    class _Card(DataclassInstance, Numbered, Protocol):
        pass


C = TypeVar("C", bound="_Card")


class NumberedFolders:
    """Folders called 1, 2, 3, …; deleting one removes what it holds. A subclass says what an error means to users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def numbers(self) -> list[int]:
        """Return the numbers that are there, ascending."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(int(each.name) for each in found if each.is_dir() and _is_number(each.name))

    def path(self, number: int) -> Path:
        """Return the folder of a number."""
        return self.folder / str(number)

    @contextmanager
    def staging_folder(self) -> Iterator[Path]:
        """Yield a temporary folder to write files in. Raises DiskError for an OSError in the block."""
        new = None
        try:
            self.folder.mkdir(exist_ok=True)
            self.remove_leftovers()
            new = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
            yield new
        except OSError as error:
            raise self.disk_error(error) from None
        finally:
            if new is not None:
                shutil.rmtree(new, ignore_errors=True)

    def add(self, new: Path, card: C) -> C:
        """Write the card and rename the folder to the next free number; return the card with it."""
        number = max(self.numbers(), default=0)
        new.chmod(0o755)
        while True:
            number += 1
            card = replace(card, number=number)
            text = json.dumps(asdict(card), ensure_ascii=False, indent=2)
            (new / CARD).write_text(text + "\n", encoding="utf-8", errors="replace")
            try:
                new.rename(self.path(number))
            except OSError:
                if not self.path(number).exists():
                    raise
                continue  # another process took the number meanwhile
            return card

    def remove_leftovers(self) -> None:
        """Delete the temporary folders of killed processes: those that nothing was written to for a day."""
        for each in self.folder.glob(f"{UNFINISHED}*"):
            if time.time() - each.stat().st_mtime > _DAY_S:
                shutil.rmtree(each, ignore_errors=True)

    def disk_error(self, error: OSError) -> DiskError:
        """Return the error for what cannot be saved."""
        return DiskError(f"cannot write to {str(self.folder)!r}: {error.strerror or error}; free disk space")


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and str(int(name)) == name
