"""The sheet of a workbook that holds the tree: a row for each place of a label."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from taxonaut.workspace.files.table_writers.excel_tables import TreeRows

if TYPE_CHECKING:
    from taxonaut.workspace.core.core import Core

COLUMNS = ("id", "name", "path", "description")
_SEPARATOR = " > "
_AT_ONCE = 10_000


def label_sheet(workspace: "Core") -> TreeRows:
    """Return the labels of the index with their paths; `labels import` reads the sheet."""
    return COLUMNS, _label_rows(workspace)


def _label_rows(workspace: "Core") -> Iterator[Sequence[str]]:
    index = workspace.index
    ids = index.label_ids()
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        paths = index.paths_of(part)
        for label in index.labels(part):
            for path in paths.get(label.id) or [(label.name,)]:
                yield label.id, label.name, _SEPARATOR.join(path), label.description
