"""Write and read an index as CSV, one row per path to a label."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.workspace.files.index_formats.index_file import IndexFile
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import Source

COLUMNS = ("id", "path", "description", "alternatives")
SEPARATOR = " > "
_FORMULA = re.compile("[=+\\-@\t\r]")
_QUOTED = re.compile("'+[=+\\-@\t\r]")


def write_csv(index: Index, file: TextIO, *, guarded: bool = False) -> int:
    """Write all labels with their paths; return the number of cells a spreadsheet could read as formulas.

    A path is its names joined by ` > `, or a JSON list where that could not be read back; alternative names, if there
    are any, are a JSON list. `guarded` puts an apostrophe before a cell that starts with =, +, - or @ (CSV
    injection), which `read_csv` removes again. Nodes keep their names only; a label without a place has no path.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    suspicious = 0
    ids = index.label_ids()
    for start in range(0, len(ids), 10_000):
        part = ids[start : start + 10_000]
        paths = index.paths_of(part)
        for label in index.labels(part):
            others = json.dumps(label.alternatives, ensure_ascii=False) if label.alternatives else ""
            for row in _rows(label, paths):
                cells = (label.id, row, label.description, others)
                suspicious += sum(1 for text in cells if _FORMULA.match(text))
                writer.writerow([_guard(text, guarded) for text in cells])
    return suspicious


def _rows(label: Label, paths: Mapping[LabelId, Sequence[tuple[str, ...]]]) -> Iterator[str]:
    for path in paths[label.id] or [(label.name,)]:
        joined = SEPARATOR.join(path)
        plain = not joined.startswith("[") and tuple(joined.split(SEPARATOR)) == path
        yield joined if plain else json.dumps([_guard(path[0], False), *path[1:]], ensure_ascii=False)


def _guard(text: str, formulas: bool) -> str:
    """Prefix a formula with an apostrophe; likewise text whose own apostrophe would be removed on reading."""
    guard = _QUOTED.match(text) or (formulas and _FORMULA.match(text))
    return f"'{text}" if guard else text


def _unguard(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text


def read_csv(source: Source) -> IndexFile:
    """Read rows of paths (or parents) like `labels import`, removing apostrophes before formulas."""
    read = read_labels(source, tidy=False)
    rows = tuple(_unguard_row(row) for row in read.rows)
    check_labels(rows, source.name)
    labels = replace(read, rows=rows).labels
    return IndexFile(source.name, labels, build_native_tree(rows), read.notes)


def _unguard_row(row: LabelRow) -> LabelRow:
    label = replace(
        row.label,
        id=LabelId(_unguard(row.label.id)),
        description=_unguard(row.label.description),
        batch="initial",
    )
    if not row.path:
        return replace(row, label=replace(label, name=_unguard(label.name)))
    path = (_unguard(row.path[0]), *row.path[1:])
    return replace(row, label=replace(label, name=path[-1]), path=path)
