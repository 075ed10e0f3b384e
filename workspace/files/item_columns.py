"""Guess which columns of a file hold the texts and the gold labels, from their names."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.item_files import ItemColumns
from taxonaut.workspace.files.shapes.item_names import IDS, LABELS, TEXTS, match_columns
from taxonaut.workspace.files.sources import open_source
from taxonaut.workspace.files.tables import read_table

ROWS = 20
"""Rows of a JSON file that are searched for column names."""


def guess_columns(file: str | Path, text: str = "", labels: str | None = "") -> ItemColumns:
    """Choose the columns of a file to read; `text` and `labels` are used if given.

    The text column is `text`, else the first of `TEXTS`, else the only column other than ids and labels. Raises
    InputError that lists the columns if none or several match. Labels are not read if no column is named for
    them, or `labels` is None.
    """
    found = column_names(file)
    gold = labels or next(iter(match_columns(found, LABELS)), "")
    read = "" if labels is None else gold
    key = next(iter(match_columns(found, IDS)), "")
    return ItemColumns(id=key, text=text or text_column(str(file), found, {gold, key}), labels=read)


def text_column(file: str, found: Sequence[str], taken: set[str]) -> str:
    """Choose the text column."""
    candidates = [name for name in match_columns(found, TEXTS) if name not in taken]
    exact = [name for name in candidates if name.casefold() == TEXTS[0]]
    rest = [name for name in found if name not in taken]
    for names in (exact, candidates, rest):
        if len(names) == 1:
            return names[0]
    which = candidates or rest
    raise InputError(
        f"{file!r} has several columns that may hold the text: {', '.join(map(repr, which))}; say which"
        if which
        else f"{file!r} has no column for the text; its columns are {', '.join(map(repr, found)) or 'none'}"
    )


def column_names(file: str | Path) -> tuple[str, ...]:
    """Return a file's column names; for JSON, those of its first rows."""
    table = read_table(open_source(file), plain=TEXTS[0])
    if table.columns is not None:
        return table.columns
    return tuple(dict.fromkeys(name for row in islice(table.rows(), ROWS) for name in row.values))
