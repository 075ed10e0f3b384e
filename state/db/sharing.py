"""One database file, many processes: the process that opened it answers the others.

DuckDB lets one process open a file for writing and shuts all others out. Here that process, the *holder*, listens at
a local socket, named in a file beside the database that its user alone can read. Another process that finds the file
locked attaches: its statements run in the holder, its writes are transactions there, one at a time, and its `changes`
count those of all processes. When the holder ends, the next process that needs the file becomes the holder.
"""

import json
import mmap
import os
import shutil
import struct
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge, wait
from pathlib import Path
from typing import Any, Protocol, Self

import duckdb

from taxonaut.state import errors
from taxonaut.state.errors import LockedError, TaxonautError, WorkspaceError
from taxonaut.state.version import VERSION

SUFFIX = ".holder"
"""Behind the database's name: the file that says where its holder listens."""

_FOLDER = "taxonaut-db-"
_COUNTER = struct.Struct("<q")
_ROWS_A_MESSAGE = 10_000
_ANSWER_S = 10
"""A holder that does not greet within this time is stopped or hung."""

_LOST = (EOFError, OSError, AuthenticationError)

Rows = list[tuple[Any, ...]]


class Shared(Protocol):
    """What a holder needs of the database that it answers for; `Database` has it."""

    lock: threading.RLock

    @property
    def changes(self) -> int:
        """A counter of changes to the index."""

    def count_change(self, times: int = 1) -> None:
        """Count changes to the index."""

    def write(self) -> AbstractContextManager[Any]:
        """Run one transaction."""

    def read(self) -> Any:
        """Return this thread's connection."""

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, Any]:
        """Return a query's columns as arrays."""

    def append(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a holder listens: `socket` and the file of its counter of changes; `key` opens it, in hexadecimal."""

    pid: int
    version: str
    socket: str
    counter: str
    key: str


def read_address(path: Path) -> Address | None:
    """Return where the holder of a database file listens, None if none says so."""
    try:
        return Address(**json.loads(_address_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _address_file(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


class Holder:
    """The holder's side: a thread listens, and one more for each connection of another process."""

    def __init__(self, database: Shared, path: Path) -> None:
        self._database = weakref.ref(database)
        self._lock = database.lock
        self._path = path
        self._pid = os.getpid()
        self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        self._counter = _new_counter(self._folder / "changes")
        self._key = os.urandom(32)
        self._stopping = threading.Event()
        self._ready = threading.Event()
        # The read end becomes readable for all threads when the write end closes.
        self._stop_reader, self._stop_writer = os.pipe()
        self._threads: set[threading.Thread] = set()
        self._listener = Listener(_socket_name(self._folder), backlog=64)
        self._thread = threading.Thread(target=self._accept, name="taxonaut-holder", daemon=True)

    @classmethod
    def start(cls, database: Shared, path: Path) -> "Holder | None":
        """Listen for other processes, which wait until `open_door`.

        Return None where this machine has no place for a socket or the address.
        """
        _remove_leftovers(path)
        try:
            holder = cls(database, path)
        except OSError:
            return None
        holder.publish(database.changes)
        try:
            holder._write_address()
        except OSError:
            holder._clean_up()
            return None
        holder._thread.start()
        # A database that nobody closed ends like one that was closed, when it is collected or Python exits.
        weakref.finalize(database, holder.stop)
        return holder

    def _write_address(self) -> None:
        socket = str(self._listener.address)
        counter = str(self._folder / "changes")
        address = Address(os.getpid(), VERSION, socket, counter, self._key.hex())
        file = _address_file(self._path)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(address), stream)
        new.replace(file)

    def open_door(self) -> None:
        """Answer those who wait: the database is complete."""
        self._ready.set()

    def publish(self, changes: int) -> None:
        """Tell attached processes how many changes there were."""
        _COUNTER.pack_into(self._counter, 0, changes)

    def stop(self) -> None:
        """Wait for open transactions of others, then end their connections; they find the next holder.

        Stopping twice, or in a process that was forked off, does nothing.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
        self._ready.set()
        with suppress(OSError):
            _address_file(self._path).unlink(missing_ok=True)
        os.close(self._stop_writer)
        with suppress(*_LOST):
            Client(self._listener.address).close()  # wakes the thread that accepts
        for thread in (self._thread, *self._threads):
            if thread is not threading.current_thread():  # which may be the one that drops the database
                thread.join()
        os.close(self._stop_reader)
        self._clean_up()

    def _clean_up(self) -> None:
        self._listener.close()
        self._counter.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                channel = self._listener.accept()
            except _LOST:
                continue
            if self._stopping.is_set():
                channel.close()
                return
            thread = threading.Thread(target=self._serve, args=(channel,), daemon=True)
            self._threads.add(thread)
            thread.start()

    def _serve(self, channel: "Connection[Any, Any]") -> None:
        database = self._database()
        if database is None:
            channel.close()
            return
        session = _Session(database, self)
        try:
            deliver_challenge(channel, self._key)
            answer_challenge(channel, self._key)
            self._ready.wait()
            if self._stopping.is_set():
                return
            channel.send(("ok", VERSION))
            while True:
                if not session.writes:
                    wait([channel, self._stop_reader])
                    if self._stopping.is_set():
                        return
                channel.send(session.reply(channel.recv()))
        except _LOST:
            return
        finally:
            session.end()
            channel.close()
            self._threads.discard(threading.current_thread())

    @property
    def stopping(self) -> bool:
        """Whether no new transaction may begin here."""
        return self._stopping.is_set()


class _Session:
    """What one connection of another process does in the holder."""

    def __init__(self, database: Shared, holder: Holder) -> None:
        self._database = database
        self._holder = holder
        self._transaction: AbstractContextManager[Any] | None = None

    @property
    def writes(self) -> bool:
        """Whether a transaction is open."""
        return self._transaction is not None

    def reply(self, message: tuple[Any, ...]) -> tuple[Any, ...]:
        """Do what a message asks; errors become replies."""
        kind, *arguments = message
        try:
            return "ok", getattr(self, f"do_{kind}")(*arguments)
        except duckdb.Error as error:
            return "duckdb", type(error).__name__, str(error)
        except TaxonautError as error:
            return "ours", type(error).__name__, str(error)
        except (ValueError, TypeError, RuntimeError, MemoryError) as error:
            return "failed", type(error).__name__, str(error)

    def end(self) -> None:
        """Roll back what a process that is gone had begun."""
        if self._transaction is not None:
            self.do_rollback()

    def do_begin(self) -> bool:
        """Begin a transaction, after those of others; False where the holder is about to end."""
        transaction = self._database.write()
        transaction.__enter__()
        self._transaction = transaction
        if self._holder.stopping:
            self.do_rollback()
            return False
        return True

    def do_commit(self, changes: int) -> None:
        """Commit; `changes` is how often the index was changed."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            raise WorkspaceError("there is no transaction to commit")
        with self._database.lock:
            transaction.__exit__(None, None, None)
            self._database.count_change(changes)
            self._holder.publish(self._database.changes)

    def do_rollback(self) -> None:
        """Take back what was done since `begin`."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            with suppress(_RollBackError):
                transaction.__exit__(_RollBackError, _RollBackError(), None)

    def do_execute(self, sql: str, parameters: Sequence[object] | None) -> Rows:
        """Run a statement; return its rows."""
        connection = self._database.read()
        connection.execute(sql) if parameters is None else connection.execute(sql, list(parameters))
        return connection.fetchall() if connection.description else []

    def do_columns(self, sql: str, parameters: Sequence[object]) -> dict[str, Any]:
        """Run a query; return its columns as arrays."""
        return self._database.columns(sql, parameters)

    def do_executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row of parameters."""
        self._database.read().executemany(sql, [list(row) for row in rows])

    def do_append(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Append rows to a table."""
        self._database.append(table, columns, rows)

    def do_register(self, name: str, columns: Mapping[str, Any]) -> None:
        """Make arrays a view of the transaction's connection."""
        self._database.read().register(name, dict(columns))

    def do_unregister(self, name: str) -> None:
        """Remove such a view."""
        self._database.read().unregister(name)


class _RollBackError(Exception):
    """The other process rolled back."""


class Link:
    """An attached process's side: finds the holder, and becomes it where there is none."""

    def __init__(self, path: Path, take_over: Callable[[Path], Shared]) -> None:
        self._path = path
        self._take_over = take_over
        self._lock = threading.Lock()
        self._address: Address | None = None
        self._counter: mmap.mmap | None = None
        self._own: Shared | None = None
        self._changes = 0

    def attach(self) -> bool:
        """Try to reach a holder once."""
        address = read_address(self._path)
        if address is None:
            return False
        try:
            self._open_channel(address).close()
        except _LOST:
            return False
        return True

    def open_channel(self) -> "Connection[Any, Any]":
        """Return a new connection to the holder. Raises LockedError if there is none and the file stays locked."""
        until = time.monotonic() + _ANSWER_S
        while True:
            address = read_address(self._path)
            if address is not None:
                with suppress(*_LOST):
                    return self._open_channel(address)
            with self._lock:
                try:
                    if self._own is None:
                        self._own = self._take_over(self._path)
                except LockedError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)

    def _open_channel(self, address: Address) -> "Connection[Any, Any]":
        if address.version != VERSION:
            raise LockedError(
                f"{str(self._path)!r} is in use by process {address.pid}, which runs taxonaut {address.version}, "
                f"this one {VERSION}; end that process, or use its version"
            )
        channel = Client(address.socket)
        try:
            if not channel.poll(_ANSWER_S):
                raise LockedError(
                    f"{str(self._path)!r} is in use by process {address.pid}, which does not answer; continue or "
                    "end that process"
                )
            key = bytes.fromhex(address.key)
            answer_challenge(channel, key)
            deliver_challenge(channel, key)
            channel.recv()
            self._read_counter(address)
        except BaseException:
            channel.close()
            raise
        return channel

    def _read_counter(self, address: Address) -> None:
        if address != self._address:
            with open(address.counter, "rb") as file:
                self._counter = mmap.mmap(file.fileno(), _COUNTER.size, access=mmap.ACCESS_READ)
            self._address = address

    @property
    def changes(self) -> int:
        """The number of changes to the index by all processes."""
        if self._counter is not None:
            self._changes = int(_COUNTER.unpack_from(self._counter, 0)[0])
        return self._changes

    def close(self) -> None:
        """End what this process holds for others."""
        if self._own is not None:
            self._own.close()


class AttachedConnection:
    """What `Database` needs of a DuckDB connection, with its statements run by the holder.

    A reading connection whose holder ended goes on with the next one; a transaction whose holder ended raises
    WorkspaceError, and nothing of it is kept.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: Connection[Any, Any] | None = None
        self._writes = False
        self._rows: Rows = []

    def cursor(self) -> "AttachedConnection":
        """Return another connection, for another thread."""
        return AttachedConnection(self._link)

    def begin(self) -> None:
        """Begin a transaction; waits while another process is in one."""
        while not self._ask("begin"):
            self._drop()
        self._writes = True

    def commit(self, changes: int) -> None:
        """Commit; `changes` is how often the index was changed in the transaction."""
        try:
            self._ask("commit", changes)
        finally:
            self._writes = False

    def rollback(self) -> None:
        """Take back what was done since `begin`; a holder that is gone has done so."""
        if not self._writes:
            return
        try:
            self._ask("rollback")
        except WorkspaceError:
            self._drop()
        finally:
            self._writes = False

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> Self:
        """Run a statement."""
        self._rows = self._ask("execute", sql, parameters)[::-1]
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row of the last statement."""
        return self._rows.pop() if self._rows else None

    def fetchall(self) -> Rows:
        """Return the other rows of the last statement."""
        rows, self._rows = self._rows[::-1], []
        return rows

    def columns(self, sql: str, parameters: Sequence[object]) -> dict[str, Any]:
        """Return a query's columns as NumPy arrays."""
        columns: dict[str, Any] = self._ask("columns", sql, parameters)
        return columns

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row of parameters."""
        self._ask("executemany", sql, rows)

    def append(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table, some thousand a message."""
        part: list[Sequence[object]] = []
        for row in rows:
            part.append(row)
            if len(part) == _ROWS_A_MESSAGE:
                self._ask("append", table, columns, part)
                part = []
        if part:
            self._ask("append", table, columns, part)

    def register(self, name: str, columns: Mapping[str, Any]) -> None:
        """Make arrays a view of the transaction's connection."""
        self._ask("register", name, columns)

    def unregister(self, name: str) -> None:
        """Remove such a view."""
        self._ask("unregister", name)

    def close(self) -> None:
        """End the connection."""
        self._drop()

    def __del__(self) -> None:
        self._drop()

    def _ask(self, *message: object) -> Any:
        while True:
            try:
                return _value_of(self._roundtrip(message))
            except _LOST as error:
                self._drop()
                if self._writes:
                    raise WorkspaceError(_lost_message(str(message[0]))) from error

    def _roundtrip(self, message: tuple[object, ...]) -> tuple[Any, ...]:
        if self._channel is None:
            self._channel = self._link.open_channel()
        try:
            self._channel.send(message)
            reply: tuple[Any, ...] = self._channel.recv()
        except BaseException:  # an interrupted exchange would leave its reply to the next question
            self._drop()
            raise
        return reply

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(OSError):
                channel.close()


def _lost_message(step: str) -> str:
    if step == "commit":
        return (
            "the process that holds the workspace ended while a change was being confirmed; see with taxonaut log "
            "whether it is there, before making it again"
        )
    return (
        "the process that holds the workspace ended in the middle of a change, of which nothing is kept; run the "
        "same command again: what was finished before is kept"
    )


def _value_of(reply: tuple[Any, ...]) -> Any:
    kind, *values = reply
    if kind == "ok":
        return values[0]
    name, text = values
    if kind == "duckdb":
        raise getattr(duckdb, name, duckdb.Error)(text)
    if kind == "ours":
        raise getattr(errors, name, WorkspaceError)(text)
    raise {"ValueError": ValueError, "TypeError": TypeError, "MemoryError": MemoryError}.get(
        name, RuntimeError
    )(text)


def _new_counter(file: Path) -> mmap.mmap:
    file.write_bytes(bytes(_COUNTER.size))
    with file.open("r+b") as stream:
        return mmap.mmap(stream.fileno(), _COUNTER.size)


def _socket_name(folder: Path) -> str | None:
    return str(folder / "socket") if os.name == "posix" else None


def _remove_leftovers(path: Path) -> None:
    """Remove the address of a holder that was killed, and its folder."""
    address = read_address(path)
    if address is None:
        return
    with suppress(OSError):
        _address_file(path).unlink(missing_ok=True)
    folder = Path(address.counter).parent
    if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
