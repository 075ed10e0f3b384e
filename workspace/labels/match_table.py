"""Matches of two taxonomies as a table, and as SKOS mappings."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.index_formats.rdf_graph import import_rdflib
from taxonaut.workspace.files.index_formats.skos import BASE
from taxonaut.workspace.files.item_files import ItemFields
from taxonaut.workspace.files.output_files import STDOUT, write_atomically
from taxonaut.workspace.files.result_files import RowFormat, open_file
from taxonaut.workspace.labels.label_match import LabelMatch, MatchKind
from taxonaut.workspace.labels.label_sets import Entry

MATCH_COLUMNS = ("id", "name", "path", "rank", "score", "kind", "match_id", "match_name", "match_path")
_NUMBERS = {"score": "DOUBLE", "rank": "BIGINT"}
_RELATIONS: Mapping[MatchKind, str] = {
    "exact": "exactMatch",
    "close": "closeMatch",
    "broad": "broadMatch",
}
_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`\x00-\x20]+")

Cells = Mapping[str, object]


def write_matches(path: str | Path, matches: Sequence[LabelMatch], inputs: Sequence[str] = ()) -> None:
    """Write matches as a table (see `MATCH_COLUMNS`), or to a `.ttl` as `skos:exactMatch`, `closeMatch` and so on.

    In Turtle a label's address is its id if that is one, else it is made of its taxonomy's side and the id.
    """
    if Path(path).suffix.lower() == ".ttl":
        _write_mappings(Path(path), matches, inputs)
    else:
        write_table(path, MATCH_COLUMNS, [match_row(match) for match in matches], inputs)


def match_row(match: LabelMatch) -> dict[str, object]:
    """Return a match as JSON and tables have it."""
    return {
        "id": match.source.id,
        "name": match.source.name,
        "path": " > ".join(match.source.path),
        "rank": match.rank,
        "score": round(match.score, 4),
        "kind": match.kind,
        "match_id": match.target.id,
        "match_name": match.target.name,
        "match_path": " > ".join(match.target.path),
    }


def write_table(
    path: str | Path, columns: Sequence[str], rows: Sequence[Cells], inputs: Sequence[str] = ()
) -> None:
    """Write rows of named cells to a file in the format of its suffix."""
    shape: RowFormat[Cells] = RowFormat((), lambda row: {"id": row["id"]}, (), lambda _: ())
    fields = ItemFields(tuple(columns), "id", {name: _NUMBERS[name] for name in columns if name in _NUMBERS})
    with open_file(path, shape, fields=fields, inputs=inputs) as writer:
        writer.write(rows, rows)


def _write_mappings(path: Path, matches: Sequence[LabelMatch], inputs: Sequence[str]) -> None:
    if str(path) == STDOUT:
        raise InputError("name a file to write Turtle to")
    rdflib = import_rdflib()
    skos = rdflib.SKOS
    graph = rdflib.Graph()
    graph.bind("skos", skos)
    for match in matches:
        relation = skos[_RELATIONS[match.kind]]
        graph.add((_address(rdflib, match.source, "from"), relation, _address(rdflib, match.target, "to")))
    with write_atomically(path, inputs) as file:
        file.write(graph.serialize(format="turtle", encoding="utf-8"))


def _address(rdflib: object, entry: Entry, side: str) -> object:
    id_ = str(entry.id)
    iri = id_ if _IRI.fullmatch(id_) else f"{BASE}{side}:{quote(id_, safe='')}"
    return rdflib.URIRef(iri)  # type: ignore[attr-defined]
