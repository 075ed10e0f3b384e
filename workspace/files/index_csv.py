"""An index as CSV of paths, one row for each path to a label: what people have, and spreadsheets open."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.workspace.files.index_file import IndexFile
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import Source

COLUMNS = ("id", "path", "description")
SEPARATOR = " > "
_FORMULA = re.compile("[=+\\-@\t\r]")
_QUOTED = re.compile("'+[=+\\-@\t\r]")


def write_csv(index: Index, file: TextIO, *, guarded: bool = False) -> int:
    """Write all labels with their paths; return how many cells a spreadsheet could take for a formula.

    A path is its names joined by ` > `, or a JSON list where that could not be read back. `guarded` puts an
    apostrophe before a cell that starts with =, +, - or @, which `read_csv` takes off again. Nodes keep
    their names only; a label without a place has no path.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    suspicious = 0
    ids = index.label_ids()
    for start in range(0, len(ids), 10_000):
        part = ids[start : start + 10_000]
        paths = index.paths_of(part)
        for label in index.labels(part):
            for row in _rows(label, paths):
                cells = (label.id, row, label.description)
                suspicious += sum(1 for text in cells if _FORMULA.match(text))
                writer.writerow([_guarded(text, guarded) for text in cells])
    return suspicious


def _rows(label: Label, paths: Mapping[LabelId, Sequence[tuple[str, ...]]]) -> Iterator[str]:
    for path in paths[label.id] or [(label.name,)]:
        joined = SEPARATOR.join(path)
        plain = not joined.startswith("[") and tuple(joined.split(SEPARATOR)) == path
        yield joined if plain else json.dumps([_guarded(path[0], False), *path[1:]], ensure_ascii=False)


def _guarded(text: str, formulas: bool) -> str:
    """Put an apostrophe before a formula, and before an apostrophe that would be taken off."""
    guard = _QUOTED.match(text) or (formulas and _FORMULA.match(text))
    return f"'{text}" if guard else text


def _bare(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text


def read_csv(source: Source) -> IndexFile:
    """Read rows of paths (or of parents) as `labels import` does; apostrophes before formulas go."""
    read = read_labels(source)
    rows = tuple(_bare_row(row) for row in read.rows)
    check_labels(rows, source.name)
    labels = replace(read, rows=rows).labels
    return IndexFile(source.name, labels, build_native_tree(rows))


def _bare_row(row: LabelRow) -> LabelRow:
    label = replace(
        row.label, id=LabelId(_bare(row.label.id)), description=_bare(row.label.description), batch="initial"
    )
    if not row.path:
        return replace(row, label=replace(label, name=_bare(label.name)))
    path = (_bare(row.path[0]), *row.path[1:])
    return replace(row, label=replace(label, name=path[-1]), path=path)
