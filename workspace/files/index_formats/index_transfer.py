"""Export the workspace's index to a file, and import one."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import VOCABULARY
from taxonaut.state.stores.rdf_sources import RdfSources
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.index_formats.index_csv import read_csv, write_csv
from taxonaut.workspace.files.index_formats.index_excel import write_xlsx
from taxonaut.workspace.files.index_formats.index_file import RDF_SUFFIXES, IndexFile, index_format
from taxonaut.workspace.files.index_formats.index_jsonl import jsonl_lines, read_jsonl
from taxonaut.workspace.files.index_formats.index_table import describe_losses
from taxonaut.workspace.files.index_formats.label_history import load_history
from taxonaut.workspace.files.index_formats.rdf_graph import write_rdf
from taxonaut.workspace.files.index_formats.rdf_imports import keep_rdf, retire_deprecated
from taxonaut.workspace.files.index_formats.skos import BASE, SkosOptions, read_skos
from taxonaut.workspace.files.index_formats.skos_export import export_graph
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import open_source, plain_suffix

_SHOWN = 5
_SOURCES = {"skos": "lines", "xlsx": "excel"}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The number of CSV cells a spreadsheet could read as formulas, and notes on what the file does not hold."""

    formulas: int = 0
    notes: tuple[str, ...] = ()


def export_index(
    workspace: Core,
    file: str | Path,
    format: str | None = None,
    *,
    guarded: bool = False,
    language: str = "",
    base: str | None = None,
) -> ExportReport:
    """Write the index to a file; return what a person should know of it.

    JSON lines are lossless, CSV and workbooks keep paths and the texts of labels, SKOS loses the order; see
    `jsonl_lines`, `index_table` and `export_graph` for the options. SKOS is in the format of RDF that the suffix
    names, by default Turtle. A vocabulary has no labels, and so no paths for CSV.
    """
    path = Path(file)
    chosen = index_format(path, format)
    if not workspace.index.label_ids():
        _check_labelless(workspace, chosen)
    if chosen == "skos":
        sources = RdfSources(workspace.database).all()
        graph = export_graph(workspace.index.snapshot(), sources, base=base or BASE, language=language)
        with write_atomically(path) as raw:
            write_rdf(graph, raw, RDF_SUFFIXES.get(plain_suffix(path), "turtle"))
        return ExportReport()
    notes = () if chosen == "jsonl" else describe_losses(workspace.index.snapshot())
    if RdfSources(workspace.database).all():
        notes += ("names in other languages and notes of the SKOS it came from are not in it; .ttl has them",)
    if chosen == "xlsx":
        with write_atomically(path) as raw:
            return ExportReport(0, (*write_xlsx(workspace.index, raw), *notes))
    with write_atomically(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
        try:
            if chosen == "csv":
                return ExportReport(write_csv(workspace.index, text, guarded=guarded), notes)
            text.writelines(jsonl_lines(workspace.index.snapshot()))
            return ExportReport(0, notes)
        finally:
            text.flush()
            text.detach()


def _check_labelless(workspace: Core, format: str) -> None:
    if workspace.index.tree_method() != VOCABULARY:
        workspace.check_has_labels()
    if format in ("csv", "xlsx"):
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
    known: Callable[[LabelId], bool] = lambda _: False,
) -> IndexFile:
    """Read and check a file that holds an index; `known` tells ids of labels that it may mean by notations."""
    path = Path(file)
    chosen = index_format(path, format)
    source = open_source(path, _SOURCES.get(chosen, chosen), encoding)
    if chosen == "skos":
        return read_skos(source, SkosOptions(language, leaves_only, collections), known)
    if chosen in ("csv", "xlsx"):
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
    shared = [label.id for label in file.labels if label.id in known]
    if not allow_unplaced:
        _check_all_placed(workspace, file)
    with workspace.database.write(), index.change(f"import {file.name}"):
        had = {label.id: label for label in index.labels(shared)}
        index.add_labels(new)
        event = index.version()
        loaded = index.load_tree(file.tree, allow_unplaced=True)
        retire_deprecated(index, file.retired, file.name)
        load_history(index, file.history)
        if file.rdf is not None:
            keep_rdf(workspace, event if new else loaded, file.rdf, file.tree, had)


def _check_all_placed(workspace: Core, file: IndexFile) -> None:
    placed = {label for _, label in file.tree.placements}
    retired = {mapping.old for mapping in file.history.mappings}
    missing = [label for label in workspace.index.label_ids() if label not in placed and label not in retired]
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
