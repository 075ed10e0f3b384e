"""The file of conversations' checkpoints, beside what LangGraph's saver does with it: which threads it holds."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiosqlite import Connection

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
    """Return the names of all threads, the one that was last at work first."""
    async with connection.execute(_NAMES) as rows:
        return [row[0] async for row in rows]


def has_thread(file: Path, thread: str) -> bool:
    """Say whether a thread is kept, without LangGraph, whose import takes a while; no if there is no such file."""
    import sqlite3

    if not file.is_file():
        return False
    with closing(sqlite3.connect(file)) as connection:
        if connection.execute(_HAS_TABLE).fetchone() is None:
            return False
        return connection.execute(_HAS, [thread]).fetchone() is not None


async def keep_latest(connection: "Connection", thread: str) -> None:
    """Drop all checkpoints of a thread but the last: each holds the whole history."""
    await connection.execute(_OLD_CHECKPOINTS, [thread])
    await connection.execute(_OLD_WRITES, [thread])
    await connection.commit()
