"""Output rows of `vocabulary assign`: a descriptor a level, and what else fits."""

from collections.abc import Iterator, Sequence
from typing import Any

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import NodeId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.table_writers.excel_tables import TreeRows
from taxonaut.workspace.files.tables import clean_text
from taxonaut.workspace.vocabulary.reading import Vocabulary, read_vocabulary

SHEET = ("name", "path", "description")


def tagging_format(workspace: Core) -> RowFormat[Tagging]:
    """Return the output format of `vocabulary assign`.

    A row has the names of the item's descriptors, `l1` for the coarsest and so on; `further`, a path for each other
    descriptor that fits; and `error`. In JSON the names are a list, `path`.
    """
    vocabulary = read_vocabulary(workspace)

    def row(tagging: Tagging) -> dict[str, Any]:
        others = [node for node in dict.fromkeys(tagging.others) if node not in tagging.path]
        found: dict[str, Any] = {
            "id": clean_text(tagging.item_id),
            "path": [_path(vocabulary, node)[-1] for node in tagging.path],
            "further": [_path(vocabulary, node) for node in others],
        }
        return found | ({"error": clean_text(tagging.error)} if tagging.error else {})

    def cells(tagging: Tagging) -> list[object]:
        found = row(tagging)
        names = [*found["path"], *[None] * (vocabulary.depth - len(found["path"]))]
        return [*names, found["further"] or None, found.get("error")]

    levels = [Column(f"l{level}", "VARCHAR") for level in range(1, vocabulary.depth + 1)]
    columns = [*levels, Column("further", "VARCHAR[][]", "paths"), Column("error", "VARCHAR")]
    return RowFormat(("path", "further", "error"), row, columns, cells)


def _path(vocabulary: Vocabulary, node: NodeId) -> list[str]:
    return [clean_text(name) for name in vocabulary.by_id[node].path]


def descriptor_sheet(workspace: Core) -> TreeRows:
    """Return the vocabulary for a sheet of its own: a row a descriptor."""
    return SHEET, _descriptor_rows(read_vocabulary(workspace))


def _descriptor_rows(vocabulary: Vocabulary) -> Iterator[Sequence[str]]:
    for each in vocabulary.descriptors:
        yield each.node.name, " > ".join(each.path), each.node.description
