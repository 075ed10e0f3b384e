"""The items of a command: texts on the command line, a file, or standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from taxonaut.cli.shared.exit_codes import say
from taxonaut.state.errors import InputError
from taxonaut.state.records import Item, as_item
from taxonaut.workspace import files
from taxonaut.workspace.files.sources import DOCUMENT_FORMATS, STDIN, SUFFIXES, WHOLE, plain_suffix

if TYPE_CHECKING:
    from taxonaut.workspace.files.item_files import ItemColumns, ItemFields

SUFFIX = re.compile(r"[\w)\]]\.[A-Za-z][A-Za-z0-9]{1,7}$")
"""The end of a name with a suffix, whatever it is."""

DATA_SUFFIXES = frozenset(
    """
    .dat .data .doc .rtf .odt .epub .tex .log .xml .yaml .yml .toml .ini .sql .db .sqlite .avro .zip
    .gz .tar .bz2 .xz .7z .pptx .ppt .msg .eml .rdf .ttl .owl .nt
    """.split()  # noqa: SIM905 - suffixes read better than quotes
)
"""Suffixes of files of which no text is read: a word that ends so is a file that is not there, and no text."""

ADDRESS = re.compile(r"https?://\S+$", re.IGNORECASE)
LINES = "lines"
AS_TEXT = "If it is a text and not a file, pipe it in and give - instead."


@dataclass(frozen=True, slots=True)
class ItemInput:
    """Items that are read one by one.

    `is_texts` where they stood on the command line; `file` is empty then, and for standard input. `problems` gets
    a line for each document that could not be read, by its id, while items are read. `fields` are the columns of the
    rows that `take` returns.
    """

    count: int
    rows: Callable[[], Iterator[tuple[Item, Mapping[str, object]]]]
    fields: ItemFields
    file: str = ""
    is_texts: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)
    held: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """The rows of items that are read and not yet taken."""

    def items(self) -> Iterator[Item]:
        """Yield the items, and hold their rows."""
        for item, values in self.rows():
            self.held[item.id] = values
            yield item

    def take(self, item: Item) -> Mapping[str, object]:
        """Return the row that an item came in, once."""
        return self.held.pop(item.id, {})


def item_input(
    given: Sequence[str],
    columns: ItemColumns,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    documents: bool = False,
    sheet: str = "",
) -> ItemInput:
    """Tell texts from files: what exists or has a known suffix is a file, `-` or nothing standard input.

    A folder, a pattern, several files, and any file with `documents`, are documents: one text a file. Raises
    InputError that names the file if it cannot be read, also where a text was meant, and for what is written like a
    file that is not there.
    """
    if not given:
        if sys.stdin.isatty():
            raise InputError("there is nothing to label: give a text or a file, or pipe texts in")
        given = [STDIN]
    if blank := [text for text in given if not text.strip()]:
        raise InputError(f"{blank[0]!r} is an empty text; give a text or a file")
    if format is None and not any(text == STDIN or names_file(text) for text in given):
        if missing := [text for text in given if looks_like_file(text)]:
            raise InputError(f"there is no file {missing[0]!r}. {AS_TEXT}")
        if addresses := [text for text in given if ADDRESS.match(text)]:
            raise InputError(
                f"{addresses[0]!r} is a web address, and nothing is fetched: save the page and give its file. "
                f"{AS_TEXT}"
            )
        return _texts(given)
    if len(given) > 1 and STDIN in given:
        raise InputError(
            f"{len(given)} arguments, and '-' is standard input: give - alone, or files, or texts"
        )
    if documents and given == [STDIN]:
        return _file(STDIN, columns, format or WHOLE, encoding, sheet)
    if documents or len(given) > 1 or Path(given[0]).is_dir() or is_pattern(given[0]):
        return _documents(given, format, encoding)
    return _file(given[0], columns, format, encoding, sheet)


def names_file(given: str) -> bool:
    """Whether an argument names a file, a folder or files: it exists, or it ends like one that can be read."""
    if not given.strip():
        return False
    path = Path(given)
    if plain_suffix(path) in SUFFIXES and not ADDRESS.match(given):
        return True
    return exists(path) or is_pattern(given)


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; False for what can be none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_pattern(given: str) -> bool:
    """Whether an argument is a pattern such as `docs/*.md`: a word with a star or bracket, and a folder or suffix."""
    return (
        len(given.split()) == 1
        and any(sign in given for sign in "*[")
        and ("/" in given or os.sep in given or Path(given).suffix.lower() in SUFFIXES)
        and not ADDRESS.match(given)
        and not exists(Path(given))
    )


def looks_like_file(given: str) -> bool:
    """Whether an argument is written like the path of a file that is not there: one word with a folder or a suffix.

    The folder exists, or the path begins or ends like one, or has a suffix: `docs/a`, `./a`, `a/`, `a/b.png`; or the
    suffix is one of data and documents: `items.dat`. Neither `and/or` nor `Node.js` is.
    """
    if len(given.split()) == 1 and Path(given).suffix.lower() in DATA_SUFFIXES and not ADDRESS.match(given):
        return True
    if len(given.split()) != 1 or ADDRESS.match(given) or not ("/" in given or os.sep in given):
        return False
    begins = given.startswith(("/", "./", "../", "~/", os.sep))
    return begins or given.endswith(("/", os.sep)) or bool(SUFFIX.search(given)) or exists(Path(given).parent)


def _texts(given: Sequence[str]) -> ItemInput:

    return input_of(list(dict.fromkeys(as_item(files.tables.clean_text(text)) for text in given)))


def input_of(items: Sequence[Item]) -> ItemInput:
    """Return texts as the items of a command."""
    return ItemInput(len(items), partial(_plain_rows, items), files.item_files.TEXT_FIELDS, is_texts=True)


def _plain_rows(items: Iterable[Item]) -> Iterator[tuple[Item, Mapping[str, object]]]:
    return ((item, files.item_files.row_of_text(item)) for item in items)


def _file(given: str, columns: ItemColumns, format: str | None, encoding: str, sheet: str) -> ItemInput:
    try:
        file = files.item_files.open_items(given, columns, format=format, encoding=encoding, sheet=sheet)
    except InputError as error:
        if given == STDIN or Path(given).is_file():
            raise
        raise InputError(f"{error} {AS_TEXT}") from None
    if (
        file.table.source.format == LINES
        and format is None
        and given != STDIN
        and file.table.source.has_paragraphs()
    ):
        say(
            f"note: {file.name} is read as one text a line, {file.count:,} texts; with --documents it is one text"
        )
    for note in file.notes:
        say(f"note: {note}")
    return ItemInput(
        file.count,
        lambda: ((row.item, row.values) for row in file.rows()),
        file.fields,
        "" if given == STDIN else given,
    )


def _documents(given: Sequence[str], format: str | None, encoding: str) -> ItemInput:
    """Open documents. Raises InputError for an argument that is none, or is not there."""
    if format is not None and format not in DOCUMENT_FORMATS:
        raise InputError(f"--format {format} reads one file; {given[0]!r} names documents, one text each")
    found = files.documents.document_files.gather_documents(given, format)
    many = len(found.found) > 1
    left_out = f"; left out: {', '.join(found.left_out)}" if found.left_out else ""
    if many or left_out:
        say(f"note: {len(found.found):,} documents are read, each as one text{left_out}")
    read = files.documents.document_files.DocumentFiles(found, format, encoding)
    name = given[0] if len(given) == 1 else ", ".join(given)
    fields = files.item_files.ItemFields(("id",), "id")
    return ItemInput(
        len(found.found), lambda: ((item, {"id": item.id}) for item in read.items()), fields, name,
        problems=read.problems,
    )  # fmt: skip
