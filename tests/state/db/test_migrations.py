"""From blank and from each earlier version, the schema ends the same and nothing is lost."""

from pathlib import Path

import duckdb
import pytest

from taxonaut.state.db import migrations
from taxonaut.state.db.connection import Database
from taxonaut.state.db.migrations import MIGRATIONS, migrate, schema_version
from taxonaut.state.errors import SchemaError
from taxonaut.state.ids import EventId, ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.state.stores.ledger import Ledger, Statement
from taxonaut.state.stores.runs import Runs

SCHEMA = (
    "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() ORDER BY 1, column_index"
)


def schema(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(SCHEMA).fetchall()


def at_version(path: Path | str, version: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path))
    original = migrations.MIGRATIONS
    migrations.MIGRATIONS = original[:version]
    try:
        migrate(connection, None)
    finally:
        migrations.MIGRATIONS = original
    return connection


def test_a_blank_file_gets_every_table() -> None:
    with duckdb.connect() as connection:
        assert schema_version(connection) == 0
        migrate(connection, None)
        assert schema_version(connection) == len(MIGRATIONS)
        tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    assert [name for (name,) in tables] == [
        "answers", "applied_calls", "counters", "current_tree", "decisions", "definitions", "edges",
        "embedders", "events", "exchange_parts", "exchanges",
        "items", "label_mappings", "labels", "marks", "meta", "nodes", "placements",
        "prompt_trials", "rdf_sources", "runs", "schema_version", "tags", "template_files", "template_samples",
        "templates", "trails", "trees", "truths", "units", "written_files",
    ]  # fmt: skip


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_earlier_version_ends_at_the_same_schema(version: int) -> None:
    with duckdb.connect() as blank, at_version(":memory:", version) as connection:
        migrate(blank, None)
        connection.execute("INSERT INTO items VALUES ('a', 'text')")
        assert schema_version(connection) == version
        migrate(connection, None)
        assert schema(connection) == schema(blank)
        assert connection.execute("FROM items").fetchall() == [("a", "text")]
        migrate(connection, None)
        assert schema_version(connection) == len(MIGRATIONS)


def test_opening_an_old_file_migrates_it_and_reading_it_asks_to(path: Path) -> None:
    at_version(path, 1).close()
    with pytest.raises(SchemaError) as caught:
        Database.open(path, read_only=True)
    assert str(caught.value) == (
        f"{str(path)!r} has schema version 1, this taxonaut needs {len(MIGRATIONS)}; "
        "open it once for writing to migrate it, for example: taxonaut index stats"
    )
    Database.open(path).close()
    with Database.open(path, read_only=True) as database:
        assert database.rows("SELECT version FROM schema_version ORDER BY 1") == [
            (version,) for version in range(1, len(MIGRATIONS) + 1)
        ]


def test_a_step_that_fails_leaves_the_version_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE TABLE half (a INTEGER)")
        connection.execute("SELECT no_such_function()")

    with duckdb.connect() as connection:
        monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
        with pytest.raises(duckdb.CatalogException):
            migrate(connection, None)
        assert schema_version(connection) == len(MIGRATIONS)
        assert ("half",) not in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()


def test_events_of_an_older_file_are_changes_of_their_own(path: Path) -> None:
    with at_version(path, 2) as connection:
        connection.execute("INSERT INTO labels VALUES (1, 'a', 'A', '', 'initial')")
        connection.execute("INSERT INTO nodes VALUES (2, 0, 'one', '', '', '', NULL, '')")
        connection.execute("INSERT INTO edges VALUES (0, 1, 2, 1)")
        connection.execute(
            "INSERT INTO events (id, operation, tree, payload, inverse) VALUES "
            """(1, 'add_labels', NULL, '{"count":1}', """
            """'{"operation":"drop_labels","arguments":{"first":1,"last":1}}'), """
            """(2, 'create_node', 0, '{"node":{"id":2,"name":"one"}}', """
            """'{"operation":"remove_node","arguments":{"node":2}}')"""
        )
        connection.execute("UPDATE counters SET next = 3")
    with Database.open(path) as database:
        index = Index(database)
        assert [(event.id, event.change, event.note) for event in index.events.list()] == [
            (1, 1, ""),
            (2, 2, ""),
        ]
        assert [(change.id, change.first) for change in index.events.changes()] == [(2, 2), (1, 1)]
        assert [node.name for node in index.snapshot(EventId(2)).nodes.values()] == ["root", "one"]
        assert list(index.snapshot(EventId(1)).nodes) == [1]
        index.undo()
        index.undo()
        assert (index.children(index.root()), index.all_labels()) == ([], [])


def test_runs_of_an_older_file_keep_their_order(path: Path) -> None:
    with at_version(path, 7) as connection:
        for run, days in ((1, 2), (2, 9), (3, 5)):
            connection.execute(
                "INSERT INTO runs (id, kind, fingerprint, settings, status, ended) "
                "VALUES (?, 'classify', ?, '{}', 'finished', TIMESTAMP '2026-01-01' + to_days(?))",
                [run, str(run), days],
            )
    with Database.open(path) as database:
        assert [run.id for run in Runs(database).list()] == [2, 3, 1]


def test_labels_that_an_older_version_removed_come_back(path: Path) -> None:
    with at_version(path, 9) as connection:
        connection.execute(
            "INSERT INTO events (id, operation, tree, payload, inverse, undone_by, change, note) VALUES "
            """(1, 'add_labels', NULL, '{"count":1}', '{"operation":"drop_labels","arguments":"""
            """{"first":1,"last":1}}', 2, 1, ''), (2, 'undo', NULL, '{"event":1}', """
            """'{"operation":"add_labels","arguments":{"labels":[[1,"a","A","","initial"]]}}', NULL, 2, '')"""
        )
        connection.execute("UPDATE counters SET next = 3 WHERE name = 'event'")
    with Database.open(path) as database:
        index = Index(database)
        assert index.snapshot(EventId(1)).labels == {"a": Label(LabelId("a"), "A")}
        index.undo(EventId(2))
        assert index.all_labels() == [Label(LabelId("a"), "A")]


def test_gold_labels_of_an_older_file_are_truths_of_a_gold_file(path: Path) -> None:
    with at_version(path, 12) as connection:
        connection.execute(
            "INSERT INTO gold VALUES ('b', 'ub', 'y'), ('a', 'ua', 'x'), ('b', 'ub', 'x'), ('b', 'ub', 'y')"
        )
    with Database.open(path) as database:
        ledger = Ledger(database)
        held = ledger.truths()
        assert {unit: (each.item, each.right, each.complete) for unit, each in held.items()} == {
            "ub": ("b", ("x", "y"), True),
            "ua": ("a", ("x",), True),
        }
        later = Statement(ItemId("a"), "ua", right=[LabelId("z")], complete=True)
        assert (ledger.state([later]), ledger.truths()["ua"].right, len(ledger)) == (1, ("z",), 2)
        assert [each.statement for each in ledger.history(ItemId("a"))] == [2, 3]
