"""One DuckDB file with one writer at a time: transactions, cursors per thread, and actionable errors."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from weakref import WeakValueDictionary

import duckdb
from duckdb import DuckDBPyConnection

from taxonaut.state.db.migrations import migrate, roll_back
from taxonaut.state.db.sharing import AttachedConnection, Holder, Link
from taxonaut.state.errors import DiskError, InputError, LockedError, WorkspaceError

_LOCKED = re.compile(r"could not set lock|conflicting lock|different configuration", re.I)
_FULL = re.compile(r"no space left|file too large|disk quota|not enough space|failed to offload", re.I)
_DENIED = re.compile(r"permission denied|read-only file system|operation not permitted", re.I)
_DIRECTORY = re.compile(r"is a directory", re.I)
_MISSING = re.compile(r"no such file|database does not exist|not a directory", re.I)
_FOREIGN = re.compile(
    r"not a valid duckdb|could not read enough bytes|corrupt|checksum|existing extension|external extensions|"
    r"serialization",
    re.I,
)
_FEW = 64
"""Keys that are looked up through a table's index; more are joined."""

_LONGEST_WAIT_S = 60

_HOLDER_S = 3
"""How long a locked file is waited for whose holder does not say yet where it listens."""

_INTERRUPTED = "Query interrupted"
"""The RuntimeError that DuckDB raises when Ctrl-C ends a query."""

_PID = re.compile(r"PID (\d+)")

Result = TypeVar("Result")


@contextmanager
def translated_errors(path: Path | None) -> Iterator[None]:
    """Translate DuckDB's errors about `path` within the block into ours, and its word for Ctrl-C into Python's."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != _INTERRUPTED:
            raise
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        ours = translate_error(error, path)
        if ours is error:
            raise
        raise ours from error


def translate_error(error: duckdb.Error, path: Path | None) -> Exception:
    """Return our error for a DuckDB error about `path`, or `error` itself if it is unknown."""
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
    if isinstance(error, duckdb.ConnectionException):
        return WorkspaceError(closed_message(path))
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


def closed_message(path: Path | None) -> str:
    """Say that a database was closed while it was in use."""
    where = repr(str(path)) if path is not None else "the database in memory"
    return f"{where} was closed while it was in use; close a workspace when all work on it has ended"


def _locked(text: str, where: str) -> str:
    if "different configuration" in text:
        return f"{where} is open in this process with other settings; close it there first"
    pid = _PID.search(text)
    holder = f"process {pid.group(1)}" if pid else "another process"
    return f"{where} is in use by {holder}; one process at a time can write: wait until it ends, or stop it"


class Database:
    """The workspace's DuckDB file, open in this process, or in another one that answers this (`sharing`).

    Opening a file twice in one process returns the same object, which closes with the last `close()`. Any thread may
    read; a write holds `lock` until its transaction ends, and excludes the writes of other processes.
    """

    _opened: ClassVar[WeakValueDictionary[Path, "Database"]] = WeakValueDictionary()
    _opening: ClassVar[threading.RLock] = threading.RLock()

    def __init__(
        self,
        connection: DuckDBPyConnection | AttachedConnection,
        path: Path | None,
        read_only: bool,
        link: Link | None = None,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.lock = threading.RLock()
        self._changes = time.time_ns()  # so that two holders of a file never count alike
        self._published = self._changes
        self._link = link
        self._holder: Holder | None = None
        self._connection: Any = connection
        self._file = _identity(path)
        self._holders = 1
        self._depth = 0
        self._writer: int | None = None
        self._local = threading.local()

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, memory_limit: str = "256MB", threads: int = 2
    ) -> "Database":
        """Open `path`, creating or migrating it unless `read_only`.

        Raises LockedError if a process that does not share it has it open, SchemaError if a newer taxonaut wrote it,
        DiskError without room or permission, WorkspaceError if it is not a DuckDB file.
        """
        path = Path(path).resolve()
        check_path(path)
        with cls._opening:
            known = cls._opened.get(path)
            if known is not None and known._holders:
                return known._share(read_only)
            database = cls._open_or_attach(path, read_only, memory_limit, threads)
            cls._opened[path] = database
            return database

    @classmethod
    def _open_or_attach(cls, path: Path, read_only: bool, memory_limit: str, threads: int) -> "Database":
        def hold(path: Path) -> Database:
            return cls._connect(path, read_only, memory_limit, threads)

        link, until = Link(path, hold), time.monotonic() + _HOLDER_S
        while True:
            try:
                return hold(path)
            except LockedError:
                if link.attach():
                    return cls(AttachedConnection(link), path, read_only, link)
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    @classmethod
    def in_memory(cls) -> "Database":
        """Open an empty database in memory."""
        connection = duckdb.connect(":memory:", config={**_settings("256MB", 1), "temp_directory": ""})
        migrate(connection, None, is_new=True)
        return cls(connection, None, read_only=False)

    @classmethod
    def _connect(cls, path: Path, read_only: bool, memory_limit: str, threads: int) -> "Database":
        with translated_errors(path):
            is_new = not path.exists()
            connection = duckdb.connect(
                str(path), read_only=read_only, config=_settings(memory_limit, threads)
            )
            database = cls(connection, path, read_only)
            try:
                hide_progress(connection)
                connection.execute("SET lock_configuration = true")
                if not read_only:
                    database._holder = Holder.start(database, path)
                migrate(connection, path, read_only=read_only, is_new=is_new)
            except BaseException:
                if database._holder is not None:
                    database._holder.stop()
                connection.close()
                raise
        if database._holder is not None:
            database._holder.open_door()
        return database

    @property
    def changes(self) -> int:
        """A counter of changes to the index by all processes; data derived from the index is stale when it moved."""
        return self._changes if self._link is None else self._changes - self._published + self._link.changes

    def count_change(self, times: int = 1) -> None:
        """Count changes to the index."""
        self._changes += times

    def _share(self, read_only: bool) -> "Database":
        if self.read_only and not read_only:
            raise LockedError(f"{str(self.path)!r} is open for reading in this process; close it there first")
        if _identity(self.path) != self._file:
            raise WorkspaceError(
                f"{str(self.path)!r} was removed or replaced while this process had it open; "
                "close it and open it again"
            )
        self._holders += 1
        return self

    @contextmanager
    def write(self) -> Iterator[Any]:
        """Run one transaction on the connection it yields: commit at the end, roll back on any exception.

        Nested calls join the outer transaction; only the outermost commits or rolls back.
        """
        if self.read_only:
            raise WorkspaceError(f"{str(self.path)!r} is open read-only; open it for writing to change it")
        with self.lock:
            if not self._holders:
                raise WorkspaceError(closed_message(self.path))
            if self._depth:
                yield self._connection
                return
            with translated_errors(self.path):
                yield from self._transaction()

    def _transaction(self) -> Iterator[Any]:
        self._connection.begin()
        self._depth, self._writer = 1, threading.get_ident()
        try:
            yield self._connection
            self._commit()
        except BaseException:
            self.count_change()
            roll_back(self._connection)
            raise
        finally:
            self._depth, self._writer = 0, None

    def _commit(self) -> None:
        if self._link is None:
            self._connection.commit()
            if self._holder is not None:
                self._holder.publish(self._changes)
            return
        changes = self._changes - self._published
        self._connection.commit(changes)
        self._published += changes

    def read(self) -> Any:
        """Return this thread's cursor; inside `write()` the writing connection, which sees its own changes."""
        if not self._holders:
            raise WorkspaceError(closed_message(self.path))
        if self._writer == threading.get_ident():
            return self._connection
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = wait_while_busy(self._connection.cursor)
        return cursor

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with translated_errors(self.path):
            rows: list[tuple[Any, ...]] = self.read().execute(sql, list(parameters)).fetchall()
        return rows

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, Any]:
        """Return a query's columns as NumPy arrays."""
        with translated_errors(self.path):
            connection = self.read()
            if self._link is not None:
                columns: dict[str, Any] = connection.columns(sql, list(parameters))
            else:
                columns = connection.execute(sql, list(parameters)).fetchnumpy()
        return columns

    def append(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert many rows in one transaction; `table` and `columns` come from code, never from input."""
        with self.write() as connection:
            if self._link is not None:
                connection.append(table, list(columns), rows)
                return
            with connection.appender(table, columns=list(columns)) as appender:
                appender.append_rows(rows)

    def checkpoint(self) -> None:
        """Write the log into the file, so that a copy of the file alone is complete."""
        with self.lock, translated_errors(self.path):
            self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Release this holder; the last one closes the file. Closing twice does nothing."""
        with self._opening:
            if self._holders > 1:
                self._holders -= 1
                return
            if self._holders == 0:
                return
            if self._holder is not None:
                self._holder.stop()
            self._holders = 0
            if self.path is not None and self._opened.get(self.path) is self:
                del self._opened[self.path]
            self._local = threading.local()
            with self.lock, translated_errors(self.path):
                wait_while_busy(self._connection.close)
            if self._link is not None:
                self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wait_while_busy(call: Callable[[], Result]) -> Result:
    """Call a method of a connection as soon as no other thread is in one: DuckDB refuses it until then."""
    until = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            return call()
        except duckdb.ResourceInUseException:
            if time.monotonic() > until:
                raise
            time.sleep(0.001)


def check_path(path: Path) -> None:
    """Raise WorkspaceError for a path that DuckDB reads otherwise than it is meant."""
    if "?" in str(path):
        raise WorkspaceError(
            f"{str(path)!r} holds a question mark, after which DuckDB reads settings; give the folder another name"
        )


def fetch_by_number(
    database: Database, columns: str, table: str, key: str, numbers: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return the rows whose `key` is among `numbers`, in any order.

    A few keys are looked up through the table's index; many are joined, bounded by minimum and maximum so that DuckDB
    skips row groups outside. Names must come from code, never from input.
    """
    if not numbers:
        return []
    if len(numbers) <= _FEW:
        places = ", ".join("?" * len(numbers))
        return database.rows(f"SELECT {columns} FROM {table} WHERE {key} IN ({places})", numbers)
    sql = (
        f"SELECT {columns} FROM {table} "
        f"WHERE {key} BETWEEN $2 AND $3 AND {key} IN (SELECT unnest($1::BIGINT[]))"
    )
    return database.rows(sql, [list(numbers), min(numbers), max(numbers)])


def next_ids(connection: DuckDBPyConnection, counter: str, count: int = 1) -> int:
    """Reserve `count` consecutive ids of a counter and return the first."""
    sql = "UPDATE counters SET next = next + ? WHERE name = ? RETURNING next"
    row = connection.execute(sql, [count, counter]).fetchone()
    if row is None:
        raise KeyError(counter)
    return int(row[0]) - count


def hide_progress(connection: duckdb.DuckDBPyConnection) -> None:
    """Disable DuckDB's progress bar; in a notebook without ipywidgets it does not exist and cannot be set."""
    shown = connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()
    if shown is not None and shown[0]:
        connection.execute("SET enable_progress_bar = false")


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None or not path.exists():
        return None
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _settings(memory_limit: str, threads: int) -> dict[str, Any]:
    return {
        "memory_limit": memory_limit,
        "threads": threads,
        # A file from elsewhere, whatever it holds, reads and writes no other file and loads no code.
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
