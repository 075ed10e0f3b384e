"""Stores of conversations: applied tool calls, written files, and the threads in LangGraph's checkpoint file."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load
from taxonaut.state.errors import WorkspaceError

if TYPE_CHECKING:
    import sqlite3

    from aiosqlite import Connection


class AppliedCalls:
    """Outcomes of applied tool calls. Store one in the transaction of its change, so that both exist or neither."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outcome(self, call: str) -> dict[str, Any] | None:
        """Return the outcome of a call, None if it was not applied."""
        rows = self._database.rows("SELECT outcome FROM applied_calls WHERE call = ?", [call])
        return load(rows[0][0]) if rows else None

    def keep(self, call: str, outcome: Mapping[str, Any]) -> None:
        """Store the outcome of a call, a JSON object."""
        with self._database.write() as connection:
            connection.execute("INSERT INTO applied_calls VALUES (?, ?)", [call, dump(dict(outcome))])


class WrittenFiles:
    """Digests of written files by absolute path; a file edited since belongs to the user and is not overwritten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, path: Path) -> None:
        """Store the digest of a file."""
        with self._database.write() as connection:
            values = [str(path.absolute()), digest(path)]
            connection.execute("INSERT OR REPLACE INTO written_files VALUES (?, ?)", values)

    def is_as_written(self, path: Path) -> bool:
        """Return whether a file was written by us and is unchanged."""
        sql = "SELECT digest FROM written_files WHERE path = ?"
        rows = self._database.rows(sql, [str(path.absolute())])
        return bool(rows) and rows[0][0] == digest(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


THREAD_TABLES: Mapping[str, frozenset[str]] = {
    "checkpoints": frozenset(
        (
            "thread_id",
            "checkpoint_ns",
            "checkpoint_id",
            "parent_checkpoint_id",
            "type",
            "checkpoint",
            "metadata",
        )
    ),
    "writes": frozenset(
        (
            "thread_id",
            "checkpoint_ns",
            "checkpoint_id",
            "task_id",
            "task_path",
            "idx",
            "channel",
            "type",
            "value",
        )
    ),
}
"""LangGraph's tables with their columns; `task_path` came later than the others."""

# `rowid` grows with each checkpoint; a checkpoint's id is made of the clock, which may be set back.
_NAMES = "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY max(rowid) DESC"
_LATEST = """
SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY rowid DESC LIMIT 1
"""
_OBJECTS = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite#_%' ESCAPE '#'"
_COLUMNS = "SELECT name, hidden FROM pragma_table_xinfo(?)"
_HAS = "SELECT 1 FROM checkpoints WHERE thread_id = ? LIMIT 1"
_OLD_CHECKPOINTS = """
DELETE FROM checkpoints WHERE thread_id = ?1 AND rowid < (
    SELECT max(rowid) FROM checkpoints AS latest
    WHERE latest.thread_id = ?1 AND latest.checkpoint_ns = checkpoints.checkpoint_ns
)
"""
_OLD_WRITES = """
DELETE FROM writes WHERE thread_id = ?1 AND checkpoint_id NOT IN (
    SELECT checkpoint_id FROM checkpoints WHERE thread_id = ?1
)
"""


async def thread_names(connection: "Connection") -> list[str]:
    """Return the names of all threads, the most recently used first."""
    async with connection.execute(_NAMES) as rows:
        return [row[0] async for row in rows]


async def latest_checkpoint(connection: "Connection", thread: str, namespace: str = "") -> str | None:
    """Return the id of the checkpoint that was written last; None for an unknown thread."""
    async with connection.execute(_LATEST, [thread, namespace]) as rows:
        found = await rows.fetchone()
    return None if found is None else str(found[0])


def has_thread(file: Path, thread: str) -> bool:
    """Return whether a thread is stored; does not import LangGraph. False if there is no file.

    Raises WorkspaceError as `check_threads` does.
    """
    with _opened(file) as connection:
        if connection is None or "checkpoints" not in _checked(connection, file):
            return False
        return connection.execute(_HAS, [thread]).fetchone() is not None


def check_threads(file: Path) -> None:
    """Raise WorkspaceError unless the file, if there is one, holds LangGraph's tables and nothing else.

    A view or a trigger in a file from a stranger would run with what is read and written.
    """
    with _opened(file) as connection:
        if connection is not None:
            _checked(connection, file)


def threads_error(file: Path, problem: object) -> WorkspaceError:
    """Return the error for a file of threads that cannot be used."""
    return WorkspaceError(
        f"the threads of {str(file.parent)!r} cannot be opened ({problem}); move {file.name} away to begin anew"
    )


@contextmanager
def _opened(file: Path) -> "Iterator[sqlite3.Connection | None]":
    """Open the file if there is one, to look at it."""
    import sqlite3

    if not file.is_file():
        yield None
        return
    try:
        with closing(sqlite3.connect(file)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise threads_error(file, error) from None


def _checked(connection: "sqlite3.Connection", file: Path) -> set[str]:
    """Return the names of the tables. Raises WorkspaceError for an object that is not LangGraph's."""
    tables: set[str] = set()
    for kind, name in connection.execute(_OBJECTS).fetchall():
        if kind != "table" or name not in THREAD_TABLES:
            raise threads_error(file, f"it holds the {kind} {name!r}, which taxonaut does not make")
        columns = dict(connection.execute(_COLUMNS, [name]).fetchall())
        if (
            any(columns.values())
            or not THREAD_TABLES[name] - {"task_path"} <= set(columns) <= THREAD_TABLES[name]
        ):
            raise threads_error(file, f"its table {name!r} has other columns than LangGraph's")
        tables.add(name)
    return tables


async def keep_latest(connection: "Connection", thread: str) -> None:
    """Delete all checkpoints of a thread but the last, which holds the whole history."""
    await connection.execute(_OLD_CHECKPOINTS, [thread])
    await connection.execute(_OLD_WRITES, [thread])
    await connection.commit()
