"""Several processes on one file: real processes, of which some are killed."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.db.sharing import Holder, read_address
from taxonaut.state.errors import InputError, LockedError, NotFoundError, WorkspaceError
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.items import Items

SCRIPT = """
import sys
from pathlib import Path
from taxonaut.state.db.connection import Database
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.state.stores.items import Items

database = Database.open(Path(sys.argv[1]))
index, items = Index(database), Items(database)
root = index.root()
print("open", flush=True)
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""
"""Another process that has the file open and runs the lines that the test sends."""


class Other:
    """Another process with the file open."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.hear()

    def hear(self) -> str:
        """Return what it prints next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def send(self, line: str) -> None:
        """Have it run a line, without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, line: str) -> str:
        """Have it run a line; return what that printed."""
        self.send(line)
        heard = ""
        while (said := self.hear()) != "done":
            assert self.process.poll() is None or said, self.process.stderr and self.process.stderr.read()
            heard += said
        return heard

    def end(self) -> str:
        """Let it end without closing; return what it wrote to its errors."""
        return self.process.communicate()[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.duckdb"


@pytest.fixture
def other(path: Path) -> Iterator[Other]:
    started = Other(path)
    yield started
    started.process.kill()
    with started.process:
        pass


def holder_of(path: Path) -> int:
    """Return the process that says that it holds a file, 0 for none."""
    address = read_address(path)
    return 0 if address is None else address.pid


def names(index: Index) -> list[str]:
    return [node.name for node in index.children(index.root())]


def test_each_process_sees_what_the_other_changed(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        index, items = Index(database), Items(database)
        assert names(index) == []
        other.run("index.create_node(root, 'theirs'); items.put([Item('a', 'text of a')])")
        assert names(index) == ["theirs"]
        index.create_node(index.root(), "ours")
        assert other.run("print([each.name for each in index.children(root)])") == "['theirs', 'ours']"
        assert items.get(["a"])[0].text == "text of a"
        assert index.version() == 2
        index.undo()
        assert other.run("print([each.name for each in index.children(root)])") == "['theirs']"
    assert other.end() == ""


def counted_changes(database: Database) -> int:
    index = Index(database)
    names(index)
    before = database.changes
    index.create_node(index.root(), "ours")
    return database.changes - before


def test_a_change_of_ones_own_is_counted_once(path: Path, other: Other) -> None:
    with Database.open(path) as database, Database.in_memory() as alone:
        assert counted_changes(database) == counted_changes(alone), "not again from the holder"
        before = database.changes
        other.run("index.create_node(root, 'theirs')")
        assert database.changes > before


def test_all_that_stores_do_works_attached(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        vectors = np.eye(3, dtype=np.float32)
        embeddings = Embeddings(database)
        embeddings.put("model", ["a", "b", "c"], vectors)
        found, known = embeddings.get("model", ["c", "x"])
        assert np.asarray(known).tolist() == [True, False]
        assert np.asarray(found)[0].tolist() == vectors[2].tolist()
        many = [Item(f"i{number}", "x") for number in range(25_000)]
        Items(database).put(many)
        assert database.rows("SELECT count(*) FROM items") == [(25_000,)]
        assert database.columns("SELECT count(*) AS n FROM items")["n"].tolist() == [25_000]
        with pytest.raises(InputError, match="half a character"):
            Items(database).put([Item("s", "\ud800")])
        with pytest.raises(duckdb.Error):
            database.rows("SELECT nothing FROM nowhere")
        assert database.rows("SELECT 1") == [(1,)], "and the connection is as good as before"


def test_a_transaction_excludes_those_of_others(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        items = Items(database)
        with database.write():
            items.put([Item("a", "ours")])
            other.send("items.put([Item('b', 'theirs')])")
            assert other.process.poll() is None
            items.put([Item("c", "ours")])
        assert other.hear() == "done"
        assert len(items) == 3


def test_a_transaction_that_fails_leaves_nothing(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        items = Items(database)
        with pytest.raises(NotFoundError), database.write():
            put_and_fail(items)
        assert other.run("print(len(items))") == "0"
        items.put([Item("b", "ours")])
        assert other.run("print(len(items))") == "1"


def put_and_fail(items: Items) -> None:
    items.put([Item("a", "ours")])
    raise NotFoundError("x")


def test_threads_read_and_write_attached(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        items = Items(database)

        def work(number: int) -> None:
            for turn in range(20):
                items.put([Item(f"{number}-{turn}", "x")])
                assert len(items) > turn

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert other.run("print(len(items))") == "80"


@pytest.mark.parametrize("end", ["end", "kill"])
def test_the_next_process_becomes_the_holder(path: Path, other: Other, end: str) -> None:
    with Database.open(path) as database:
        index = Index(database)
        other.run("index.create_node(root, 'theirs')")
        assert names(index) == ["theirs"]
        if end == "end":
            assert other.end() == ""
        else:
            other.process.kill()
            other.process.wait()
        index.create_node(index.root(), "ours")
        assert names(index) == ["theirs", "ours"]
        third = Other(path)
        assert third.run("print([each.name for each in index.children(root)])") == "['theirs', 'ours']"
        assert third.end() == ""
        assert holder_of(path) == os.getpid()
    assert read_address(path) is None
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM nodes").fetchone() == (3,)


def test_a_change_whose_holder_is_killed_is_told_and_leaves_nothing(path: Path, other: Other) -> None:
    with Database.open(path) as database:
        items = Items(database)
        items.put([Item("kept", "x")])
        said = "in the middle of a change, of which nothing is kept"
        with pytest.raises(WorkspaceError, match=said), database.write():
            put_and_kill(items, other)
        assert len(items) == 1


def put_and_kill(items: Items, other: Other) -> None:
    items.put([Item("lost", "x")])
    other.process.kill()
    other.process.wait()
    items.put([Item("lost too", "x")])


def test_a_process_that_is_killed_in_a_change_leaves_nothing(path: Path) -> None:
    with Database.open(path) as database:
        items = Items(database)
        other = Other(path)
        other.run("writing = database.write(); writing.__enter__(); items.put([Item('lost', 'x')])")
        other.process.kill()
        other.process.communicate()
        items.put([Item("ours", "x")])
        assert len(items) == 1


def test_who_may_attach(path: Path) -> None:
    with Database.open(path):
        file = path.with_name("index.duckdb.holder")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        address = read_address(path)
        assert address is not None
        assert stat.S_IMODE(Path(address.counter).parent.stat().st_mode) == 0o700
        values = json.loads(file.read_text())
        said = refusal(path, {**values, "key": "00" * 32})
        assert "one process at a time can write" in said
        said = refusal(path, {**values, "version": "9.9"})
        assert f"is in use by process {os.getpid()}, which runs taxonaut 9.9, this one" in said
    assert not Path(address.counter).parent.exists()


def refusal(path: Path, address: dict[str, Any]) -> str:
    """Return how another process ends that is given an address."""
    file = path.with_name("index.duckdb.holder")
    kept = file.read_text()
    file.write_text(json.dumps(address))
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], input="", capture_output=True, text=True, check=False
    )
    file.write_text(kept)
    return ended.stderr


def test_the_address_of_a_killed_holder_is_replaced(path: Path, other: Other) -> None:
    before = read_address(path)
    assert before is not None
    assert before.pid == other.process.pid
    os.kill(other.process.pid, signal.SIGKILL)
    other.process.wait()
    assert read_address(path) == before
    with Database.open(path):
        assert holder_of(path) == os.getpid()
        assert not Path(before.counter).parent.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": 1}', "\x00", '{"pid": "x", "key": 7}'])
def test_an_address_that_says_nothing(path: Path, text: str) -> None:
    path.with_name("index.duckdb.holder").write_text(text)
    with Database.open(path) as database:
        assert database.rows("SELECT 1") == [(1,)]


def test_a_program_that_does_not_share_is_named(path: Path) -> None:
    Database.open(path).close()
    program = (
        "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError) as caught:
            Database.open(path)
        holder.communicate("")
    assert f"is in use by process {holder.pid}; one process at a time can write" in str(caught.value)


def test_where_no_address_can_be_written_a_file_is_held_alone(path: Path) -> None:
    with Database.open(path) as database:
        assert Holder.start(database, path.with_name("nowhere") / "index.duckdb") is None
