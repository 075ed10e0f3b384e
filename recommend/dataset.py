"""Everything a recommender reads of a vocabulary, as one folder of files."""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from taxonaut.recommend.histories import Histories, write_inter, write_sequences
from taxonaut.recommend.prefix_tree import PrefixTree
from taxonaut.recommend.slot_statistics import SlotRow, slot_rows_csv, slot_table
from taxonaut.recommend.vector_files import ids_file, item_vectors, write_vectors
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.vocabulary.export import check_tagged
from taxonaut.workspace.vocabulary.item_tables import write_recbole
from taxonaut.workspace.vocabulary.near_descriptors import Nearest
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import (
    SemanticIds,
    meanings_file,
    semantic_ids,
    write_ids,
    write_meanings,
)

Part = Literal["item", "inter", "sequences", "ids", "tree", "vectors", "slots"]
PARTS: tuple[Part, ...] = get_args(Part)

SUFFIXES: dict[Part, str] = {
    "item": ".item",
    "inter": ".inter",
    "sequences": ".sequences.jsonl",
    "ids": ".ids.json",
    "tree": ".tree.json",
    "vectors": ".vectors.npy",
    "slots": ".slots.csv",
}
"""What follows the folder's name in the name of each file."""

OF_HISTORIES: tuple[Part, ...] = ("inter", "sequences")
"""Parts that need histories."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The written files, the semantic ids in them, how these use their slots, and notes for the user."""

    files: tuple[Path, ...]
    ids: SemanticIds
    slots: tuple[SlotRow, ...]
    notes: tuple[str, ...] = ()


def export_dataset(
    workspace: Core,
    vocabulary: Vocabulary,
    folder: str | Path,
    *,
    histories: Histories | None = None,
    further: int = 2,
    resolver: bool = True,
    nearest: Nearest | None = None,
    only: Collection[Part] = (),
) -> Dataset:
    """Write `FOLDER/NAME.item`, `NAME.inter` and so on, NAME being the folder's: a data set as RecBole finds it.

    `only` are the parts to write; by default all, those of histories if there are any. Items and vectors are in the
    order in which items were tagged. All files are written before the first is put in its place. See
    `semantic_ids` for `further`, `resolver` and `nearest`.

    Raises:
        InputError: No tagged items, an unknown part, a part of histories without any, no such folder above.
        DiskError: A file cannot be written.
    """
    check_tagged(vocabulary)
    parts = choose_parts(only, with_histories=histories is not None)
    path = make_folder(Path(folder))
    ids = semantic_ids(vocabulary, further, resolver=resolver, nearest=nearest)
    rows = slot_table(ids)
    items = list(ids.ids)
    files = {part: path / f"{path.resolve().name}{SUFFIXES[part]}" for part in parts}
    notes: list[str] = []
    written: list[Path] = []
    with ExitStack() as opened:

        def place(file: Path) -> BinaryIO:
            written.append(file)
            return opened.enter_context(write_atomically(file))

        for part, file in files.items():
            raw = place(file)
            if part == "item":
                notes += missing_note(write_recbole(vocabulary, ids, raw), "item ids")
            elif part == "inter" and histories is not None:
                notes += missing_note(write_inter(histories, raw), "events' ids")
            elif part == "sequences" and histories is not None:
                write_sequences(histories, raw)
            elif part == "ids":
                write_ids(ids, raw)
                write_meanings(ids, place(meanings_file(file)))
            elif part == "tree":
                raw.write(PrefixTree.of(ids.ids).as_json())
            elif part == "vectors":
                write_vectors(item_vectors(workspace, items), items, raw, place(ids_file(file)))
            elif part == "slots":
                raw.write(slot_rows_csv(rows).encode())
    return Dataset(tuple(written), ids, tuple(rows), tuple(notes))


def choose_parts(only: Collection[str], *, with_histories: bool) -> list[Part]:
    """Return the parts to write, in the order of `PARTS`. Raises InputError for an unknown or impossible one."""
    unknown = [part for part in only if part not in PARTS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no part of a data set; there are {', '.join(PARTS)}")
    for part in OF_HISTORIES:
        if part in only and not with_histories:
            raise InputError(f"{part!r} is made of users' histories; give their file with --histories FILE")
    left_out = () if with_histories else OF_HISTORIES
    return [part for part in PARTS if part in (only or PARTS) and part not in left_out]


def make_folder(path: Path) -> Path:
    """Make the folder if it does not exist. Raises InputError where it cannot be."""
    if not path.resolve().name:
        raise InputError(f"{str(path)!r} has no name to call the files by; name another folder")
    if path.exists() and not path.is_dir():
        raise InputError(f"{str(path)!r} is a file; name a folder for the data set")
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError(
            f"the folder {str(path.parent)!r} does not exist; create it first, or name another"
        ) from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be made: {error.strerror}; name another folder") from None
    return path


def missing_note(lost: int, what: str) -> list[str]:
    """Say how many ids RecBole reads as missing."""
    return [f"RecBole will read {lost:,} {what}, such as 'NA', as missing values"] if lost else []
