"""Index files in general: their formats and content, and atomic writing."""

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
    """The index in a file. `notes` tell the user what was left out or chosen."""

    name: str
    labels: tuple[Label, ...]
    tree: Tree
    notes: tuple[str, ...] = ()


def index_format(path: Path, given: str | None) -> IndexFormat:
    """Return the format: `given`, else by suffix (before an optional .gz); `-` is JSON lines."""
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
            f"{path.name!r} has no known suffix; known are {', '.join(_SUFFIXES)}. Rename the file or "
            f"name its format: --format {'|'.join(INDEX_FORMATS)}"
        )
    return _SUFFIXES[suffix]


def check_place(path: Path) -> None:
    """Raise InputError early if a file cannot be created at `path`; `-` is standard output."""
    if str(path) == STDIN:
        return
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(
            f"the folder {str(path.parent)!r} does not exist; create it first, or name another file"
        )


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Write a file atomically: to a temporary file, renamed on success; `.gz` is compressed.

    `-` is standard output.
    Raises InputError for a missing folder, DiskError without space or permission.
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
        said = "no space left on the disk" if full else (error.strerror or str(error))
        raise DiskError(
            f"{str(path)!r} cannot be written: {said}; free some space, or name another file"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
