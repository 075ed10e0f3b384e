"""An index on its way in or out of a file: its labels and its tree."""

import errno
import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast, get_args

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.records import Label, Tree
from taxonaut.workspace.files.sources import STDIN

IndexFormat = Literal["jsonl", "csv", "skos"]
INDEX_FORMATS: tuple[IndexFormat, ...] = get_args(IndexFormat)
_SUFFIXES: dict[str, IndexFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".ttl": "skos",
    ".nt": "skos",
    ".rdf": "skos",
}


@dataclass(frozen=True, slots=True)
class IndexFile:
    """What a file says an index is. `notes` are for the person: what was left out or chosen."""

    name: str
    labels: tuple[Label, ...]
    tree: Tree
    notes: tuple[str, ...] = ()


def index_format(path: Path, given: str | None) -> IndexFormat:
    """Tell the format of an index file from `given` or its suffix (before an optional .gz); `-` is JSON lines."""
    if given is not None:
        if given not in INDEX_FORMATS:
            raise InputError(f"--format {given!r} is unknown; it can be one of {', '.join(INDEX_FORMATS)}")
        return given
    if str(path) == STDIN:
        return "jsonl"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = next((each for each in reversed(suffixes) if each != ".gz"), "")
    if suffix not in _SUFFIXES:
        raise InputError(
            f"{path.name!r} does not tell its format; known are {', '.join(_SUFFIXES)}. Rename the file or "
            f"say what it is: --format {'|'.join(INDEX_FORMATS)}"
        )
    return _SUFFIXES[suffix]


def check_place(path: Path) -> None:
    """Refuse a file whose folder is not there, before anything is done for it; `-` is standard output."""
    if str(path) == STDIN:
        return
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(
            f"the folder {str(path.parent)!r} does not exist; make it first, or name another file"
        )


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside its place and give it its name only when all went well; `.gz` is compressed.

    `-` is standard output.
    Raises InputError for a folder that is not there, DiskError without room or permission.
    """
    if str(path) == STDIN:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    check_place(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.open(raw, "wb") as packed:
                    yield cast(BinaryIO, packed)
            else:
                yield raw
        temporary.replace(path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        said = "there is no room left on the disk" if full else (error.strerror or str(error))
        raise DiskError(f"{str(path)!r} cannot be written: {said}; make room, or name another file") from None
    finally:
        temporary.unlink(missing_ok=True)
