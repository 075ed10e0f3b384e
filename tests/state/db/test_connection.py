"""One file, one writer, errors a person can act on: with real second processes, kills and full disks."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.db.migrations import MIGRATIONS
from taxonaut.state.errors import DiskError, InputError, LockedError, SchemaError, WorkspaceError
from taxonaut.state.records import Item
from taxonaut.state.stores.items import Items

WRITER = """
import sys, time
from pathlib import Path
from taxonaut.state.db.connection import Database
from taxonaut.state.stores.items import Items
from taxonaut.state.records import Item

database = Database.open(Path(sys.argv[1]))
items = Items(database)
items.put([Item("kept", "x")])
with database.write():
    items.put([Item("lost", "y")])
    print("ready", flush=True)
    time.sleep(60)
"""

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import DiskError
from taxonaut.state.stores.items import Items
from taxonaut.state.records import Item

database = Database.open(Path(sys.argv[1]))
items = Items(database)
items.put([Item("kept", "x")])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
try:
    for batch in range(100):
        items.put([Item(f"{batch}-{place}", f"{hash((batch, place, turn))}" * 50) for place in range(500)
                   for turn in [0]])
except DiskError as error:
    print(str(error))
print(len(items) % 500)
database.close()
"""


@pytest.fixture
def writer(path: Path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_killed_writer_leaves_its_last_commit(
    path: Path, writer: subprocess.Popen, read_only: bool
) -> None:
    writer.kill()
    writer.wait()
    with Database.open(path, read_only=read_only) as database:
        assert database.rows("SELECT id, text FROM items") == [("kept", "x")]


def test_readers_share_a_file_that_nobody_writes(path: Path) -> None:
    with Database.open(path) as database:
        Items(database).put([Item("a", "text")])
    program = "import sys; from pathlib import Path; from taxonaut.state.db.connection import Database\n"
    program += "print(Database.open(Path(sys.argv[1]), read_only=True).rows('SELECT id FROM items'))"
    with Database.open(path, read_only=True) as database:
        other = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
        assert (other.stdout, other.stderr) == ("[('a',)]\n", "")
        with pytest.raises(WorkspaceError, match="is open read-only; open it for writing"), database.write():
            pass
        with pytest.raises(LockedError, match="is open for reading in this process; close it there first"):
            Database.open(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_named_and_loses_nothing_that_was_committed(path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True)
    message, left_over = run.stdout.splitlines()
    assert (run.returncode, run.stderr) == (0, "")
    assert message == (
        f"no room left to write {str(path)!r}; free some disk space and run the command again: "
        "what was finished before is kept"
    )
    assert left_over == "1"
    with Database.open(path) as database:
        assert len(Items(database)) % 500 == 1


def test_a_newer_file_says_both_versions(path: Path) -> None:
    with Database.open(path) as database, database.write() as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    with pytest.raises(SchemaError) as caught:
        Database.open(path)
    assert str(caught.value) == (
        f"{str(path)!r} has schema version 99, this taxonaut knows versions up to {len(MIGRATIONS)}; "
        "upgrade: pip install --upgrade taxonaut"
    )


def test_what_is_no_database_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is a folder, expected a DuckDB file"):
        Database.open(tmp_path)
    with pytest.raises(WorkspaceError, match="does not exist; create the workspace first"):
        Database.open(tmp_path / "no" / "index.duckdb")
    with pytest.raises(WorkspaceError, match="does not exist; create the workspace first"):
        Database.open(path, read_only=True)
    for content in (b"", b"hello" * 5000, b"SQLite format 3\0" + b"\0" * 5000):
        path.write_bytes(content)
        with pytest.raises(WorkspaceError, match="is not a readable DuckDB file"):
            Database.open(path)
        assert path.read_bytes() == content


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
    with pytest.raises(WorkspaceError, match="is a DuckDB file of another program; choose another path"):
        Database.open(path)
    with duckdb.connect(str(path)) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert tables == [("sales",)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_no_permission_is_named(path: Path) -> None:
    Database.open(path).close()
    path.chmod(0o400)
    with pytest.raises(DiskError, match="no permission to open or write"):
        Database.open(path)


def test_opening_twice_gives_the_same_database(path: Path) -> None:
    first = Database.open(path)
    second = Database.open(path.parent / "." / path.name)
    assert second is first
    first.close()
    assert second.rows("SELECT 1") == [(1,)]
    second.close()
    second.close()
    with Database.open(path) as third:
        assert third is not first


def test_a_file_replaced_while_open_is_noticed(path: Path) -> None:
    with Database.open(path):
        path.unlink()
        with pytest.raises(WorkspaceError, match="was removed or replaced while this process had it open"):
            Database.open(path)


def test_a_failed_write_is_rolled_back_whole(database: Database) -> None:
    items = Items(database)

    def fail_half_way() -> None:
        with database.write():
            items.put([Item("a", "x")])
            with database.write():
                items.put([Item("b", "y")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert len(items) == 0
    items.put([Item("c", "z")])
    assert len(items) == 1


def test_a_writer_reads_what_it_wrote_and_others_wait(database: Database) -> None:
    items, seen = Items(database), []
    with database.write():
        items.put([Item("a", "x")])
        assert len(items) == 1
        reader = threading.Thread(target=lambda: seen.append(len(items)))
        reader.start()
        reader.join()
    assert seen == [0]
    assert len(items) == 1


def test_many_threads_write_and_read(database: Database) -> None:
    items, errors = Items(database), []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                items.put([Item(f"{number}-{turn}", "text")])
                assert items.get([f"{number}-{turn}"]) == [Item(f"{number}-{turn}", "text")]
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(items) == 120


def test_half_a_character_is_refused_by_name(database: Database) -> None:
    with pytest.raises(InputError, match="half a character"):
        Items(database).put([Item("a", "broken \ud83d here")])
    assert len(Items(database)) == 0


def test_nothing_is_downloaded_and_nothing_is_drawn_on_the_terminal(path: Path) -> None:
    names = ["autoinstall_known_extensions", "autoload_known_extensions", "enable_progress_bar"]
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    with Database.open(path) as database:
        assert database.rows(f"SELECT {settings}") == [(False, False, False)]
        with database.write():
            assert database.rows(f"SELECT {settings}") == [(False, False, False)]
