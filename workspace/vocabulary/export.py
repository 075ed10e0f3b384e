"""Export a vocabulary and its tagged items in formats of other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import STDIN
from taxonaut.workspace.vocabulary import item_tables as tables
from taxonaut.workspace.vocabulary.near_descriptors import Nearest
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import SemanticIds, semantic_ids, write_semantic_ids

ExportFormat = Literal["semantic-ids", "parquet", "recbole", "plain", "free-form"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

SUFFIXES: dict[ExportFormat, tuple[str, ...]] = {
    "semantic-ids": (".json",),
    "parquet": (".parquet", ".pq"),
    "recbole": (".item",),
    "plain": (".json", ".jsonl", ".ndjson", ".csv"),
    "free-form": (".json",),
}
"""File suffixes of each format."""

WITH_TOKENS: tuple[ExportFormat, ...] = ("semantic-ids", "parquet", "recbole")
"""Formats that have the tokens of semantic ids."""

UNPACKED: tuple[ExportFormat, ...] = ("parquet", "recbole")
"""Formats whose readers do not accept .gz."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The written files, the semantic ids in them, and notes for the user."""

    files: tuple[str, ...]
    ids: SemanticIds
    notes: tuple[str, ...] = ()


def export_format(path: Path, given: str | None) -> ExportFormat:
    """Return the format `given`, or the only one with the file's suffix.

    Raises InputError for an unknown format, a suffix that does not fit, or one of several formats.
    """
    if given is not None and given not in EXPORT_FORMATS:
        raise InputError(f"--format {given!r} is unknown; it can be one of {', '.join(EXPORT_FORMATS)}")
    wanted = [each for each in EXPORT_FORMATS if given in (None, each)]
    if str(path) == STDIN:
        if given in (None, "parquet"):
            raise InputError(
                "standard output needs a format; give --format "
                f"{'|'.join(each for each in EXPORT_FORMATS if each != 'parquet')}"
                if given is None
                else "Parquet cannot be written to standard output; name a file"
            )
        return wanted[0]
    suffix = base_suffix(path)
    fitting = [each for each in wanted if suffix in SUFFIXES[each]]
    if not fitting:
        allowed = sorted({end for each in wanted for end in SUFFIXES[each]})
        raise InputError(
            f"invalid suffix of {path.name!r} for {'an export' if given is None else given}; "
            f"use one of {', '.join(allowed)}"
        )
    if len(fitting) > 1:
        raise InputError(f"{path.name!r} can have several formats; give --format {'|'.join(fitting)}")
    if fitting[0] in UNPACKED and path.suffix.lower() == ".gz":
        raise InputError(f"{path.name!r}: {fitting[0]} files are not read compressed; remove the .gz suffix")
    return fitting[0]


def base_suffix(path: Path) -> str:
    """Return the lower-case suffix without .gz."""
    bare = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return bare.suffix.lower()


def export_vocabulary(
    vocabulary: Vocabulary,
    file: str | Path,
    format: str | None = None,
    *,
    further: int = 0,
    resolver: bool = True,
    nearest: Nearest | None = None,
) -> Exported:
    """Write the items with their descriptors; `-` is standard output. See `semantic_ids` for the slots.

    `nearest` (`nearest_descriptors`) are descriptors for what none fits; formats with names only leave them out.

    Raises:
        InputError: No tagged items, an unknown or ambiguous format, no such folder.
        DiskError: The file cannot be written.
    """
    path = Path(file)
    chosen = export_format(path, format)
    if chosen == "free-form":
        raise InputError("'free-form' needs a model; call `workspace.vocabulary.keyword_baseline.afree_form`")
    check_tagged(vocabulary)
    ids = semantic_ids(vocabulary, further, resolver=resolver, nearest=nearest)
    if chosen == "semantic-ids":
        meanings = write_semantic_ids(ids, path)
        return Exported((str(path), *([str(meanings)] if meanings else ())), ids)
    notes: tuple[str, ...] = ()
    with write_atomically(path) as raw:
        if chosen == "parquet":
            tables.write_parquet(vocabulary, ids, raw, path.parent)
        elif chosen == "recbole":
            if lost := tables.write_recbole(vocabulary, ids, raw):
                notes = (f"RecBole will read {lost:,} item ids, such as 'NA', as missing values",)
        elif base_suffix(path) == ".csv":
            tables.write_plain_csv(vocabulary, raw)
        elif base_suffix(path) == ".json":
            tables.write_plain_json(vocabulary, raw)
        else:
            tables.write_plain_lines(vocabulary, raw)
    return Exported((str(path),), ids, notes)


def check_tagged(vocabulary: Vocabulary) -> None:
    """Raise InputError if the vocabulary has no descriptor, or no item is tagged."""
    if not vocabulary.descriptors:
        raise InputError(
            "the vocabulary has no descriptors; build it from more items: taxonaut vocabulary build ITEMS"
        )
    if not vocabulary.taggings:
        raise InputError("no item has been tagged yet; tag some: taxonaut vocabulary assign ITEMS")
