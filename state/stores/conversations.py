"""Stores of conversations: applied tool calls, written files, and the threads in LangGraph's checkpoint file."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load

if TYPE_CHECKING:
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


THREADS_FILE = "threads.sqlite"

_NAMES = "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY max(checkpoint_id) DESC"
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'checkpoints'"
_HAS = "SELECT 1 FROM checkpoints WHERE thread_id = ? LIMIT 1"
_OLD_CHECKPOINTS = """
DELETE FROM checkpoints WHERE thread_id = ?1 AND checkpoint_id < (
    SELECT max(checkpoint_id) FROM checkpoints AS latest
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


def has_thread(file: Path, thread: str) -> bool:
    """Return whether a thread is stored; does not import LangGraph. False if there is no file."""
    import sqlite3

    if not file.is_file():
        return False
    with closing(sqlite3.connect(file)) as connection:
        if connection.execute(_HAS_TABLE).fetchone() is None:
            return False
        return connection.execute(_HAS, [thread]).fetchone() is not None


async def keep_latest(connection: "Connection", thread: str) -> None:
    """Delete all checkpoints of a thread but the last, which holds the whole history."""
    await connection.execute(_OLD_CHECKPOINTS, [thread])
    await connection.execute(_OLD_WRITES, [thread])
    await connection.commit()
