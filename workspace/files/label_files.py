"""Read labels from a file of any usual shape: names, ids, paths, parents, descriptions and alternative names."""

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from html import unescape
from pathlib import Path
from typing import Literal, get_args
from unicodedata import normalize

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.checks import TREE_ROOT
from taxonaut.state.records import Label, Tree, distinct_names
from taxonaut.state.stores.rdf_sources import RdfSource
from taxonaut.workspace.files.index_formats.index_file import RDF_SUFFIXES, LabelHistory, RetiredLabel
from taxonaut.workspace.files.index_formats.index_jsonl import is_index, read_jsonl
from taxonaut.workspace.files.index_formats.index_table import (
    KIND,
    MAPPING_COLUMNS,
    NOTATION,
    RETIRED_SHEET,
    UNPLACED,
    is_index_table,
    is_retired_row,
    read_retired,
    unguard,
)
from taxonaut.workspace.files.index_formats.rdf_graph import is_rdf
from taxonaut.workspace.files.index_formats.skos import SkosOptions, read_skos_rows
from taxonaut.workspace.files.label_graph import (
    ROOT,
    Key,
    LabelGraph,
    LabelRow,
    describe_same_names,
    label_graph,
)
from taxonaut.workspace.files.shapes.excel import Workbook
from taxonaut.workspace.files.shapes.layout import Layout, as_plain, find_layout, outline_depth
from taxonaut.workspace.files.shapes.lines import LIST_ITEM, PLAIN_LINES, find_table, read_lines_shape
from taxonaut.workspace.files.shapes.nested_json import Flat, flatten
from taxonaut.workspace.files.shapes.nested_text import PARSERS, Parser
from taxonaut.workspace.files.shapes.paths import split_path, split_places
from taxonaut.workspace.files.sources import (
    DOCUMENT_FORMATS,
    Format,
    Source,
    is_known_suffix,
    load_json,
    open_source,
    plain_suffix,
)
from taxonaut.workspace.files.tables import (
    Row,
    as_text,
    as_texts,
    json_rows,
    missing_column,
    other_sheets,
    read_table,
)

TreeShape = Literal["auto", "none", "codes"]
"""Where a tree is looked for: anywhere, nowhere, or in the codes of labels."""


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
_HEAD = 4096
_ELEMENT = re.compile(rb"<(?:\?xml|!|[A-Za-z_][\w.\-]*(?::[\w.\-]+)?[\s/>])")
_SUMS = frozenset({"total", "totals", "sum", "grand total", "gesamt", "summe", "somme"})
_NUMBER = re.compile(r"[\d.,]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file was taken for: how it is written, the shape of its tree, the columns used and left unused."""

    format: str = ""
    shape: str = ""
    used: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelFile:
    """The rows of a label file, checked to form a directed acyclic graph.

    `reading` says what the file was taken for; `notes` tell the user what was chosen, changed or passed over. `rdf`
    is the file itself, to be kept, if it is RDF; `retired` are labels that it says are not to be used any more.
    """

    name: str
    rows: tuple[LabelRow, ...]
    notes: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    rdf: RdfSource | None = None
    retired: tuple[RetiredLabel, ...] = ()
    history: LabelHistory = field(default_factory=LabelHistory)
    tree: Tree | None = field(default=None, repr=False, compare=False)
    """The tree itself, where the file is an exported index; its nodes are rows as well."""
    checked: LabelGraph | None = field(default=None, repr=False, compare=False)
    """The graph of the rows, where it was made when they were checked."""

    @cached_property
    def graph(self) -> LabelGraph:
        """The graph of the rows."""
        return self.checked or label_graph(self.rows, self.name)

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The labels to predict, in file order, without rows that are only nodes."""
        first = {row.label.id: row.label for row in reversed(self.rows) if not row.is_node}
        return tuple(dict.fromkeys(first[row.label.id] for row in self.rows if not row.is_node))

    @property
    def has_unplaced(self) -> bool:
        """Whether a row says that its label is in no node."""
        return any(row.kind == UNPLACED for row in self.rows)

    @property
    def has_tree(self) -> bool:
        """Whether any row has a parent or a path of at least two steps."""
        return any(len(row.path) > 1 or row.parents for row in self.rows)

    def first_labels(self, most: int) -> list[tuple[int, str, LabelId | None]]:
        """Return the first `most` labels and the nodes above them, from the top down: depth, name, id of a label."""
        graph = self.graph
        found: list[tuple[int, str, LabelId | None]] = []
        stack: list[tuple[int, Key]] = [(0, key) for key in reversed(graph.children[ROOT])]
        while stack and sum(id is not None for _, _, id in found) < most:
            depth, key = stack.pop()
            row = graph.rows.get(key)
            name = row.label.name if row is not None else key[-1]
            found.append((depth, name, row.label.id if row is not None and not row.is_node else None))
            stack += [(depth + 1, child) for child in reversed(graph.children.get(key, ()))]
        return found


def read_labels(
    given: str | Path | Source,
    columns: LabelColumns | None = None,
    *,
    format: Format | None = None,
    encoding: str = "utf-8",
    batch: str = "initial",
    elsewhere: Callable[[LabelId], bool] = lambda _: False,
    tree: str = "auto",
    sheet: str = "",
    tidy: bool = True,
    names_once: bool = False,
    skos: SkosOptions = SkosOptions(),  # noqa: B008 - frozen
) -> LabelFile:
    """Read and check a label file; `-` is standard input. RDF is known by its content, and read by `skos`.

    Tables (CSV, TSV, Excel, Parquet) may have names, ids, paths, columns of levels, parents (by id, by another
    unique column or by name; 0, -1, NULL or the row's own id at the top), a level number, or a hierarchy in their
    codes (`shapes.codes`). JSON may be a list, lines, an object by id, or nested. Lines of text may be names, paths,
    `id - path`, or an indented outline. Columns with usual names are found (`shapes.usual_names`) unless `columns`
    names others. `tree` (`auto`, `none`, `codes`) restricts where a tree is looked for, `sheet` names a workbook's
    sheet; without `tidy` names stay as they are, with entities and what indents them. `names_once`: labels without
    ids and of one name are one label in several places, as in a thesaurus, and not several labels. What was
    understood is in `LabelFile.reading` and `notes`.

    A label without an id gets its joined path, or else its name, as id; rows with the same id and name and
    different paths are one label in several places; equal rows are one. Raises `InputError`, naming the file, the
    line and the fix, for an unreadable file, a missing column, an id with two names, an unknown parent, a path that
    contradicts a parent or does not end in the name; `CycleError` for cyclic parents. `elsewhere` tells whether a
    label that is not in the file may be a parent.
    """
    columns = columns or LabelColumns()
    for option, separator in (
        ("--path-separator", columns.path_separator),
        ("--parent-separator", columns.parent_separator),
    ):
        if not separator:
            raise InputError(f"{option} {separator!r} is empty; give the separator, such as ' > '.")
    if tree not in get_args(TreeShape):
        raise InputError(f"--tree {tree!r} is unknown; it can be one of {', '.join(get_args(TreeShape))}")
    if not isinstance(given, Source) and format is None and _is_rdf(Path(given)):
        return _read_skos(open_source(given, "lines", encoding), batch, skos, elsewhere)
    parser = None if isinstance(given, Source) or format else PARSERS.get(plain_suffix(Path(given)))
    seen = "lines" if parser else format
    if not isinstance(given, Source) and seen is None:
        seen = _format_by_content(Path(given), encoding)
    source = given if isinstance(given, Source) else open_source(given, seen, encoding)
    if source.format == "md" and format is None and _is_list(source):
        source = replace(source, format="lines")
    if source.format in DOCUMENT_FORMATS:
        raise InputError(
            f"{source.name} is a document and no table of labels; give a CSV, TSV, JSON or Parquet file, or one "
            "label a line (--format lines)"
        )
    if source.format == "jsonl" and is_index(source):
        return _read_index(source)
    records = (
        _read_parsed(source, parser)
        if parser
        else _read_records(
            replace(source, sheet=sheet) if sheet else source,
            columns,
            sniffs=format is None and not isinstance(given, Source),
        )
    )
    own = source.format in ("csv", "excel") and is_index_table(records.columns)
    records, history = _split_retired(source, records, own=own)
    if not records.rows:
        raise InputError(f"{source.name} holds no labels; it must have at least one row below its header.")
    place = f"{source.name}, line 1" if records.has_header else source.name
    _check_named(place, columns, records.columns)
    layout = find_layout(
        records.columns,
        [row.values for row in records.rows],
        _named_roles(columns),
        tree=tree,
        separator=records.separator or _said_separator(columns),
        outlines=tidy,
    )
    if not (layout.name or layout.path or layout.levels):
        raise missing_column(place, columns.name, OPTIONS["name"], records.columns)
    reader = _RowReader(
        source.name, records.rows, columns, layout, batch, tidy=tidy and not own, names_once=names_once
    )
    rows = reader.read()
    if all(row.is_node for row in rows):
        raise InputError(
            f"{source.name} holds no labels: the column {columns.kind!r} says {rows[0].kind!r} in every row, "
            f"which marks inner nodes. Name other kinds with --node-kinds."
        )
    placed = _with_parents(rows, elsewhere)
    graph = label_graph(placed, source.name)
    graph_notes = describe_same_names(graph)
    named = [column for column in records.columns if _holds_alternatives(column, columns)]
    used = {**layout.used(), **({"alternative names": ", ".join(named)} if named else {})}
    if records.format == LINES:
        used = {}
    read = {*layout.columns, *named, NOTATION, *(MAPPING_COLUMNS if history.mappings else ())}
    unused = tuple(each for each in records.columns if each and each not in read)
    return LabelFile(
        source.name,
        tuple(rows),
        (*records.notes, *layout.notes, *reader.notes(), *graph_notes, *history.notes()),
        Reading(records.format, records.shape or _shape_of(layout, rows), used, unused),
        history=history,
        checked=graph if len(placed) == len(rows) else None,
    )


_SNIFFED = 65_536
"""Bytes of a file that are looked at for RDF."""


def _is_rdf(path: Path) -> bool:
    """Whether a file is RDF: by its suffix (not .json, nor .xml of other elements), or by what is in it."""
    suffix = plain_suffix(path)
    if suffix == ".zip" or (suffix in RDF_SUFFIXES and suffix not in (".json", ".xml")):
        return True
    if not path.is_file():
        return False
    try:
        with open_source(path, "lines").open_bytes() as file:
            start = file.read(_SNIFFED)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return False  # what reads the file says what is wrong with it
    if suffix == ".xml":
        head = start[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
        return not head.startswith(b"<") or b"rdf-syntax-ns" in head or not _ELEMENT.match(head)
    return is_rdf(start) and (suffix != ".json" or b"skos" in start)


def _format_by_content(path: Path, encoding: str) -> Format | None:
    """Return the format of text in a file of an unknown suffix; None where the suffix, or an error, has to tell."""
    if not path.is_file() or is_known_suffix(path):
        return None
    try:
        with open_source(path, "lines", encoding).open_bytes() as file:
            start = file.read(_HEAD)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    return "json" if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "lines"


def _is_list(source: Source) -> bool:
    """Whether most lines of a Markdown file are items of lists: then they are labels, and no prose."""
    with source.open_text() as text:
        lines = [line.strip() for line in text if line.strip() and not line.startswith("#")]
    return 2 * sum(bool(LIST_ITEM.match(line)) for line in lines) > len(lines)


def _read_skos(
    source: Source, batch: str, options: SkosOptions, known: Callable[[LabelId], bool]
) -> LabelFile:
    read = read_skos_rows(source, options, known)
    rows, notes, rdf, retired = read.rows, read.notes, read.rdf, read.retired
    rows = [replace(row, label=replace(row.label, batch=batch)) for row in rows]
    by = "skos:broader and collections" if options.collections else "skos:broader"
    shape = f"a tree by {by}" if any(row.parents for row in rows) else "labels without a tree"
    return LabelFile(source.name, tuple(rows), notes, Reading("SKOS", shape), rdf, retired)


def _read_index(source: Source) -> LabelFile:
    """Read the JSON lines of `taxonaut index export`."""
    read = read_jsonl(source)
    if not read.labels:
        raise InputError(
            f"{source.name} holds a vocabulary and no labels; read it with: taxonaut index import"
        )
    tree = read.tree
    ids: dict[int, LabelId] = {node.key: LabelId(node.label_id or f"node {node.key}") for node in tree.nodes}
    above: defaultdict[LabelId, dict[LabelId, None]] = defaultdict(dict)
    for parent, child in (*((one, ids[two]) for one, two in tree.edges), *tree.placements):
        if parent != TREE_ROOT and ids[parent] != child:
            above[child][ids[parent]] = None
    rows = [
        LabelRow(
            Label(ids[node.key], node.name, node.description),
            parents=tuple(above[ids[node.key]]),
            is_node=True,
            includes=node.includes,
            excludes=node.excludes,
            examples=node.examples,
        )
        for node in tree.nodes
        if node.key != TREE_ROOT and not node.label_id
    ]
    rows += [LabelRow(label, parents=tuple(above[label.id])) for label in read.labels]
    reading = Reading("an exported index", "labels with their tree" if above else "labels without a tree")
    return LabelFile(
        source.name,
        tuple(rows),
        read.notes,
        reading,
        history=read.history,
        tree=tree if tree.placements else None,
    )


LINES = "lines of text"


@dataclass(frozen=True, slots=True)
class _Records:
    """The rows of a file before it is known what their columns mean."""

    columns: tuple[str, ...]
    rows: list[Row]
    format: str
    shape: str = ""
    notes: tuple[str, ...] = ()
    separator: str = ""
    has_header: bool = False


def _split_retired(source: Source, records: _Records, *, own: bool) -> tuple[_Records, LabelHistory]:
    """Take the rows of retired labels and former ids out of a table; in a workbook they are on a sheet of their own.

    In an exported CSV (`own`) the apostrophes before formulas are removed.
    """
    rows = records.rows
    if own and source.format == "csv":
        rows = [
            replace(row, values={name: _unguarded(cell) for name, cell in row.values.items()}) for row in rows
        ]
    retired = [row for row in rows if is_retired_row(row)] if KIND in records.columns else []
    if retired:
        rows = [row for row in rows if not is_retired_row(row)]
    notes = records.notes
    if own and source.format == "excel" and RETIRED_SHEET in Workbook(source).sheets:
        sheet = list(read_table(replace(source, sheet=RETIRED_SHEET), plain="name").rows())
        if sheet and is_retired_row(sheet[0]):
            retired += sheet
            notes = tuple(note for note in notes if note != other_sheets([RETIRED_SHEET]))
    return replace(records, rows=rows, notes=notes), read_retired(retired)


def _unguarded(cell: object) -> object:
    return unguard(cell) if isinstance(cell, str) else cell


def _read_records(source: Source, columns: LabelColumns, *, sniffs: bool = False) -> _Records:
    """Read a file whole, and flatten what is nested in it; `sniffs`: lines of text may be a table."""
    if source.format == "lines":
        with source.open_text() as text:
            lines = [(number, line.rstrip("\n")) for number, line in enumerate(text, start=1) if line.strip()]
        if lines and all(line.endswith("\t|") for _, line in lines):
            raise InputError(
                f"{source.name} has fields between '\\t|\\t', as dumps of NCBI's taxonomy have, which are not read; "
                f"make it a TSV: sed 's/\\t|\\t/\\t/g; s/\\t|$//' {source.name} > labels.tsv"
            )
        if columns.path == columns.name:
            rows = [
                Row(number, f"{source.name}, line {number}", {columns.name: line}) for number, line in lines
            ]
            return _Records((columns.name,), rows, LINES, "a path a line")
        found = read_lines_shape(lines, columns.name, _said_separator(columns))
        if found.shape == PLAIN_LINES and sniffs and (format := find_table(lines)):
            return _read_records(replace(source, format=format), columns)
        rows = [Row(number, f"{source.name}, line {number}", values) for number, values in found.rows]
        return _Records(_columns_of(rows), rows, LINES, found.shape, found.notes, found.separator)
    if source.format in ("json", "jsonl"):
        nested = _read_nested(source, columns.name)
        if nested is not None:
            return nested
    table = read_table(source, plain=columns.name)
    rows = [row for row in table.rows() if _is_filled(row)]
    sums = [row for row in rows[-2:] if _is_sum(row)]
    notes = table.notes + tuple(f"passed over {row.place}: a row of totals" for row in sums)
    rows = [row for row in rows if row not in sums]
    names = table.columns if table.columns is not None else _columns_of(rows)
    written = table.understood or {"jsonl": "JSON lines", "json": "a JSON list", "parquet": "Parquet"}.get(
        source.format, source.format
    )
    return _Records(names, rows, written, "", notes, has_header=table.columns is not None)


def _is_sum(row: Row) -> bool:
    """Whether a row at the end of a table holds totals: one word for it, and numbers."""
    cells = [text for cell in row.values.values() if (text := as_plain(cell))]
    return (
        len(cells) > 1 and cells[0].casefold().rstrip(":") in _SUMS and all(map(_NUMBER.fullmatch, cells[1:]))
    )


def _read_parsed(source: Source, parser: Parser) -> _Records:
    """Read nested YAML or XML."""
    with source.open_text() as text:
        value = parser.parse(source.name, text.read())
    flat = flatten(value)
    if flat is None:
        raise InputError(
            f"{source.name} holds no labels that could be told from other {parser.name}; nest names as keys or "
            "lists, or give objects with a name and their children; or save it as CSV"
        )
    return _flat_records(source, flat, parser.name)


def _read_nested(source: Source, plain: str) -> _Records | None:
    """Read JSON that is one value: an object, or a list, flat or nested; None if it is not one value."""
    with source.open_text() as text:
        try:
            value = load_json(text.read())
        except ValueError:
            return None
    flat = flatten(value)
    if flat is None:
        if not isinstance(value, list) or source.format == "jsonl":
            return None
        rows = [row for row in json_rows(source.name, value, plain) if _is_filled(row)]
        return _Records(_columns_of(rows), rows, "a JSON list")
    return _flat_records(source, flat, "JSON")


def _flat_records(source: Source, flat: Flat, format: str) -> _Records:
    rows = [
        Row(number, f"{source.name}, entry {number}", row) for number, row in enumerate(flat.rows, start=1)
    ]
    return _Records(_columns_of(rows), rows, format, flat.shape)


def _is_filled(row: Row) -> bool:
    return any(cell not in ("", None) for cell in row.values.values())


def _columns_of(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row.values))


def _named_roles(columns: LabelColumns) -> dict[str, str | None]:
    """Return the column of each role that the caller named, and None for those to be found."""
    defaults = {each.name: each.default for each in fields(LabelColumns)}
    return {
        role: None if getattr(columns, role) == defaults[role] else getattr(columns, role)
        for role in OPTIONS
        if role != "alternatives"
    }


def _said_separator(columns: LabelColumns) -> str:
    return "" if columns.path_separator == LabelColumns().path_separator else columns.path_separator


def _shape_of(layout: Layout, rows: Sequence[LabelRow]) -> str:
    """Say in what form a table has its tree."""
    if layout.levels:
        return f"a tree in {len(layout.levels)} columns of levels"
    if layout.code_tree is not None:
        return f"{layout.code_tree.shape} in {layout.id or layout.name!r}"
    if layout.depth:
        return f"a tree by the level number in {layout.depth!r}"
    if layout.is_outline:
        return f"an indented outline in {layout.name!r}"
    if any(row.parents for row in rows):
        return f"a tree by the parents in {layout.parents!r}"
    if any(len(row.path) > 1 for row in rows):
        return f"a tree by the paths in {layout.path!r}"
    return "labels without a tree"


def _with_parents(rows: Sequence[LabelRow], elsewhere: Callable[[LabelId], bool]) -> list[LabelRow]:
    """Add rows for parents that exist elsewhere; where a row has a path, its path wins over such a parent."""
    here = {row.label.id for row in rows}
    outside = dict.fromkeys(
        parent for row in rows for parent in row.parents if parent not in here and elsewhere(parent)
    )
    if not outside:
        return list(rows)
    stand_ins = [LabelRow(Label(parent, f"{parent} (elsewhere)")) for parent in outside]
    return stand_ins + [
        replace(row, parents=tuple(parent for parent in row.parents if parent not in outside))
        if row.path
        else row
        for row in rows
    ]


_AT_TOP = frozenset({"", "0", "-1", "null", "none", "nan", "n/a", "na", "nil", "root", "\\n", "#", "-", "*"})
_FLOAT = re.compile(r"(-?\d+)\.0")


class _RowReader:
    """Makes labels with their places of the rows of a file."""

    def __init__(
        self,
        source: str,
        rows: Sequence[Row],
        columns: LabelColumns,
        layout: Layout,
        batch: str,
        *,
        tidy: bool,
        names_once: bool,
    ) -> None:
        self.source, self.rows, self.columns, self.layout, self.batch = source, rows, columns, layout, batch
        self.tidies, self.names_once = tidy, names_once
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self.id_column = ""
        """The column of ids, where only the parents tell which it is."""
        self.to_parent = columns.path_to_parent
        self.places: list[list[tuple[str, ...]]] = []
        """The paths in each row."""
        self.whole_floats = tidy and self._are_floats(layout.id)

    def read(self) -> list[LabelRow]:
        """Return the labels in the order of the file, equal rows once."""
        if self.layout.codes:
            return self._distinct(self._titled_rows())
        if self.layout.levels:
            found = self._level_rows()
        else:
            self.places = [self._paths(row) for row in self.rows]
            self.to_parent = self.to_parent or self._paths_stop_at_parent()
            found = [self._label_row(row, paths) for row, paths in zip(self.rows, self.places, strict=True)]
            found = self._with_found_parents(found)
        if any(_holds_alternatives(column, self.columns) for row in self.rows for column in row.values):
            others = [_alternative_cells(row, self.columns) for row in self.rows]
            named, notes = _with_alternatives(found, others, self.columns)
            self.said += notes
        else:
            named = tuple(found)
        return self._distinct(self._in_all_places(named))

    def notes(self) -> list[str]:
        """Say what was changed, chosen and left out."""
        said = list(self.said)
        for what, count in self.counts.items():
            said.append(f"{count:,} {what}")
        return said

    def _label_row(self, row: Row, paths: Sequence[tuple[str, ...]]) -> LabelRow:
        """Return a row's label at its first path; `_in_all_places` adds the others."""
        layout = self.layout
        name = as_text(_cell(row, layout.name), row, layout.name) if layout.name else ""
        name = self._clean(outline_depth(name)[1] if layout.is_outline else name)
        path = paths[0] if paths else ()
        if (
            not name
            and path
            and (not layout.name or layout.name == layout.path or layout.name not in row.values)
        ):
            name = path[-1]
        if not name:
            if layout.name and layout.name not in row.values:
                raise missing_column(row.place, layout.name, OPTIONS["name"], tuple(row.values))
            raise InputError(f"{row.place}: the name is empty. Give the label a name, or remove the row.")
        if layout.name == layout.path and path:
            name = path[-1]
        if path and self.to_parent and layout.name != layout.path:
            path = (*path, name)
        if path and path[-1] != name:
            raise InputError(
                f"{row.place}: the path {layout.separator.join(path)!r} must end in the label's own name "
                f"{name!r}, but ends in {path[-1]!r}. If its steps have another separator, give it with "
                "--path-separator; if paths stop at the parent, add --path-to-parent."
            )
        return self._make_row(row, self._id(_cell(row, layout.id), row), name, path)

    def _make_row(self, row: Row, id: str, name: str, path: tuple[str, ...]) -> LabelRow:
        layout = self.layout
        kind = as_text(_cell(row, layout.kind), row, layout.kind).strip()
        joined = (layout.separator or self.columns.path_separator).join(path)
        return LabelRow(
            label=Label(
                id=LabelId(id or (name if self.names_once else joined) or name),
                name=name,
                description=self._clean(self._description(row)),
                batch=self.batch,
                notation=self._notation(row),
            ),
            path=path,
            is_node=bool(kind) and kind in self.columns.node_kinds,
            kind=kind,
            place=row.place,
        )

    def _notation(self, row: Row) -> str:
        """Return the code in a column of notations next to one of ids."""
        if NOTATION not in row.values or NOTATION in self.layout.columns:
            return ""
        return as_text(row.values[NOTATION], row, NOTATION).strip()

    def _description(self, row: Row) -> str:
        column = self.layout.description
        value = _cell(row, column)
        if isinstance(value, (list, tuple)):
            return " ".join(as_text(each, row, column) for each in value)
        return as_text(value, row, column)

    def _name(self, row: Row) -> str:
        """Return a row's name as it is kept; "" where no column holds names."""
        column = self.layout.name
        text = as_text(_cell(row, column), row, column) if column else ""
        return self._tidy(text) if self.tidies else text.strip()

    def _paths(self, row: Row) -> list[tuple[str, ...]]:
        column = self.layout.path
        value = _cell(row, column)
        if isinstance(value, (list, tuple)) or (isinstance(value, str) and value.lstrip().startswith("[")):
            steps = as_texts(value, row, column, self.layout.separator)
            return [tuple(self._clean(step) for step in steps)] if steps else []
        text = as_text(value, row, column).replace("\xa0", " ")
        ending = "" if self.to_parent or column == self.layout.name else self._name(row)
        found = [
            tuple(self._clean(step) for step in split_path(place, self.layout.separator, ending))
            for place in split_places(text, self.layout.separator)
        ]
        return [path for path in found if path]

    def _in_all_places(self, rows: Sequence[LabelRow]) -> list[LabelRow]:
        """Add a row for each further path of a cell that holds several."""
        if not self.layout.path or self.layout.levels:
            return list(rows)
        found = []
        for paths, row in zip(self.places, rows, strict=True):
            found.append(row)
            for path in paths[1:]:
                place = (*path, row.label.name) if self.to_parent else path
                found.append(replace(row, path=place))
        return found

    def _paths_stop_at_parent(self) -> bool:
        """Whether no path of several ends in its row's name."""
        layout = self.layout
        if not (layout.path and layout.name) or layout.path == layout.name:
            return False
        placed = [(row, paths[0]) for row, paths in zip(self.rows, self.places, strict=True) if paths]
        stop = len(placed) > 1 and all(path[-1] != self._name(row) for row, path in placed)
        if stop:
            self.said.append(f"the paths in {layout.path!r} stop at the parent")
        return stop

    def _level_rows(self) -> list[LabelRow]:
        """Read a path from columns of levels; a row that leaves out the first ones continues the row above."""
        rows: list[LabelRow] = []
        above: tuple[str, ...] = ()
        for row in self.rows:
            cells = [self._clean(as_text(row.values.get(level), row, level)) for level in self.layout.levels]
            filled = [place for place, cell in enumerate(cells) if cell]
            if not filled:
                raise InputError(
                    f"{row.place}: all columns of levels are empty. Fill one, or remove the row."
                )
            path = (*above[: filled[0]], *(cells[place] for place in filled))
            if filled[0] and len(above) < filled[0]:
                raise InputError(
                    f"{row.place}: the levels above {cells[filled[0]]!r} are empty, and no row above has them"
                )
            above = path
            rows.append(self._make_row(row, self._id(_cell(row, self.layout.id), row), path[-1], path))
        return rows

    def _titled_rows(self) -> list[LabelRow]:
        """Read a label for each level of a row, from pairs of columns with its code and its title."""
        found: dict[str, LabelRow] = {}
        lowest: dict[str, Row] = {}
        texts = self.layout.texts or ("",) * len(self.layout.codes)
        for row in self.rows:
            above = ""
            for code_column, level, text in zip(self.layout.codes, self.layout.levels, texts, strict=True):
                code = self._id(row.values.get(code_column), row)
                name = self._clean(as_text(row.values.get(level), row, level))
                if not (code and name):
                    continue
                description = self._clean(as_text(_cell(row, text), row, text))
                made = LabelRow(
                    Label(LabelId(code), name, description, batch=self.batch),
                    parents=(LabelId(above),) if above else (),
                    place=row.place,
                )
                found.setdefault(code, made)
                above = code
            if above:
                lowest.setdefault(above, row)
        for code, row in lowest.items():
            label = found[code].label
            description = label.description or self._clean(self._description(row))
            found[code] = replace(found[code], label=replace(label, description=description))
        nothing = Row(0, "", {})
        others = [_alternative_cells(lowest.get(code, nothing), self.columns) for code in found]
        named, notes = _with_alternatives(list(found.values()), others, self.columns)
        self.said += notes
        return list(named)

    def _with_found_parents(self, rows: list[LabelRow]) -> list[LabelRow]:
        """Add the parents that a column, the codes or a level number give."""
        layout = self.layout
        if layout.code_tree is not None:
            by_code = dict(
                zip(
                    (as_plain(row.values.get(layout.id or layout.name)) for row in self.rows),
                    rows,
                    strict=True,
                )
            )
            return [
                replace(row, parents=(by_code[parent].label.id,)) if parent else row
                for row, parent in zip(rows, layout.code_tree.parents, strict=True)
            ]
        if layout.depth or layout.is_outline:
            return self._by_depth(rows)
        return self._by_parents(rows) if layout.parents else rows

    def _by_depth(self, rows: list[LabelRow]) -> list[LabelRow]:
        above: list[tuple[int, LabelId]] = []
        found = []
        for given, row in zip(self.rows, rows, strict=True):
            depth = self._depth(given)
            while above and above[-1][0] >= depth:
                above.pop()
            found.append(replace(row, parents=(above[-1][1],) if above else ()))
            above.append((depth, row.label.id))
        return found

    def _depth(self, row: Row) -> int:
        if self.layout.is_outline:
            return outline_depth(as_text(row.values[self.layout.name], row, self.layout.name))[0]
        return int(as_plain(row.values[self.layout.depth]))

    def _by_parents(self, rows: list[LabelRow]) -> list[LabelRow]:
        """Resolve the column of parents: ids, values of another unique column, or unique names."""
        wanted = [self._parent_texts(row) for row in self.rows]
        known = {row.label.id for row in rows}
        kept: list[tuple[str, ...]] = []
        for row, parents in zip(rows, wanted, strict=True):
            own = [each for each in parents if each == row.label.id]
            tops = [each for each in parents if each.casefold() in _AT_TOP and each not in known]
            if own or tops:
                self.counts[
                    f"rows at the top, with {(own or tops)[0]!r} as parent"
                    if tops
                    else "rows at the top, which name themselves as parent"
                ] += 1
            kept.append(
                tuple(dict.fromkeys(each for each in parents if each not in own and each not in tops))
            )
        named = {each for parents in kept for each in parents}
        if self.layout.is_edges:
            return self._edges(rows, kept)
        ids: dict[str, LabelId] = self._ids_behind(rows, named - known) if named - known else {}
        if self.id_column:
            made = [LabelId(as_plain(row.values.get(self.id_column))) for row in self.rows]
            rows = [replace(row, label=replace(row.label, id=id)) for row, id in zip(rows, made, strict=True)]
            kept = [tuple(each for each in above if each != id) for above, id in zip(kept, made, strict=True)]
            known, ids = set(made), {}
        if top := self._word_at_top(known, named - known - set(ids)):
            kept = [tuple(each for each in parents if each != top) for parents in kept]
            self.counts[f"rows at the top, with {top!r} as parent"] = sum(
                top in parents for parents in wanted
            )
        found = [
            replace(row, parents=tuple(LabelId(ids.get(each, each)) for each in parents))
            for row, parents in zip(rows, kept, strict=True)
        ]
        return [self._without_lost_parents(row, known) for row in found]

    def _without_lost_parents(self, row: LabelRow, known: set[LabelId]) -> LabelRow:
        """Leave out a parent that has no row if the row's own code begins with it: a part of a classification."""
        lost = [each for each in row.parents if each not in known and row.label.id.startswith(each)]
        if not lost:
            return row
        near = max((each for each in known if lost[0].startswith(each)), key=len, default="")
        self.counts[f"rows whose parent has no row of its own, first {row.label.id!r} under {lost[0]!r}"] += 1
        kept = [each for each in row.parents if each not in lost] + ([LabelId(near)] if near else [])
        return replace(row, parents=tuple(kept))

    @staticmethod
    def _word_at_top(known: set[LabelId], unknown: set[str]) -> str:
        """Return the one parent without a row where it is a word and ids are codes, as `TOTAL`; else ""."""
        if len(unknown) != 1 or not known:
            return ""
        (word,) = unknown
        coded = sum(any(sign.isdigit() for sign in each) for each in known)
        return word if word.isalpha() and coded > 0.9 * len(known) else ""

    def _edges(self, rows: Sequence[LabelRow], parents: Sequence[tuple[str, ...]]) -> list[LabelRow]:
        found: dict[LabelId, LabelRow] = {}
        for row, above in zip(rows, parents, strict=True):
            for each in above:
                found.setdefault(
                    LabelId(each), LabelRow(Label(LabelId(each), each, batch=self.batch), place=row.place)
                )
            known = found.setdefault(row.label.id, replace(row, parents=()))
            both = dict.fromkeys((*known.parents, *map(LabelId, above)))
            found[row.label.id] = replace(known, parents=tuple(both))
        return list(found.values())

    def _ids_behind(self, rows: Sequence[LabelRow], missing: set[str]) -> dict[str, LabelId]:
        """Return the ids that texts stand for which are no ids: by another column, or by name."""
        candidates: dict[str, dict[str, LabelId]] = {}
        columns: dict[str, str] = {}
        for column in self._other_columns():
            values = [as_plain(row.values.get(column)) for row in self.rows]
            ids = {value: row.label.id for value, row in zip(values, rows, strict=True) if value}
            if len(ids) == sum(map(bool, values)):
                candidates[f"the column {column!r}"] = ids
                columns[f"the column {column!r}"] = column
        names: defaultdict[str, list[LabelRow]] = defaultdict(list)
        for row in rows:
            names[row.label.name].append(row)
        candidates["name"] = {name: found[0].label.id for name, found in names.items() if len(found) == 1}
        best, ids = max(candidates.items(), key=lambda each: len(missing & set(each[1])), default=("", {}))
        reached = missing & set(ids)
        if not reached:
            return {}
        column = columns.get(best, "")
        if not self.layout.id and self.columns.id == LabelColumns().id and len(ids) == len(rows) and column:
            self.id_column = column
            self.said.append(f"the ids are in {column!r}, as the parents say")
            return {}
        self.said.append(f"parents are given by {best}, not by id")
        return {each: ids[each] for each in reached}

    def _other_columns(self) -> list[str]:
        seen = dict.fromkeys(name for row in self.rows[:100] for name in row.values)
        return [
            column
            for column in seen
            if column and column not in (self.layout.parents, self.layout.id, self.layout.name)
        ]

    def _parent_texts(self, row: Row) -> tuple[str, ...]:
        """Return a row's parents as texts; objects are known by their id, else by their name."""
        column = self.layout.parents
        value = _cell(row, column)
        if isinstance(value, dict):
            value = [value]
        if isinstance(value, (list, tuple)) and any(isinstance(each, dict) for each in value):
            keys = (self.layout.id, "id", "uri", "@id", "code", "notation", self.layout.name, "name")
            value = [
                next((each[key] for key in keys if each.get(key)), None) if isinstance(each, dict) else each
                for each in value
            ]
        texts = as_texts(value, row, column, self.columns.parent_separator)
        return tuple(self._plain_id(text) for text in texts)

    def _id(self, value: object, row: Row) -> str:
        if isinstance(value, dict):
            value = next((each for each in value.values() if isinstance(each, str)), "")
        return self._plain_id(as_text(value, row, self.layout.id), self.whole_floats)

    def _plain_id(self, text: str, floats: bool = True) -> str:
        """Remove what belongs to the file and not to the id: blanks, angle brackets, the `.0` of a number."""
        text = text.strip()
        if not self.tidies:
            return text
        if text.startswith("<") and text.endswith(">"):
            text = text[1:-1].strip()
        match = _FLOAT.fullmatch(text) if floats else None
        return match[1] if match else text

    def _are_floats(self, column: str) -> bool:
        """Whether all ids are whole numbers with `.0`, as pandas writes a column with gaps."""
        texts = [as_plain(row.values.get(column)) for row in self.rows] if column else []
        return bool(texts) and all(_FLOAT.fullmatch(text) for text in texts if text)

    def _clean(self, text: str) -> str:
        """Tidy a name, and count what was changed."""
        if not self.tidies:
            return text.strip()
        tidy = self._tidy(text)
        if tidy != text.strip():
            self.counts["texts with HTML entities, odd blanks or decomposed letters were tidied"] += 1
        return tidy

    @staticmethod
    def _tidy(text: str) -> str:
        """Decode HTML entities, make blanks plain and letters composed (NFC)."""
        if "&" in text and ";" in text:
            text = unescape(text)
        if text.isascii():
            return text.strip()
        return normalize("NFC", text).replace("\xa0", " ").replace("\u202f", " ").strip()

    def _distinct(self, rows: Sequence[LabelRow]) -> list[LabelRow]:
        """Keep equal rows once."""
        seen: dict[tuple[object, ...], LabelRow] = {}
        for row in rows:
            key = (row.label.id, row.label.name, row.path, row.parents, row.label.description, row.is_node)
            if key in seen:
                self.counts["rows equal to one above were passed over"] += 1
            seen.setdefault(key, row)
        found = list(seen.values())
        folded: defaultdict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
        known: set[tuple[str, ...]] = set()
        for row in found:
            for length in range(len(row.path), 0, -1):
                path = row.path[:length]
                if path in known:
                    break
                known.add(path)
                folded[tuple(step.casefold() for step in path)].add(path)
        variants = [sorted(each) for each in folded.values() if len({path[-1] for path in each}) > 1]
        places: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for row in found:
            places[row.label.name].add(row.path)
        repeated = [name for name, paths in places.items() if len(paths) > 1]
        if repeated and not (self.layout.id or self.layout.codes or self.names_once):
            self.said.append(
                f"{len(repeated):,} names, such as {repeated[0]!r}, stand in several places and are a label in each; "
                "one label each: --names-once"
            )
        if variants:
            shown = " and ".join(repr(path[-1]) for path in variants[0][:2])
            self.said.append(f"{len(variants):,} names differ in case only and stay apart, such as {shown}")
        return found


def _check_named(place: str, columns: LabelColumns, found: tuple[str, ...]) -> None:
    """Raise InputError for a missing column that was named by option."""
    defaults = {field.name: field.default for field in fields(LabelColumns)}
    for role, option in OPTIONS.items():
        wanted: str = getattr(columns, role)
        if wanted and wanted != defaults[role] and wanted not in found:
            raise missing_column(place, wanted, option, found)


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
