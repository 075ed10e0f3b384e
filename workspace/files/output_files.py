"""Write a file whole or not at all, and never over a workspace's own files or over the input."""

import errno
import gzip
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.workspace_folder import SETTINGS_FILE, is_workspace_part
from taxonaut.workspace.files.sources import STDIN

STDOUT = STDIN

_LONGEST_PREFIX = 200
"""Bytes of a name in the name of its temporary file; a longer one is shortened, as no name may have more than 255."""


def check_output(path: Path, inputs: Sequence[str | Path] = ()) -> None:
    """Raise InputError where a file must not, or cannot, be written; `-` is standard output."""
    if str(path) == STDOUT:
        return
    try:
        if path.is_dir():
            raise InputError(f"{str(path)!r} is a folder; name a file in it.")
        if not path.parent.is_dir():
            raise InputError(
                f"the folder {str(path.parent)!r} does not exist; create it first, or name another file."
            )
        workspace = _workspace_of(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}; name another file.") from None
    if workspace is not None:
        raise InputError(
            f"{str(path)!r} is one of the files that the workspace {str(workspace)!r} consists of; name another "
            "file."
        )
    for source in inputs:
        with suppress(OSError):
            if path.samefile(source):
                raise InputError(f"{str(path)!r} is an input file; name another output file with -o.")


def _workspace_of(path: Path) -> Path | None:
    """Return the workspace that keeps something of its own at the path; None if none does."""
    target = path.resolve()
    for folder in target.parents:
        first = target.relative_to(folder).parts[0]
        if is_workspace_part(first) and (folder / SETTINGS_FILE).is_file():
            return folder
    return None


class Replacement:
    """A file that is written under a temporary name next to its place, and moved there once it is whole.

    What a killed process left there is removed. A place that is no plain file, such as a pipe, is written to at once.
    """

    def __init__(self, place: Path) -> None:
        self.target = place.resolve()
        self.is_direct = self.target.exists() and not self.target.is_file()
        self.path = self.target if self.is_direct else self._temporary(f"{os.getpid()}.part")
        if not self.is_direct:
            self._remove_leftovers()

    def _temporary(self, ending: str) -> Path:
        name = self.target.name
        if len(os.fsencode(name)) > _LONGEST_PREFIX:
            name = sha256(os.fsencode(name)).hexdigest()[:32]
        return self.target.with_name(f".{name}.{ending}")

    def _remove_leftovers(self) -> None:
        prefix = self._temporary("").name
        with suppress(OSError):
            for name in os.listdir(self.target.parent):
                ending = re.fullmatch(r"(\d+)\.part(\.\w+)*", name.removeprefix(prefix))
                if name.startswith(prefix) and ending and not _is_running(int(ending[1])):
                    (self.target.parent / name).unlink(missing_ok=True)

    def commit(self) -> None:
        """Put the file in its place."""
        if not self.is_direct:
            self.path.replace(self.target)

    def discard(self) -> None:
        """Remove the temporary file; nothing happens after `commit`."""
        if not self.is_direct:
            self.path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    """Whether a process of this number runs; where that cannot be asked, it is taken to run."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_error(name: str, error: OSError, advice: str) -> DiskError:
    """Return the error for a file that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    said = "no space left on the disk" if full else (error.strerror or str(error))
    return DiskError(f"{name!r} cannot be written: {said}{advice}")


@contextmanager
def write_atomically(path: Path, inputs: Sequence[str | Path] = ()) -> Iterator[BinaryIO]:
    """Write a file whole or not at all; `.gz` is compressed, `-` is standard output.

    Raises InputError as `check_output`, DiskError without space or permission.
    """
    if str(path) == STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    check_output(path, inputs)
    replacement = Replacement(path)
    try:
        with replacement.path.open("wb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.open(raw, "wb") as packed:
                    yield cast(BinaryIO, packed)
            else:
                yield raw
        replacement.commit()
    except OSError as error:
        raise write_error(str(path), error, "; free some space, or name another file") from None
    finally:
        with suppress(OSError):
            replacement.discard()
