"""Read items from a file in batches, after one pass that validates the whole file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, as_item
from taxonaut.workspace.files.documents.document_texts import html_text
from taxonaut.workspace.files.shapes.layout import find_by_content
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
    """An item with its gold labels, if the file has them. `place` is its position for messages.

    `cell` is what the column of gold labels holds, `values` the whole row of the file (`gold_forms.match_gold`).
    """

    item: Item
    gold: tuple[LabelId, ...] = ()
    place: str = ""
    popularity: float = 0.0
    cell: object = field(default=None, repr=False, compare=False)
    values: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


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
    table, columns = _recognise(table, columns)
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


_FASTTEXT = "__label__"


def _recognise(table: Table, columns: ItemColumns) -> tuple[Table, ItemColumns]:
    """See through the forms of other programs, unless columns are named: fastText's lines, tasks of Label Studio,
    and tables without a header such as Annif's (a text and its addresses)."""
    if columns.text != ItemColumns().text:
        return table, columns
    first = next(iter(table.rows()), None)
    if first is None:
        return table, columns
    if table.source.format == "lines" and str(first.values.get(columns.text, "")).startswith(_FASTTEXT):
        return _mapped(table, lambda values: _fasttext_row(str(values.get(columns.text, "")))), columns
    if isinstance(first.values.get("data"), Mapping) and columns.text not in first.values:
        return _mapped(table, _task_row), columns
    if table.columns and all(name.startswith("column ") for name in table.columns):
        found = find_by_content(table.columns, [row.values for row in islice(table.rows(), 500)])
        text = found["name"] or found["path"]
        labels = columns.labels and next((name for name in table.columns if name != text), "")
        return table, replace(columns, text=text or columns.text, labels=labels, id="")
    return table, columns


def _mapped(table: Table, change: Callable[[Mapping[str, object]], Mapping[str, object]]) -> Table:
    return replace(
        table, columns=None, rows=lambda: (replace(row, values=change(row.values)) for row in table.rows())
    )


def _fasttext_row(line: str) -> dict[str, object]:
    words = line.split()
    count = next((place for place, word in enumerate(words) if not word.startswith(_FASTTEXT)), len(words))
    labels = [word.removeprefix(_FASTTEXT) for word in words[:count]]
    return {"text": " ".join(words[count:]), "labels": labels}


def _task_row(values: Mapping[str, object]) -> dict[str, object]:
    """Return a task of Label Studio as a row: its data, and its annotations' choices and taxonomies as labels."""
    data = values.get("data")
    labels: list[object] = []
    for annotation in _objects(values.get("annotations")):
        for result in _objects(annotation.get("result")):
            value = result.get("value")
            if isinstance(value, Mapping):
                choices, paths = value.get("choices"), value.get("taxonomy")
                labels += choices if isinstance(choices, list) else []
                for path in paths if isinstance(paths, list) else []:
                    labels.append(" > ".join(map(str, path)) if isinstance(path, list) else path)
    row = dict(data) if isinstance(data, Mapping) else {}
    return {"id": values.get("id"), **row, "labels": labels, **({"data": data} if "data" not in row else {})}


def _objects(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _has_value(row: Row, column: str) -> bool:
    """Whether a row's cell holds anything but blanks."""
    value = read_cell(row.values, column)
    if "," in column and value is None:
        return True
    return bool(value.strip()) if isinstance(value, str) else value is not None and value != []


def _check_columns(found: tuple[str, ...], place: str, columns: ItemColumns) -> None:
    """Raise InputError for a missing text column or any other missing column that was named by option."""
    defaults = ItemColumns()
    for role, option in OPTIONS.items():
        wanted: str = getattr(columns, role)
        needed = role == "text" or (wanted and wanted != getattr(defaults, role))
        for name in text_columns(columns, found) if role == "text" else [wanted]:
            if needed and name not in found and name.split(".")[0] not in found:
                raise missing_column(place, name, option, found)


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
    id = as_text(row.values.get(columns.id), row, columns.id).strip() if columns.id else ""
    gold: tuple[str, ...] = ()
    cell = read_cell(row.values, columns.labels) if columns.labels else None
    if columns.labels:
        gold = as_texts(_plain_labels(cell), row, columns.labels, columns.label_separator)
    text = _text(row, columns)
    return ItemRow(
        item=Item(ItemId(id), html_text(text) if columns.html else text),
        gold=tuple(LabelId(label) for label in dict.fromkeys(gold)),
        place=row.place,
        popularity=_number(row, columns.popularity) if columns.popularity else 0.0,
        cell=cell,
        values=row.values,
    )


def _text(row: Row, columns: ItemColumns) -> str:
    """Return the text of a row; those of several columns are joined by line breaks, blank ones left out."""
    names = text_columns(columns, row.values)
    for name in names:
        if not has_cell(row.values, name):
            raise missing_column(row.place, name, OPTIONS["text"], tuple(row.values))
    texts = [as_text(read_cell(row.values, name), row, name) for name in names]
    return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text.strip())


def text_columns(columns: ItemColumns, found: Iterable[str]) -> list[str]:
    """Return the columns of the text: one, or several divided by commas."""
    known = set(found)
    if "," not in columns.text or columns.text in known:
        return [columns.text]
    return [name.strip() for name in columns.text.split(",") if name.strip()]


def has_cell(values: Mapping[str, object], column: str) -> bool:
    """Whether a row has a column, or the key of a nested object that a name with dots leads to."""
    return column in values or ("." in column and read_cell(values, column) is not None)


def read_cell(values: Mapping[str, object], column: str) -> object:
    """Return a row's cell; `data.text` is the key `text` of the object in `data`, unless a column is called so."""
    if column in values:
        return values[column]
    inner: object = values
    for key in column.split("."):
        inner = inner.get(key) if isinstance(inner, Mapping) else None
    return inner


def _plain_labels(cell: object) -> object:
    """Return gold labels that are objects by their ids, else by their names."""
    if isinstance(cell, Mapping):
        cell = [cell]
    if not isinstance(cell, (list, tuple)):
        return cell
    return [
        next((each[key] for key in ("id", "uri", "code", "name", "label") if each.get(key)), None)
        if isinstance(each, Mapping)
        else each
        for each in cell
    ]


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
