"""Read items from a file in batches, after one pass that validates the whole file."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, as_item
from taxonaut.workspace.files.documents.document_texts import html_text
from taxonaut.workspace.files.sources import Format, open_source
from taxonaut.workspace.files.tables import Row, Table, as_text, as_texts, missing_column, read_table


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """Column names of an item file. Gold labels are label ids: a list, or text split at `label_separator`.

    An empty name means the column is not read. `popularity` holds numbers, such as how often a product is sold.
    `html`: texts are HTML, of which tags, scripts and styles are left out.
    """

    id: str = "id"
    text: str = "text"
    labels: str = "labels"
    label_separator: str = ";"
    popularity: str = ""
    html: bool = False


OPTIONS: Mapping[str, str] = {
    "id": "--id-column",
    "text": "--text-column",
    "labels": "--labels-column",
    "popularity": "--popularity-column",
}
"""The command-line option of each column, for messages."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with its gold labels, if the file has them. `place` is its position for messages."""

    item: Item
    gold: tuple[LabelId, ...] = ()
    place: str = ""
    popularity: float = 0.0


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A validated file of items that can be read again in batches.

    `count` items, of which `blank` have only whitespace and `with_gold` have gold labels. `named` is False for
    standard input and pipes.
    """

    name: str
    named: bool
    count: int
    blank: int
    with_gold: int
    table: Table
    columns: ItemColumns

    def rows(self) -> Iterator[ItemRow]:
        """Yield one item after the other."""
        for _, item_row in _item_rows(self.table, self.columns, self.name if self.named else None):
            yield item_row

    def batches(self, size: int = 256) -> Iterator[list[ItemRow]]:
        """Yield batches of `size` items; only one batch is in memory."""
        batch: list[ItemRow] = []
        for row in self.rows():
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


def open_items(
    given: str | Path,
    columns: ItemColumns | None = None,
    *,
    format: Format | None = None,
    encoding: str = "utf-8",
) -> ItemFile:
    """Open a file of items (CSV, TSV, JSONL, JSON, Parquet, one text per line, a document; `-` is standard input).

    An item without an id gets the file's name and its line (in a JSON list or in Parquet, its row), such as
    `items.csv:2`, so that two files never mean the same item; on standard input, a hash of its text. NULs are
    removed from texts. The whole file is validated first: raises `InputError`, naming the file, the line and the
    fix, for an unreadable file, a missing column or a duplicate id.
    """
    columns = columns or ItemColumns()
    if columns.labels and not columns.label_separator:
        raise InputError("the separator of labels (--label-separator) is empty; give a character such as ;")
    source = open_source(given, format, encoding)
    table = read_table(source, plain=columns.text)
    if table.columns is not None:
        _check_columns(table.columns, f"{source.name}, line 1", columns)
    count = blank = with_gold = 0
    defaults = ItemColumns()
    named_roles = [role for role in OPTIONS if getattr(columns, role) not in ("", getattr(defaults, role))]
    filled: set[str] = set()
    first_place: dict[ItemId, str] = {}
    seen: set[str] = set()
    named = source.data is None
    for row, item_row in _item_rows(table, columns, source.name if named else None):
        place = first_place.setdefault(item_row.item.id, row.place)
        if place != row.place:
            raise InputError(
                f"{row.place}: the id {item_row.item.id!r} was already used ({place}). Ids must differ: "
                "remove one of the two rows, name another column with --id-column, or make ids from the line "
                "numbers with --id-column ''."
            )
        seen.update(row.values)
        filled |= {role for role in named_roles if _has_value(row, getattr(columns, role))}
        count += 1
        blank += not item_row.item.text.strip()
        with_gold += bool(item_row.gold)
    if not count:
        raise InputError(f"{source.name} holds no texts; it must have at least one row below its header.")
    if table.columns is None:
        _check_columns(tuple(sorted(seen)), source.name, columns)
    for role in named_roles:
        if role not in filled:
            raise InputError(
                f"{source.name}: the column {getattr(columns, role)!r} is empty in every row; name another one "
                f"with {OPTIONS[role]}"
            )
    return ItemFile(source.name, named, count, blank, with_gold, table, columns)


def _has_value(row: Row, column: str) -> bool:
    """Whether a row's cell holds anything but blanks."""
    value = row.values.get(column)
    return bool(value.strip()) if isinstance(value, str) else value is not None and value != []


def _check_columns(found: tuple[str, ...], place: str, columns: ItemColumns) -> None:
    """Raise InputError for a missing text column or any other missing column that was named by option."""
    defaults = ItemColumns()
    for role, option in OPTIONS.items():
        wanted: str = getattr(columns, role)
        needed = role == "text" or (wanted and wanted != getattr(defaults, role))
        if needed and wanted not in found:
            raise missing_column(place, wanted, option, found)


def _item_rows(table: Table, columns: ItemColumns, source: str | None) -> Iterator[tuple[Row, ItemRow]]:
    """Yield rows with their items. An id that is missing is made of the source's name and the row's number, or
    of the text and how often it came before where the source has no name."""
    repeats: Counter[str] = Counter()
    for row in table.rows():
        item_row = _item_row(row, columns)
        if not item_row.item.id:
            text = item_row.item.text
            if source is None:
                repeats[text] += 1
                suffix = f"-{repeats[text]}" if repeats[text] > 1 else ""
                id = f"{as_item(text).id}{suffix}"
            else:
                id = f"{source}:{row.number}"
            item_row = replace(item_row, item=Item(ItemId(id), text))
        yield row, item_row


def _item_row(row: Row, columns: ItemColumns) -> ItemRow:
    if columns.text not in row.values:
        raise missing_column(row.place, columns.text, OPTIONS["text"], tuple(row.values))
    id = as_text(row.values.get(columns.id), row, columns.id).strip() if columns.id else ""
    gold: tuple[str, ...] = ()
    if columns.labels:
        gold = as_texts(row.values.get(columns.labels), row, columns.labels, columns.label_separator)
    text = as_text(row.values[columns.text], row, columns.text)
    return ItemRow(
        item=Item(ItemId(id), html_text(text) if columns.html else text),
        gold=tuple(LabelId(label) for label in dict.fromkeys(gold)),
        place=row.place,
        popularity=_number(row, columns.popularity) if columns.popularity else 0.0,
    )


def _number(row: Row, column: str) -> float:
    """Return a cell's non-negative number; 0 for an empty or missing cell."""
    text = as_text(row.values.get(column), row, column).strip()
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise InputError(
            f"{row.place}: {column!r} is {text!r}; give a number from 0, or name another column with "
            "--popularity-column"
        )
    return number
