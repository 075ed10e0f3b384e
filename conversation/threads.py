"""Threads of a workspace: stored conversations, each with a name, that can be continued."""

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.stores.conversations import (
    check_threads,
    keep_latest,
    latest_checkpoint,
    thread_names,
    threads_error,
)
from taxonaut.state.workspace_folder import THREADS_FILE

if TYPE_CHECKING:
    from aiosqlite import Connection
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread: its name, the number of the user's messages, and its latest activity `at` (UTC, ISO 8601).

    `last` is the user's last message. `waiting`: a change waits for confirmation. `interrupted`: a turn was
    interrupted.
    """

    name: str
    messages: int
    last: str
    at: str
    waiting: bool = False
    interrupted: bool = False


def check_name(name: str) -> str:
    """Return a valid thread name. Raises InputError if it is empty, too long or not printable."""
    printable = all(unicodedata.category(character)[0] not in "CZ" or character == " " for character in name)
    if not name.strip() or len(name) > LONGEST_NAME or not printable:
        raise InputError(
            f"{name[:LONGEST_NAME]!r} is not a thread name; give one of 1 to {LONGEST_NAME} printable characters"
        )
    return name


@asynccontextmanager
async def open_saver(folder: Path) -> "AsyncIterator[AsyncSqliteSaver]":
    """Open, or create, the file of a workspace's threads; only plain messages and JSON are read from it."""
    import sqlite3

    import aiosqlite

    path = folder / THREADS_FILE
    check_threads(path)
    connection = aiosqlite.connect(str(path))
    # The connection's thread must not block the exit of a process that did not close it.
    setattr(getattr(connection, "_thread", connection), "daemon", True)  # noqa: B010
    try:
        await connection
        saver = make_saver(connection, path)
        await saver.setup()
    except sqlite3.Error as error:
        await connection.close()
        raise threads_error(path, error) from None
    try:
        yield saver
    finally:
        await connection.close()


def make_saver(connection: "Connection", path: Path) -> "AsyncSqliteSaver":
    """Return LangGraph's saver, whose newest checkpoint is the last one written, independent of clocks."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    class Serializer(JsonPlusSerializer):
        """Reads plain messages and JSON only."""

        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            try:
                return super().loads_typed(data)
            except Exception as error:  # noqa: BLE001
                raise threads_error(path, f"a checkpoint cannot be read: {error}") from None

    class Saver(AsyncSqliteSaver):
        """Finds the newest checkpoint by the order in which they were written."""

        async def aget_tuple(self, config: "RunnableConfig") -> "CheckpointTuple | None":
            asked = config["configurable"]
            if not asked.get("checkpoint_id"):
                await self.setup()
                thread, namespace = str(asked["thread_id"]), asked.get("checkpoint_ns", "")
                async with self.lock:
                    latest = await latest_checkpoint(self.conn, thread, namespace)
                if latest is None:
                    return None
                config = {
                    "configurable": {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": latest}
                }
            try:
                found = await super().aget_tuple(config)
            except ValueError as error:  # metadata that is not JSON
                raise threads_error(path, f"a checkpoint cannot be read: {error}") from None
            if found is not None and not is_checkpoint(found.checkpoint):
                raise threads_error(path, "a checkpoint is not one of a conversation")
            return found

    return Saver(connection, serde=Serializer(allowed_msgpack_modules=None))


def is_checkpoint(found: Any) -> bool:
    """Return whether a checkpoint has the parts that LangGraph and a conversation need."""
    from langchain_core.messages import BaseMessage

    if not isinstance(found, dict) or not isinstance(found.get("channel_values"), dict):
        return False
    if not isinstance(found.get("ts"), str) or not isinstance(found.get("id"), str):
        return False
    if not all(isinstance(found.get(part), dict) for part in ("channel_versions", "versions_seen")):
        return False
    messages = found["channel_values"].get("messages", [])
    return isinstance(messages, list) and all(isinstance(each, BaseMessage) for each in messages)


async def athreads(folder: str | Path) -> list[Thread]:
    """Return the threads of a workspace's folder, latest activity first."""
    if not (Path(folder) / THREADS_FILE).is_file():
        return []
    async with open_saver(Path(folder)) as saver:
        return [await read_thread(saver, name) for name in await thread_names(saver.conn)]


async def read_thread(saver: "AsyncSqliteSaver", name: str) -> Thread:
    """Read a thread from its latest checkpoint."""
    from langchain_core.messages import HumanMessage

    found = await saver.aget_tuple({"configurable": {"thread_id": name}})
    assert found is not None
    values = found.checkpoint["channel_values"]
    said = [
        message
        for message in values.get("messages", ())
        if isinstance(message, HumanMessage) and not message.additional_kwargs.get("mark")
    ]
    waiting = any(channel == "__interrupt__" for _, channel, _ in found.pending_writes or ())
    over = bool(values.get("over")) and not any(key.startswith("branch:to:") for key in values)
    return Thread(
        name=name,
        messages=len(said),
        last=said[-1].text if said else "",
        at=found.checkpoint["ts"][:19],
        waiting=waiting,
        interrupted=not over and not waiting,
    )


async def adelete_thread(folder: str | Path, name: str) -> None:
    """Delete a thread; its decisions are kept, for cost reports. Raises NotFoundError for an unknown name."""
    known = [thread.name for thread in await athreads(folder)]
    if name not in known:
        raise NotFoundError(f"there is no thread {name!r}; there are: {', '.join(known) or 'none'}")
    async with open_saver(Path(folder)) as saver:
        await saver.adelete_thread(name)


async def drop_old_checkpoints(saver: "AsyncSqliteSaver", name: str) -> None:
    """Delete all but the latest checkpoint of a thread."""
    async with saver.lock:
        await keep_latest(saver.conn, name)


def threads(folder: str | Path) -> list[Thread]:
    """Synchronous `athreads`."""
    return PORTAL.run(athreads(folder))


def delete_thread(folder: str | Path, name: str) -> None:
    """Synchronous `adelete_thread`."""
    PORTAL.run(adelete_thread(folder, name))
