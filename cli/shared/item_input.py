"""The items of a command: texts on the command line, a file, or standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taxonaut.state.errors import InputError
from taxonaut.state.records import Item, as_item
from taxonaut.workspace import files
from taxonaut.workspace.files.sources import STDIN, SUFFIXES

if TYPE_CHECKING:
    from taxonaut.workspace.files.item_files import ItemColumns

COMPRESSED = ".gz"
SUFFIX = re.compile(r"[\w)\]]\.[A-Za-z][A-Za-z0-9]{1,7}$")
"""The end of a name with a suffix, whatever it is."""


@dataclass(frozen=True, slots=True)
class ItemInput:
    """Items that are read one by one.

    `is_texts` where they stood on the command line; `file` is empty then, and for standard input.
    """

    count: int
    items: Callable[[], Iterator[Item]]
    file: str = ""
    is_texts: bool = False


def item_input(
    given: Sequence[str], columns: ItemColumns, *, format: str | None = None, encoding: str = "utf-8"
) -> ItemInput:
    """Tell texts from a file: what exists or has a known suffix is a file, `-` or nothing standard input.

    Raises InputError that names the file if it cannot be read, also where a text was meant, and for what is written
    like a file that is not there.
    """
    if not given:
        if sys.stdin.isatty():
            raise InputError("there is nothing to label: give a text or a file, or pipe texts in")
        given = [STDIN]
    if blank := [text for text in given if not text.strip()]:
        raise InputError(f"{blank[0]!r} is an empty text; give a text or a file")
    if format is None and not any(text == STDIN or names_file(text) for text in given):
        if missing := [text for text in given if looks_like_file(text)]:
            raise InputError(
                f"there is no file {missing[0]!r}. If it is a text and not a file, pipe it in and give - instead."
            )
        return _texts(given)
    if len(given) > 1:
        raise InputError(
            f"{len(given)} arguments, and {next(filter(names_file, given), given[0])!r} is a file: give one "
            "file, or texts only"
        )
    return _file(given[0], columns, format, encoding)


def names_file(given: str) -> bool:
    """Whether an argument is the name of a file: it exists, or it ends like one that can be read."""
    if not given.strip():
        return False
    path = Path(given)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == COMPRESSED:
        suffixes.pop()
    if suffixes and suffixes[-1] in SUFFIXES:
        return True
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def looks_like_file(given: str) -> bool:
    """Whether an argument is written like the path of a file: one word, with a folder or a suffix."""
    return len(given.split()) == 1 and ("/" in given or os.sep in given or SUFFIX.search(given) is not None)


def _texts(given: Sequence[str]) -> ItemInput:

    items = list(dict.fromkeys(as_item(files.tables.clean_text(text)) for text in given))
    return ItemInput(len(items), lambda: iter(items), is_texts=True)


def _file(given: str, columns: ItemColumns, format: str | None, encoding: str) -> ItemInput:
    try:
        file = files.item_files.open_items(given, columns, format=format, encoding=encoding)
    except InputError as error:
        if given == STDIN or Path(given).is_file():
            raise
        raise InputError(f"{error} If it is a text and not a file, pipe it in and give - instead.") from None
    return ItemInput(file.count, lambda: (row.item for row in file.rows()), "" if given == STDIN else given)
