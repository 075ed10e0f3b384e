"""Each of DuckDB's complaints becomes an error that says what to do."""

import signal
from pathlib import Path

import duckdb
import pytest

from taxonaut.state.db.connection import Database, translate_error, translated_errors
from taxonaut.state.errors import DiskError, InputError, LockedError, WorkspaceError

PATH = Path("/w/index.duckdb")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            'IO Error: Could not set lock on file "x": Conflicting lock is held in python (PID 7).',
            LockedError,
            "'/w/index.duckdb' is in use by process 7; one process at a time can write: "
            "wait until it ends, or stop it",
        ),
        (
            'IO Error: Could not set lock on file "x": Resource temporarily unavailable',
            LockedError,
            "'/w/index.duckdb' is in use by another process; one process at a time can write: "
            "wait until it ends, or stop it",
        ),
        (
            "Connection Error: Can't open a connection to same database file with a different configuration",
            LockedError,
            "'/w/index.duckdb' is open in this process with other settings; close it there first",
        ),
        (
            'IO Error: Could not write file "x": No space left on device',
            DiskError,
            "no room left to write '/w/index.duckdb'; free some disk space and run the command again: "
            "what was finished before is kept",
        ),
        (
            'IO Error: Cannot open file "x": Permission denied',
            DiskError,
            "no permission to open or write '/w/index.duckdb'; "
            "change its permissions or choose another folder",
        ),
        (
            "Invalid Input Error: cannot encode str as UTF-8, surrogate '\\ud800' at position 0",
            InputError,
            "a text holds half a character (a lone surrogate), which no file can store; "
            "read its source as UTF-8 or drop that character",
        ),
    ],
)
def test_explain(text: str, kind: type[Exception], message: str) -> None:
    error = translate_error(duckdb.IOException(text), PATH)
    assert (type(error), str(error)) == (kind, message)


def test_too_little_memory_is_a_matter_of_settings() -> None:
    error = translate_error(duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), PATH)
    assert (type(error), str(error)) == (
        WorkspaceError,
        "the memory limit of '/w/index.duckdb' does not suffice; open it with a larger memory_limit",
    )


def test_an_error_of_ours_is_not_dressed_up() -> None:
    with pytest.raises(duckdb.ParserException), translated_errors(PATH):
        raise duckdb.ParserException("syntax error")


def test_ctrl_c_in_a_query_is_a_keyboard_interrupt(database: Database) -> None:
    former = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            database.rows("SELECT count(*) FROM range(20000000000) WHERE random() > 2")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert database.rows("SELECT 1") == [(1,)]
