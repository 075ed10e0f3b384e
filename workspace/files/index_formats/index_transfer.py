"""Export the workspace's index to a file, and import one."""

import io
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.records import VOCABULARY
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.index_formats.index_csv import read_csv, write_csv
from taxonaut.workspace.files.index_formats.index_file import IndexFile, index_format
from taxonaut.workspace.files.index_formats.index_jsonl import jsonl_lines, read_jsonl
from taxonaut.workspace.files.index_formats.skos import BASE, read_skos, write_skos
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import open_source

_SHOWN = 5


def export_index(
    workspace: Core,
    file: str | Path,
    format: str | None = None,
    *,
    guarded: bool = False,
    language: str = "",
    base: str | None = None,
) -> int:
    """Write the index to a file; return the number of CSV cells a spreadsheet could read as formulas.

    JSON lines are lossless, CSV keeps paths and the texts of labels, SKOS loses the order; see `jsonl_lines`,
    `write_csv` and `write_skos` for the options. A vocabulary has no labels, and so no paths for CSV.
    """
    path = Path(file)
    chosen = index_format(path, format)
    if not workspace.index.label_ids():
        _check_labelless(workspace, chosen)
    with write_atomically(path) as raw:
        if chosen == "skos":
            write_skos(workspace.index.snapshot(), raw, base=base or BASE, language=language)
            return 0
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
        try:
            if chosen == "csv":
                return write_csv(workspace.index, text, guarded=guarded)
            text.writelines(jsonl_lines(workspace.index.snapshot()))
            return 0
        finally:
            text.flush()
            text.detach()


def _check_labelless(workspace: Core, format: str) -> None:
    if workspace.index.tree_method() != VOCABULARY:
        raise InputError(
            f"{str(workspace.folder)!r} has no labels yet; import some: taxonaut labels import FILE"
        )
    if format == "csv":
        raise InputError(
            f"{str(workspace.folder)!r} holds a vocabulary, and CSV has a row for each label only; write .jsonl "
            "or .ttl, or export the items: taxonaut vocabulary export"
        )


def read_index(
    file: str | Path,
    format: str | None = None,
    *,
    encoding: str = "utf-8",
    language: str = "",
    leaves_only: bool = False,
    collections: bool = False,
) -> IndexFile:
    """Read and check a file that holds an index."""
    path = Path(file)
    chosen = index_format(path, format)
    source = open_source(path, "lines" if chosen == "skos" else chosen, encoding)
    if chosen == "skos":
        return read_skos(source, language=language, leaves_only=leaves_only, collections=collections)
    if chosen == "csv":
        return read_csv(source)
    return read_jsonl(source)


def import_index(workspace: Core, file: IndexFile, *, allow_unplaced: bool = False) -> None:
    """Replace the index's tree by the file's and add new labels, atomically as one change.

    Raises InputError for a label of the index or the file that has no place in the file's tree, unless
    `allow_unplaced`; and as `load_tree` does. Labels already in the index keep their names and descriptions.
    """
    index = workspace.index
    known = set(index.label_ids())
    new = [label for label in file.labels if label.id not in known]
    if not allow_unplaced:
        _check_all_placed(workspace, file)
    with workspace.database.write(), index.change(f"import {file.name}"):
        index.add_labels(new)
        index.load_tree(file.tree, allow_unplaced=True)


def _check_all_placed(workspace: Core, file: IndexFile) -> None:
    placed = {label for _, label in file.tree.placements}
    missing = [label for label in workspace.index.label_ids() if label not in placed]
    if missing:
        names = workspace.index.labels(missing[:_SHOWN])
        shown = ", ".join(f"{label.id!r} ({label.name[:80]})" for label in names)
        raise InputError(
            f"{file.name} has no place for {len(missing):,} of the index's labels: {shown}"
            f"{', …' if len(missing) > _SHOWN else ''}; add them to the file, or let them stand in no node with "
            "--allow-unplaced"
        )
    homeless = [label for label in file.labels if label.id not in placed]
    if homeless:
        raise InputError(
            f"{file.name} has labels without a place, first {homeless[0].id!r}; give each a node, or let them "
            "stand in no node with --allow-unplaced"
        )


def count_renamed(workspace: Core, file: IndexFile) -> int:
    """Count the labels whose name in the file differs from the index."""
    known = set(workspace.index.label_ids())
    shared = [label for label in file.labels if label.id in known]
    present = workspace.index.labels([label.id for label in shared])
    return sum(1 for one, other in zip(shared, present, strict=True) if one.name != other.name)
