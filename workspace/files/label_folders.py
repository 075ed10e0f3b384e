"""Read a folder of label files as one: parts of a classification, of which each may name parents in another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.index_formats.index_file import RDF_SUFFIXES
from taxonaut.workspace.files.label_files import LabelFile, Reading
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.sources import DOCUMENT_SUFFIXES, SUFFIXES, plain_suffix

_SHOWN = 5


def read_label_folder(folder: Path, read: Callable[[Path], LabelFile]) -> LabelFile:
    """Read all label files that are directly in a folder, in the order of their names; `read` reads one.

    Hidden files, documents and other formats are left out and named. Raises InputError for a folder without label
    files, for an id with two names, and for a parent that is in none of them.
    """
    known = {*SUFFIXES, *RDF_SUFFIXES} - {*DOCUMENT_SUFFIXES}
    entries = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
    files = [each for each in entries if plain_suffix(each) in known]
    if not files:
        raise InputError(
            f"{str(folder)!r} holds no label files; give one with one of {', '.join(sorted(known))}"
        )
    if len(files) == 1:
        return read(files[0])
    left_out = [each.name for each in entries if each not in files]
    parts = [read(each) for each in files]
    if mixed := [part.name for part in parts if part.rdf is not None]:
        raise InputError(
            f"{str(folder)!r} holds SKOS among other files ({mixed[0]}); import one after the other"
        )
    rows: dict[tuple[object, ...], LabelRow] = {}
    for row in (row for part in parts for row in part.rows):
        rows.setdefault((row.label, row.path, row.parents, row.is_node), row)
    notes = [f"{part.name}: {note}" for part in parts for note in part.notes]
    if left_out:
        rest = ", …" if len(left_out) > _SHOWN else ""
        notes.append(f"left out: {', '.join(left_out[:_SHOWN])}{rest}")
    found = tuple(rows.values())
    notes += check_labels(found, str(folder))
    shapes = dict.fromkeys(part.reading.shape for part in parts)
    named = ", ".join(each.name for each in files[:_SHOWN])
    reading = Reading(
        f"{len(files)} files ({named}{', …' if len(files) > _SHOWN else ''})",
        "; ".join(shapes),
        parts[0].reading.used,
        parts[0].reading.unused,
    )
    return replace(
        parts[0],
        name=folder.name or str(folder),
        rows=found,
        notes=tuple(notes),
        reading=reading,
        checked=None,
    )
