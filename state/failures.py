"""Turn DuckDB's errors into ours, with what to do about them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from taxonaut.state.errors import DiskError, InputError, LockedError, WorkspaceError

_LOCKED = re.compile(r"could not set lock|conflicting lock|different configuration", re.I)
_FULL = re.compile(r"no space left|file too large|disk quota|not enough space|failed to offload", re.I)
_DENIED = re.compile(r"permission denied|read-only file system|operation not permitted", re.I)
_DIRECTORY = re.compile(r"is a directory", re.I)
_MISSING = re.compile(r"no such file|database does not exist|not a directory", re.I)
_FOREIGN = re.compile(
    r"not a valid duckdb|could not read enough bytes|corrupt|checksum|existing extension|serialization", re.I
)
_PID = re.compile(r"PID (\d+)")


@contextmanager
def explained(path: Path | None) -> Iterator[None]:
    """Raise DuckDB's errors from the block as errors of ours; `path` is the file they are about."""
    try:
        yield
    except duckdb.Error as error:
        ours = explain(error, path)
        if ours is error:
            raise
        raise ours from error


def explain(error: duckdb.Error, path: Path | None) -> Exception:
    """Return the error of ours that says what went wrong with `path` and what to do; else `error` itself."""
    text = str(error)
    where = repr(str(path)) if path is not None else "the database in memory"
    if _LOCKED.search(text):
        return LockedError(_locked(text, where))
    if _FULL.search(text):
        return DiskError(
            f"no room left to write {where}; free some disk space and run the command again: "
            "what was finished before is kept"
        )
    if _DENIED.search(text):
        return DiskError(
            f"no permission to open or write {where}; change its permissions or choose another folder"
        )
    if _DIRECTORY.search(text):
        return WorkspaceError(f"{where} is a folder, expected a DuckDB file; give the path of index.duckdb")
    if _MISSING.search(text):
        return WorkspaceError(f"{where} does not exist; create the workspace first: taxonaut init")
    if _FOREIGN.search(text):
        return WorkspaceError(
            f"{where} is not a readable DuckDB file (empty, cut short or of another program); "
            "restore it from a copy, or move it away and import the labels again"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return WorkspaceError(
            f"the memory limit of {where} does not suffice; open it with a larger memory_limit"
        )
    if "surrogate" in text:
        return InputError(
            "a text holds half a character (a lone surrogate), which no file can store; "
            "read its source as UTF-8 or drop that character"
        )
    return error


def _locked(text: str, where: str) -> str:
    if "different configuration" in text:
        return f"{where} is open in this process with other settings; close it there first"
    pid = _PID.search(text)
    holder = f"process {pid.group(1)}" if pid else "another process"
    return f"{where} is in use by {holder}; one process at a time can write: wait until it ends, or stop it"
