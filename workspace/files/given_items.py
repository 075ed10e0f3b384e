"""Items from what Python programs hold: texts, items, data frames, Arrow tables, data sets, dictionaries."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.records import Item, as_items
from taxonaut.workspace.files.item_files import TEXT_FIELDS, ItemColumns, ItemFields, check_items, row_of_text
from taxonaut.workspace.files.sources import Source
from taxonaut.workspace.files.tables import Row, Table

Texts = Any
"""Texts, items, or dictionaries; what else is a table, `given_items` says."""

_AT_ONCE = 1_000
_NOTHING = object()
_MISSING = frozenset({"NAType", "NaTType"})


@dataclass(frozen=True, slots=True)
class GivenItems:
    """Items, each with the row that it came in."""

    pairs: Iterator[tuple[Item, Mapping[str, object]]]
    fields: ItemFields = TEXT_FIELDS

    def items(self, rows: dict[str, Mapping[str, object]] | None = None) -> Iterator[Item]:
        """Yield the items, once; their rows are added to `rows`, by item id."""
        for item, row in self.pairs:
            if rows is not None:
                rows[item.id] = row
            yield item


def given_items(given: Any, columns: ItemColumns | None = None) -> GivenItems:
    """Return the items in what a program gives; a table is never its column names.

    A table is a pandas or polars data frame, an Arrow table, a Hugging Face data set or anything else with
    `column_names` that yields dictionaries, dictionaries, or a dictionary of lists. Its texts are in the column
    `text`, else in one with a usual name such as `title`, else in `columns.text`, where several are joined and
    `a.b` is a key of a nested object. Rows without an id get a hash of their text, as texts do. Raises InputError
    for anything else, and as `open_items` does.
    """
    rows = _table_rows(given)
    if rows is None:
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            return _texts(given)
        rest = iter(given)
        first = next(rest, _NOTHING)
        given = chain([first], rest) if first is not _NOTHING else ()
        if not isinstance(first, Mapping):
            if columns is not None:
                raise InputError("columns are given for texts, which have none; give a table or dictionaries")
            return _texts(given)
        held = [_as_row(each, number) for number, each in enumerate(given, start=1)]
        rows = None, lambda: iter(held)
    names, read = rows
    table = Table(
        Source("the table", Path(), "table"),
        names,
        lambda: (Row(number, f"the table, row {number}", row) for number, row in enumerate(read(), start=1)),
    )
    default = ItemColumns(labels="")
    file = check_items(table, columns or default, named=False)
    return GivenItems(((row.item, row.values) for row in file.rows()), file.fields)


def _texts(given: Any) -> GivenItems:
    return GivenItems((item, row_of_text(item)) for item in as_items(given))


def _as_row(given: object, number: int) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise InputError(f"row {number} is {given!r}; give a dictionary for each item, as the first is one")
    return {str(key): value for key, value in given.items()}


_Rows = tuple[tuple[str, ...] | None, Callable[[], Iterator[Mapping[str, object]]]]


def _table_rows(given: Any) -> _Rows | None:
    """Return the column names of a table and what reads its rows; None for what is no table."""
    if isinstance(given, Mapping):
        return _columns_by_name(given)
    if hasattr(given, "collect_schema"):
        if not hasattr(given, "iter_rows"):
            raise InputError("a lazy frame has no rows yet; give frame.collect()")
        return tuple(given.columns), lambda: given.iter_rows(named=True)
    names = getattr(given, "column_names", None)
    if isinstance(names, Mapping):
        raise InputError(f"several data sets are given: {', '.join(map(repr, names))}; give one of them")
    if names is not None:
        known = tuple(map(str, names))
        if hasattr(given, "to_batches"):
            return known, lambda: (row for batch in given.to_batches(_AT_ONCE) for row in batch.to_pylist())
        return known, lambda: (_as_row(row, number) for number, row in enumerate(given, start=1))
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        frame = given.reset_index() if getattr(given.index, "name", None) is not None else given
        known = tuple(map(str, frame.columns))
        if len(set(known)) < len(known):
            raise InputError(f"the data frame names a column twice: {', '.join(map(repr, known))}")
        return known, lambda: _pandas_rows(frame, known)
    if getattr(given, "columns", None) is not None:
        kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
        raise InputError(
            f"a table ({kind}) is given that cannot be read row by row; give a pandas or polars data frame, an Arrow "
            "table, or dictionaries"
        )
    return None


def _columns_by_name(given: Mapping[Any, Any]) -> _Rows:
    """Read a dictionary of lists of one length, as a part of a data set is."""
    if given and all(hasattr(each, "column_names") for each in given.values()):
        raise InputError(f"several data sets are given: {', '.join(map(repr, given))}; give one of them")
    names = tuple(map(str, given))
    lists = [
        each for each in given.values() if isinstance(each, Sequence) and not isinstance(each, (str, bytes))
    ]
    if not names or len(lists) < len(names) or len({len(each) for each in lists}) > 1:
        raise InputError(
            f"a dictionary with the keys {', '.join(map(repr, names[:8])) or 'none'} is given; give lists of one "
            "length by their column, dictionaries by row, or texts"
        )
    return names, lambda: (dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True))


def _pandas_rows(frame: Any, names: tuple[str, ...]) -> Iterator[Mapping[str, object]]:
    for start in range(0, len(frame), _AT_ONCE):
        part = frame.iloc[start : start + _AT_ONCE]
        for row in part.itertuples(index=False, name=None):
            yield {name: _plain(value) for name, value in zip(names, row, strict=True)}


def _plain(value: Any) -> object:
    """Return a value of a data frame as Python has it, None for a missing one."""
    if (
        value is None
        or type(value).__name__ in _MISSING
        or value is not value
        or (isinstance(value, float) and value != value)
    ):
        return None
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return value.tolist() if hasattr(value, "tolist") else value
