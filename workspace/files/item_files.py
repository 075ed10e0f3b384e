"""Read items from a file in batches, after one pass that validates the whole file."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, as_item
from taxonaut.workspace.files.documents.document_texts import html_text
from taxonaut.workspace.files.shapes.item_names import CHOSEN, IDS, LABELS, match_columns
from taxonaut.workspace.files.shapes.layout import find_by_content
from taxonaut.workspace.files.sources import DOCUMENT_FORMATS, Format, Source, open_source
from taxonaut.workspace.files.tables import Row, Table, as_text, as_texts, missing_column, read_table

_TAGS = re.compile(r"</(?:a|b|br|div|em|h[1-6]|i|li|ol|p|script|span|strong|style|table|td|tr|ul)\s*>", re.I)


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


ANNOTATORS = "annotators"
"""The column of annotators' votes: a list with the list of labels of each annotator; null for one without answer."""


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
class ItemFields:
    """The columns of the rows that items came in, which results are written next to.

    `id` is the one with the items' ids, "" where they were made. `types` are DuckDB's types of some, `source` the
    file, if it is one.
    """

    names: tuple[str, ...] = ()
    id: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    source: Source | None = None


TEXT_FIELDS = ItemFields(("id", "text"), "id")
"""The columns of texts without a table: `row_of_text` returns their cells."""


def row_of_text(item: Item) -> Mapping[str, object]:
    """Return an item as a row with `TEXT_FIELDS`."""
    return {"id": item.id, "text": item.text}


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A validated file of items that can be read again in batches.

    `count` items, of which `blank` have only whitespace and `with_gold` have gold labels. `named` is False for
    standard input and pipes. `notes` say what was passed over and chosen; `fields` are the columns of
    `ItemRow.values`.
    """

    name: str
    named: bool
    count: int
    blank: int
    with_gold: int
    table: Table
    columns: ItemColumns
    fields: ItemFields = ItemFields()
    notes: tuple[str, ...] = ()
    label_a_row: bool = False
    """Whether an item has a row for each of its gold labels; then all items are in memory."""

    def rows(self) -> Iterator[ItemRow]:
        """Yield one item after the other."""
        read = (row for _, row in _item_rows(self.table, self.columns, self.name if self.named else None))
        yield from _joined(read) if self.label_a_row else read

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
    sheet: str = "",
) -> ItemFile:
    """Open a file of items (CSV, TSV, Excel, JSONL, JSON, Parquet, Arrow, lines, a document; `-` is standard input).

    An item without an id gets the file's name and its line (in a JSON list or in Parquet, its row), such as
    `items.csv:2`, so that two files never mean the same item; on standard input, a hash of its text. NULs are
    removed from texts. Where no text column is named and none is called `text`, one with a usual name is read, which
    `notes` tell. The whole file is validated first: raises `InputError`, naming the file, the line and the fix, for
    an unreadable file, a missing column or a duplicate id. `sheet` names a workbook's sheet.
    """
    columns = columns or ItemColumns()
    source = open_source(given, format, encoding)
    table = read_table(replace(source, sheet=sheet) if sheet else source, plain=columns.text)
    return check_items(table, columns)


def check_items(table: Table, columns: ItemColumns, *, named: bool | None = None) -> ItemFile:
    """Read a table of items once and check it; `named`: items without an id are called by its name and their row."""
    if columns.labels and not columns.label_separator:
        raise InputError("the separator of labels (--label-separator) is empty; give a character such as ;")
    source, given = table.source, columns
    plain = source.format == "lines" or source.format in DOCUMENT_FORMATS
    table, columns, chosen = _recognise(table, columns)
    if table.columns is not None:
        _check_columns(table.columns, f"{source.name}, line 1", columns)
    count = blank = with_gold = marked_up = 0
    looks = not columns.html and source.format not in DOCUMENT_FORMATS
    defaults = ItemColumns()
    named_roles = [role for role in OPTIONS if getattr(given, role) not in ("", getattr(defaults, role))]
    filled: set[str] = set()
    first_place: dict[ItemId, tuple[str, int]] = {}
    in_rows = False
    seen: dict[str, None] = {}
    named = source.data is None if named is None else named
    has_ids = False
    for row, item_row in _item_rows(table, columns, source.name if named else None):
        text = hash(item_row.item.text)
        place, known = first_place.setdefault(item_row.item.id, (row.place, text))
        if place != row.place and columns.labels and item_row.gold and known == text:
            in_rows = True
        elif place != row.place:
            raise InputError(
                f"{row.place}: the id {item_row.item.id!r} was already used ({place}). Ids must differ: "
                "remove one of the two rows, name another column with --id-column, or make ids from the line "
                "numbers with --id-column ''."
            )
        seen.update(dict.fromkeys(row.values))
        filled |= {role for role in named_roles if _has_value(row, getattr(columns, role))}
        has_ids = has_ids or (bool(columns.id) and _has_value(row, columns.id))
        if in_rows and place != row.place:
            continue
        count += 1
        marked_up += looks and "</" in item_row.item.text and bool(_TAGS.search(item_row.item.text))
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
    names = table.columns if table.columns is not None else tuple(seen)
    fields = ItemFields(names, columns.id if has_ids and columns.id in names else "", table.types, source)
    if plain and names == (columns.text,):
        fields = ItemFields(("id", columns.text), "id", source=source)
    notes = (*table.notes, *chosen)
    if marked_up:
        notes += (
            f"{marked_up:,} texts hold HTML, whose tags and scripts count as words; without them: --html",
        )
    if in_rows:
        notes += (f"rows of one id in {columns.id!r} are one item: a gold label a row",)
    return ItemFile(source.name, named, count, blank, with_gold, table, columns, fields, notes, in_rows)


_FASTTEXT = "__label__"


def _recognise(table: Table, columns: ItemColumns) -> tuple[Table, ItemColumns, tuple[str, ...]]:
    """See through the forms of other programs, unless columns are named: fastText's lines, tasks of Label Studio,
    and tables without a header such as Annif's (a text and its addresses); else choose a column with a usual name."""
    first = next(iter(table.rows()), None)
    if first is None:
        return table, columns, ()
    if isinstance(first.values.get("data"), Mapping) and "annotations" in first.values:
        table = _mapped(table, _task_row)
        if columns.text == ItemColumns().text:
            return table, *_choose_columns(table, columns, list(next(iter(table.rows())).values))
        return table, columns, ()
    if columns.text != ItemColumns().text:
        return table, columns, ()
    if table.source.format == "lines":
        if str(first.values.get(columns.text, "")).startswith(_FASTTEXT):
            said = ("lines with __label__ are read as fastText's: labels, then the text",)
            return (
                _mapped(table, lambda values: _fasttext_row(str(values.get(columns.text, "")))),
                columns,
                said,
            )
        return table, columns, ()
    if table.columns and all(name.startswith("column ") for name in table.columns):
        found = find_by_content(table.columns, [row.values for row in islice(table.rows(), 500)])
        text = found["name"] or found["path"]
        labels = columns.labels and next((name for name in table.columns if name != text), "")
        return table, replace(columns, text=text or columns.text, labels=labels, id=""), ()
    names: Iterable[str] = table.columns or dict.fromkeys(
        name for row in islice(table.rows(), _SAMPLE) for name in row.values
    )
    return table, *_choose_columns(table, columns, list(names))


_SAMPLE = 20
_LONG_TEXTS = (
    "description",
    "body",
    "content",
    "abstract",
    "text",
    "beschreibung",
    "descripcion",
    "descrizione",
)


def _choose_columns(
    table: Table, columns: ItemColumns, names: Sequence[str]
) -> tuple[ItemColumns, tuple[str, ...]]:
    """Choose the column of texts, and then that of ids, where no column has the usual name, and say so."""
    if columns.text in names:
        return columns, ()
    ids = match_columns(names, IDS)
    labels = {columns.labels, *match_columns(names, LABELS)}
    rest = [name for name in names if name not in ids and name not in labels]
    usual = [name for name in match_columns(names, CHOSEN) if name not in labels]
    text = usual[0] if usual else rest[0] if len(rest) == 1 else ""
    if not text:
        return columns, ()
    more = [name for name in match_columns(names, _LONG_TEXTS) if name != text]
    both = f"; to read {more[0]!r} as well: --text-column {text},{more[0]}" if more else ""
    said = f"the text is read from the column {text!r}{both}"
    if columns.id == ItemColumns().id and columns.id not in names and ids and _are_ids(table, ids[0]):
        columns = replace(columns, id=ids[0])
        said += f", the id from {ids[0]!r}"
    return replace(columns, text=text), (said,)


def _are_ids(table: Table, column: str) -> bool:
    """Whether every row has a value of its own in a column."""
    seen: set[str] = set()
    for row in table.rows():
        text = as_text(row.values.get(column), row, column).strip()
        if not text or text in seen:
            return False
        seen.add(text)
    return True


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


def _joined(rows: Iterable[ItemRow]) -> Iterator[ItemRow]:
    """Join the rows of each item, with the gold labels of all of them."""
    by_item: dict[ItemId, list[ItemRow]] = {}
    for row in rows:
        by_item.setdefault(row.item.id, []).append(row)
    for first, *others in by_item.values():
        gold = tuple(dict.fromkeys(label for row in (first, *others) for label in row.gold))
        yield replace(first, gold=gold, cell=list(gold)) if others else first


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
            item_row = replace(item_row, item=replace(item_row.item, id=ItemId(id)))
        yield row, item_row


def _item_row(row: Row, columns: ItemColumns) -> ItemRow:
    id = as_text(row.values.get(columns.id), row, columns.id).strip() if columns.id else ""
    gold: tuple[str, ...] = ()
    cell = read_cell(row.values, columns.labels) if columns.labels else None
    if columns.labels:
        gold = as_texts(_plain_labels(cell), row, columns.labels, columns.label_separator)
        if not gold and ANNOTATORS in row.values:
            cell = list(gold := majority(_votes(row.values[ANNOTATORS], row.place)))
    return ItemRow(
        item=_item(ItemId(id), row, columns),
        gold=tuple(LabelId(label) for label in dict.fromkeys(gold)),
        place=row.place,
        popularity=_number(row, columns.popularity) if columns.popularity else 0.0,
        cell=cell,
        values=row.values,
    )


def _item(id: ItemId, row: Row, columns: ItemColumns) -> Item:
    """Return a row as an item; the texts of several columns are joined by line breaks, blank ones left out."""
    names = text_columns(columns, row.values)
    for name in names:
        if not has_cell(row.values, name):
            raise missing_column(row.place, name, OPTIONS["text"], tuple(row.values))
    texts = [as_text(read_cell(row.values, name), row, name) for name in names]
    if columns.html:
        texts = [html_text(text) for text in texts]
    if len(texts) == 1:
        return Item(id, texts[0])
    pairs = zip(names, texts, strict=True)
    filled = tuple((" ".join(name.split()), text) for name, text in pairs if text.strip())
    return Item(id, "\n".join(text for _, text in filled), filled)


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


def read_votes(row: ItemRow) -> list[tuple[str, ...] | None] | None:
    """Return the labels each annotator of an item gave; None for one without answer, and where there are no votes.

    Raises InputError for a cell of another shape.
    """
    return _votes(row.values.get(ANNOTATORS), row.place)


def _votes(cell: object, place: str) -> list[tuple[str, ...] | None] | None:
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json.loads(cell)
        except ValueError:
            cell = [cell]
    if cell is None or cell == "":
        return None
    if not isinstance(cell, (list, tuple)) or any(isinstance(each, (str, int, float, dict)) for each in cell):
        raise InputError(
            f"{place}: {ANNOTATORS!r} is {cell!r:.80}; give a list with a list of labels for each annotator, such as "
            '[["joy"], [], ["joy", "love"]]; [] says that no label fits, null that an annotator did not answer'
        )
    return [None if each is None else tuple(dict.fromkeys(map(str, each))) for each in cell]


def majority(votes: Sequence[tuple[str, ...] | None] | None) -> tuple[str, ...]:
    """Return the labels that at least half of the annotators with an answer gave."""
    answers = [vote for vote in votes or () if vote is not None]
    counts = Counter(label for vote in answers for label in vote)
    return tuple(label for label, count in counts.items() if 2 * count >= len(answers))


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
