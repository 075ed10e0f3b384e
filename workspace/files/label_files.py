"""Read labels from a file: names and, optionally, ids, paths, parents, descriptions and alternative names."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, distinct_names
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.sources import Format, Source, open_source
from taxonaut.workspace.files.tables import Row, Table, as_text, as_texts, missing_column, read_table


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """Column names of a label file, and the separators inside cells.

    A path is a list (in JSON, or as JSON in a cell) or text split at `path_separator`; it ends with the label's
    own name, or with its parent's if `path_to_parent`. Parents are label ids: a list, or text split at
    `parent_separator`. Rows whose `kind` is one of `node_kinds` are inner nodes, never labels to predict. If
    `path` and `name` are the same column, it holds paths and the name is the last step. Alternative names are a list
    (in JSON, or as JSON in a cell) or text split at `alternative_separator`, by default at line breaks if any cell
    has one, else at `|`, else at `;`. Without a column `alternatives`, all columns called like one are read
    (`ALTERNATIVE_COLUMNS`). An empty name means the column is not read.
    """

    id: str = "id"
    name: str = "name"
    path: str = "path"
    parents: str = "parents"
    description: str = "description"
    alternatives: str = "alternatives"
    kind: str = "kind"
    path_separator: str = " > "
    parent_separator: str = ";"
    alternative_separator: str = ""
    path_to_parent: bool = False
    node_kinds: tuple[str, ...] = ("group", "node")


OPTIONS: Mapping[str, str] = {
    "id": "--id-column",
    "name": "--name-column",
    "path": "--path-column",
    "parents": "--parents-column",
    "description": "--description-column",
    "alternatives": "--alternatives-column",
    "kind": "--kind-column",
}
"""The command-line option of each column, for messages."""

ALTERNATIVE_COLUMNS = frozenset(
    """
    alternatives alternativenames alternativelabels altlabel altlabels altname altnames hiddenlabel hiddenlabels
    synonym synonyms alias aliases keyword keywords
    """.split()  # noqa: SIM905 - words read better than quotes
)
"""Columns that are read for alternative names; case, blanks, `_`, `-` and a prefix such as `skos:` do not matter."""

_SEPARATORS = ("\n", "|", ";")


@dataclass(frozen=True)
class LabelFile:
    """The rows of a label file, checked to form a directed acyclic graph. `notes` tell the user what was chosen."""

    name: str
    rows: tuple[LabelRow, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The labels to predict, in file order, without rows that are only nodes."""
        first = {row.label.id: row.label for row in reversed(self.rows) if not row.is_node}
        return tuple(dict.fromkeys(first[row.label.id] for row in self.rows if not row.is_node))

    @property
    def has_tree(self) -> bool:
        """Whether any row has a parent or a path of at least two steps."""
        return any(len(row.path) > 1 or row.parents for row in self.rows)


def read_labels(
    given: str | Path | Source,
    columns: LabelColumns | None = None,
    *,
    format: Format | None = None,
    encoding: str = "utf-8",
    batch: str = "initial",
    elsewhere: Callable[[LabelId], bool] = lambda _: False,
) -> LabelFile:
    """Read and check a label file: CSV, TSV, JSONL, JSON, Parquet, or one label per line; `-` is standard input.

    A label without an id gets its joined path, or else its name, as id; rows with the same id and name and
    different paths are one label in several places. Raises `InputError`, naming the file, the line and the fix,
    for an unreadable file, a missing column, a duplicate id, a duplicate name under one parent, an unknown
    parent, a path that contradicts a parent or does not end in the name; `CycleError` for cyclic parents.
    `elsewhere` tells whether a label that is not in the file may be a parent.
    the labels that may be parents although the file has no row for them.
    """
    columns = columns or LabelColumns()
    for option, separator in (
        ("--path-separator", columns.path_separator),
        ("--parent-separator", columns.parent_separator),
    ):
        if not separator:
            raise InputError(f"{option} {separator!r} is empty; give the separator, such as ' > '.")
    source = given if isinstance(given, Source) else open_source(given, format, encoding)
    table = read_table(source, plain=columns.name)
    _check_columns(table, columns)
    seen: set[str] = set()
    rows: list[LabelRow] = []
    others: list[Row] = []
    for row in table.rows():
        seen.update(row.values)
        rows.append(_label_row(row, columns, batch))
        others.append(_alternative_cells(row, columns))
    if not rows:
        raise InputError(f"{source.name} holds no labels; it must have at least one row below its header.")
    if table.columns is None:
        _check_named(source.name, columns, tuple(seen))
    if all(row.is_node for row in rows):
        raise InputError(
            f"{source.name} holds no labels: the column {columns.kind!r} says {rows[0].kind!r} in every row, "
            f"which marks inner nodes. Name other kinds with --node-kinds."
        )
    check_labels(_with_parents(rows, elsewhere), source.name)
    return LabelFile(source.name, *_with_alternatives(rows, others, columns))


def _with_parents(rows: Sequence[LabelRow], elsewhere: Callable[[LabelId], bool]) -> list[LabelRow]:
    """Add rows for parents that exist elsewhere; where a row has a path, its path wins over such a parent."""
    here = {row.label.id for row in rows}
    outside = dict.fromkeys(
        parent for row in rows for parent in row.parents if parent not in here and elsewhere(parent)
    )
    stand_ins = [LabelRow(Label(parent, f"{parent} (elsewhere)")) for parent in outside]
    return stand_ins + [
        replace(row, parents=tuple(parent for parent in row.parents if parent not in outside))
        if row.path
        else row
        for row in rows
    ]


def _check_columns(table: Table, columns: LabelColumns) -> None:
    if table.columns is None:
        return
    header = f"{table.source.name}, line 1"
    _check_named(header, columns, table.columns)
    if columns.name not in table.columns and columns.path not in table.columns:
        raise missing_column(header, columns.name, OPTIONS["name"], table.columns)


def _check_named(place: str, columns: LabelColumns, found: tuple[str, ...]) -> None:
    """Raise InputError for a missing column that was named by option."""
    defaults = {field.name: field.default for field in fields(LabelColumns)}
    for role, option in OPTIONS.items():
        wanted: str = getattr(columns, role)
        if wanted and wanted != defaults[role] and wanted not in found:
            raise missing_column(place, wanted, option, sorted(found) if place.endswith("1") else found)


def _label_row(row: Row, columns: LabelColumns, batch: str) -> LabelRow:
    path = as_texts(_cell(row, columns.path), row, columns.path, columns.path_separator)
    name = _name(row, columns, path)
    if path and columns.path_to_parent:
        path = (*path, name)
    if path and path[-1] != name:
        raise InputError(
            f"{row.place}: the path {columns.path_separator.join(path)!r} must end in the label's own name "
            f"{name!r}, but ends in {path[-1]!r}. If its steps have another separator, give it with "
            "--path-separator; if paths stop at the parent, add --path-to-parent."
        )
    id = as_text(_cell(row, columns.id), row, columns.id).strip()
    kind = as_text(_cell(row, columns.kind), row, columns.kind).strip()
    return LabelRow(
        label=Label(
            id=LabelId(id or columns.path_separator.join(path) or name),
            name=name,
            description=as_text(_cell(row, columns.description), row, columns.description).strip(),
            batch=batch,
        ),
        path=path,
        parents=tuple(
            LabelId(parent)
            for parent in as_texts(
                _cell(row, columns.parents), row, columns.parents, columns.parent_separator
            )
        ),
        is_node=bool(kind) and kind in columns.node_kinds,
        kind=kind,
        place=row.place,
    )


def _alternative_cells(row: Row, columns: LabelColumns) -> Row:
    """Return the cells of a row that hold alternative names."""
    cells = {name: cell for name, cell in row.values.items() if _holds_alternatives(name, columns)}
    return replace(row, values=cells)


@lru_cache(1_024)
def _holds_alternatives(column: str, columns: LabelColumns) -> bool:
    if columns.alternatives != LabelColumns().alternatives:
        return column == columns.alternatives
    other = {getattr(columns, role) for role in OPTIONS if role != "alternatives"}
    plain = re.sub(r"[\s_-]", "", column.rpartition(":")[2]).casefold()
    return plain in ALTERNATIVE_COLUMNS and column not in other


def _with_alternatives(
    rows: Sequence[LabelRow], others: Sequence[Row], columns: LabelColumns
) -> tuple[tuple[LabelRow, ...], tuple[str, ...]]:
    """Add the alternative names in `others` to the rows; also return a note for each column read."""
    counts = Counter(column for cells in others for column, cell in cells.values.items() if cell)
    separators, notes = {}, []
    for column, count in counts.items():
        texts = [cell for cells in others if isinstance(cell := cells.values.get(column), str)]
        lists = all(text.lstrip()[:1] in ("", "[") for text in texts)
        found = next((each for each in _SEPARATORS if any(each in text for text in texts)), _SEPARATORS[0])
        separators[column] = columns.alternative_separator or found
        split = "" if lists else f", split at {separators[column]!r} (other: --alternative-separator)"
        notes.append(
            f"{count:,} of {len(rows):,} rows have alternative names in the column {column!r}{split}"
        )
    if not counts:
        return tuple(rows), ()
    named = []
    for row, cells in zip(rows, others, strict=True):
        names = [
            name
            for column in counts
            for name in as_texts(cells.values.get(column), cells, column, separators[column])
        ]
        label = replace(row.label, alternatives=distinct_names(names, row.label.name))
        named.append(replace(row, label=label))
    return tuple(named), tuple(notes)


def _cell(row: Row, column: str) -> object:
    return row.values.get(column) if column else None


def _name(row: Row, columns: LabelColumns, path: tuple[str, ...]) -> str:
    if path and (columns.name == columns.path or columns.name not in row.values):
        return path[-1]
    if columns.name not in row.values:
        raise missing_column(row.place, columns.name, OPTIONS["name"], tuple(row.values))
    name = as_text(row.values[columns.name], row, columns.name).strip()
    if not name:
        raise InputError(f"{row.place}: the name is empty. Give the label a name, or remove the row.")
    return name
