"""Hand a vocabulary and its items on, in a format that another program reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.index_file import write_atomically
from taxonaut.workspace.files.sources import STDIN
from taxonaut.workspace.vocabulary import item_tables as tables
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
"""What a file of each format may end in."""

UNPACKED: tuple[ExportFormat, ...] = ("parquet", "recbole")
"""Formats whose readers take no .gz."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, the ids the slots of which went into them, and notes for the person."""

    files: tuple[str, ...]
    ids: SemanticIds
    notes: tuple[str, ...] = ()


def export_format(path: Path, given: str | None) -> ExportFormat:
    """Tell the format of a file from `given` or, where only one has its suffix, from that.

    Raises InputError for a format that is not known, a suffix that is no file of it, or one of several.
    """
    if given is not None and given not in EXPORT_FORMATS:
        raise InputError(f"--format {given!r} is unknown; it can be one of {', '.join(EXPORT_FORMATS)}")
    wanted = [each for each in EXPORT_FORMATS if given in (None, each)]
    if str(path) == STDIN:
        if given in (None, "parquet"):
            raise InputError(
                "standard output does not tell a format; say which it is with --format "
                f"{'|'.join(each for each in EXPORT_FORMATS if each != 'parquet')}"
                if given is None
                else "Parquet cannot be written to standard output; name a file"
            )
        return wanted[0]
    suffix = suffix_of(path)
    fitting = [each for each in wanted if suffix in SUFFIXES[each]]
    if not fitting:
        allowed = sorted({end for each in wanted for end in SUFFIXES[each]})
        raise InputError(
            f"{path.name!r} does not end as {'an export' if given is None else f'a file of {given}'} does; "
            f"rename it to one of {', '.join(allowed)}"
        )
    if len(fitting) > 1:
        raise InputError(
            f"{path.name!r} can be several formats; say which it is: --format {'|'.join(fitting)}"
        )
    if fitting[0] in UNPACKED and path.suffix.lower() == ".gz":
        raise InputError(f"{path.name!r}: {fitting[0]} files are not read compressed; remove the .gz suffix")
    return fitting[0]


def suffix_of(path: Path) -> str:
    """Return the suffix in small letters, a last .gz aside."""
    bare = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return bare.suffix.lower()


def export_vocabulary(
    vocabulary: Vocabulary,
    file: str | Path,
    format: str | None = None,
    *,
    further: int = 0,
    resolver: bool = True,
) -> Exported:
    """Write the items with their descriptors; `-` is standard output. See `semantic_ids` for the slots.

    Raises:
        InputError: No tagged items, a format that cannot be told or written, no such folder.
        DiskError: No room or permission.
    """
    path = Path(file)
    chosen = export_format(path, format)
    if chosen == "free-form":
        raise InputError("'free-form' asks a model; call `afree_form` of workspace.free_form")
    check_tagged(vocabulary)
    ids = semantic_ids(vocabulary, further, resolver=resolver)
    if chosen == "semantic-ids":
        beside = write_semantic_ids(ids, path)
        return Exported((str(path), *([str(beside)] if beside else ())), ids)
    notes: tuple[str, ...] = ()
    with write_atomically(path) as raw:
        if chosen == "parquet":
            tables.write_parquet(vocabulary, ids, raw, path.parent)
        elif chosen == "recbole":
            if lost := tables.write_recbole(vocabulary, ids, raw):
                notes = (f"RecBole will take {lost:,} item ids, such as 'NA', for missing values",)
        elif suffix_of(path) == ".csv":
            tables.write_plain_csv(vocabulary, raw)
        elif suffix_of(path) == ".json":
            tables.write_plain_json(vocabulary, raw)
        else:
            tables.write_plain_lines(vocabulary, raw)
    return Exported((str(path),), ids, notes)


def check_tagged(vocabulary: Vocabulary) -> None:
    """Refuse to hand on what has no items."""
    if not vocabulary.taggings:
        raise InputError("no item has been tagged yet; tag some: taxonaut vocabulary assign ITEMS")
