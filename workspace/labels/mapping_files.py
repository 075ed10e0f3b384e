"""Label mappings in files: rewrite a column of former ids to the present ones, and export all mappings."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.workspace.files.index_formats.rdf_graph import import_rdflib
from taxonaut.workspace.files.index_formats.skos import BASE
from taxonaut.workspace.files.item_files import ItemFields
from taxonaut.workspace.files.output_files import STDOUT, write_atomically
from taxonaut.workspace.files.result_files import OBJECTS, RowFormat, check_results, open_file
from taxonaut.workspace.files.shapes.layout import as_plain
from taxonaut.workspace.files.sources import open_source
from taxonaut.workspace.files.tables import missing_column, read_table

MAPPING_TABLE = ("id", "new_id", "kind", "date", "reason", "name", "new_name", "now")
"""Columns of an exported mapping, a row for each pair; `now` has the ids of today, divided by `;`."""

_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`\x00-\x20]+")
_SEPARATORS = (";", "|", ",", "\n")
_BATCH = 1_000

Cells = Mapping[str, object]


@dataclass
class MappedColumn:
    """What a column's rewriting did: ids and how often each was met."""

    rows: int = 0
    rewritten: Counter[tuple[LabelId, LabelId]] = field(default_factory=Counter)
    ambiguous: Counter[LabelId] = field(default_factory=Counter)
    gone: Counter[LabelId] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


def map_column(
    index: IndexReader,
    file: str,
    column: str,
    output: str | Path,
    *,
    encoding: str = "utf-8",
    overwrite: bool = False,
) -> MappedColumn:
    """Copy a table with the label ids of a column rewritten to those of today; everything else stays as it is.

    A cell may hold several ids: divided by `;`, `|`, `,` or line breaks, or a list of JSON or Python. Ids of labels
    that were split, or have no successor, and texts that are no ids stay, and are counted. Raises InputError for an
    unknown column, and for an output that is the input, unless `overwrite`.
    """
    source = open_source(file, encoding=encoding)
    table = read_table(source, column)
    found = MappedColumn()
    names = table.columns
    if names is None:
        names = tuple(dict.fromkeys(name for row in table.rows() for name in row.values))
    if column not in names:
        raise missing_column(source.name, column, "--column", names)

    def mapped() -> Iterator[dict[str, object]]:
        for row in table.rows():
            found.rows += 1
            values = dict(row.values)
            if column in values:
                values[column] = map_cell(index, values[column], found)
            yield values

    inputs = () if overwrite else (file,)
    # Objects keep an "id" that they have and get none; in a table any column may be the first.
    id_ = "id" if check_results(output, None, inputs) in OBJECTS else names[0]
    shape: RowFormat[Cells] = RowFormat(
        (), lambda row: {"id": row.get(id_)} if id_ in names else {}, (), lambda _: ()
    )
    fields = ItemFields(names, id_, table.types, source)
    rows = list(mapped()) if overwrite else mapped()
    with open_file(output, shape, fields=fields, inputs=inputs) as writer:
        batch: list[dict[str, object]] = []
        for values in rows:
            batch.append(values)
            if len(batch) == _BATCH:
                writer.write(batch, batch)
                batch = []
        if batch:
            writer.write(batch, batch)
    return found


def map_cell(index: IndexReader, cell: object, found: MappedColumn) -> object:
    """Return a cell with its ids rewritten, in the form it came in; see `map_column`."""
    if isinstance(cell, (list, tuple)):
        return list(dict.fromkeys(_map_id(index, as_plain(each), found) for each in cell))
    text = as_plain(cell)
    if not text.strip():
        return cell
    whole = text.strip()
    if index.knows_id(LabelId(whole)):
        mapped = _map_id(index, whole, found)
        return cell if mapped == whole else mapped
    listed = _read_list(whole)
    if listed is not None:
        values, as_json = listed
        new = list(dict.fromkeys(_map_id(index, each, found) for each in values))
        if new == values:
            return cell
        return json.dumps(new, ensure_ascii=False) if as_json else repr(new)
    for separator in _SEPARATORS:
        if separator in whole:
            parts = whole.split(separator)
            if any(index.knows_id(LabelId(part.strip())) for part in parts):
                return _map_parts(index, parts, separator, found)
    mapped = _map_id(index, whole, found)
    return cell if mapped == whole else mapped


def _map_parts(index: IndexReader, parts: list[str], separator: str, found: MappedColumn) -> str:
    blank = " " if len(parts) > 1 and all(part.startswith(" ") for part in parts[1:]) else ""
    clean = [part.strip() for part in parts if part.strip()]
    return f"{separator}{blank}".join(dict.fromkeys(_map_id(index, part, found) for part in clean))


def _map_id(index: IndexReader, text: str, found: MappedColumn) -> str:
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    result = index.resolve(LabelId(bare))
    match result.kind:
        case "mapped":
            found.rewritten[LabelId(bare), result.labels[0]] += 1
            return f"<{result.labels[0]}>" if bare != text else str(result.labels[0])
        case "ambiguous":
            found.ambiguous[LabelId(bare)] += 1
        case "gone":
            found.gone[LabelId(bare)] += 1
        case "unknown":
            found.unknown[text] += 1
    return text


def _read_list(text: str) -> tuple[list[str], bool] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read, as_json in ((json.loads, True), (ast.literal_eval, False)):
        try:
            value = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(value, list):
            return [as_plain(each) for each in value], as_json
    return None


def mapping_rows(index: IndexReader) -> list[dict[str, object]]:
    """Return every mapping as rows of `MAPPING_TABLE`, one for each pair of ids, in order of time."""
    rows: list[dict[str, object]] = []
    for mapping in index.mappings():
        now = ";".join(index.resolve(mapping.old).labels)
        for new in mapping.new or (LabelId(""),):
            known = index.has_label(new) or index.is_retired(new)
            rows.append(
                {
                    "id": mapping.old,
                    "new_id": new,
                    "kind": mapping.kind,
                    "date": mapping.at,
                    "reason": mapping.reason,
                    "name": mapping.name,
                    "new_name": index.label(new).name if known else "",
                    "now": now,
                }
            )
    return rows


def write_mappings(index: IndexReader, path: str | Path) -> int:
    """Write all mappings to a table, or as SKOS to a `.ttl`; return how many there are.

    In SKOS another id of a label is a `skos:exactMatch`; a label that was merged, split or replaced
    `dct:isReplacedBy` its successors; retired ones are `owl:deprecated`, with date and reason as a history note.
    """
    if Path(path).suffix.lower() == ".ttl":
        _write_skos(index, Path(path))
    else:
        fields = ItemFields(MAPPING_TABLE, "id")
        shape: RowFormat[Cells] = RowFormat((), lambda row: {"id": row["id"]}, (), lambda _: ())
        with open_file(path, shape, fields=fields) as writer:
            rows = mapping_rows(index)
            writer.write(rows, rows)
    return len(index.mappings())


def _write_skos(index: IndexReader, path: Path) -> None:
    if str(path) == STDOUT:
        raise InputError("name a file to write Turtle to")
    rdflib: Any = import_rdflib()
    graph = rdflib.Graph()
    for prefix, namespace in (("skos", rdflib.SKOS), ("dct", rdflib.DCTERMS), ("owl", rdflib.OWL)):
        graph.bind(prefix, namespace)

    def address(id_: str) -> Any:
        return rdflib.URIRef(id_ if _IRI.fullmatch(id_) else f"{BASE}{quote(id_, safe='')}")

    for mapping in index.mappings():
        old = address(mapping.old)
        graph.add((old, rdflib.RDF.type, rdflib.SKOS.Concept))
        graph.add((old, rdflib.SKOS.prefLabel, rdflib.Literal(mapping.name)))
        relation = rdflib.SKOS.exactMatch if mapping.kind == "renamed" else rdflib.DCTERMS.isReplacedBy
        for new in mapping.new:
            graph.add((old, relation, address(new)))
        if mapping.kind != "renamed":
            graph.add((old, rdflib.OWL.deprecated, rdflib.Literal(True)))
        graph.add((old, rdflib.DCTERMS.modified, rdflib.Literal(mapping.at, datatype=rdflib.XSD.dateTime)))
        if mapping.reason:
            graph.add((old, rdflib.SKOS.historyNote, rdflib.Literal(mapping.reason)))
    with write_atomically(path) as file:
        file.write(graph.serialize(format="turtle", encoding="utf-8"))
