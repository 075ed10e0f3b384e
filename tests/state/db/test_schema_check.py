"""A file from a stranger is data: nothing but our tables is opened, and no other file is read or written."""

from pathlib import Path

import duckdb
import pytest

from taxonaut.state.db import schema_check
from taxonaut.state.db.connection import Database
from taxonaut.state.db.migrations import MIGRATIONS, create_version_table
from taxonaut.state.errors import WorkspaceError


def made(path: Path, *statements: str) -> Path:
    """Make a workspace's file and change it as a stranger would, without taxonaut."""
    Database.open(path).close()
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (
            [
                "ALTER TABLE nodes RENAME TO nodes_real",
                "CREATE VIEW nodes AS SELECT id, tree, (SELECT content FROM read_text('{secret}')) || name AS name, "
                "description, includes, excludes, label, examples FROM nodes_real",
            ],
            "the view 'nodes'",
        ),
        (["CREATE MACRO coalesce(a, b) AS 3"], "the macro 'coalesce'"),
        (["CREATE MACRO duckdb_views() AS TABLE SELECT 1 AS view_name"], "the macro 'duckdb_views'"),
        (["CREATE SCHEMA hidden"], "the schema 'hidden'"),
        (["CREATE TYPE mood AS ENUM ('a')"], "the type 'mood'"),
        (["CREATE SEQUENCE ids"], "the sequence 'ids'"),
        (["CREATE INDEX by_name ON labels (lower(name))"], "the index 'by_name'"),
        (["CREATE TABLE more (a INTEGER)"], "the table 'more'"),
        (
            ["DROP TABLE items", "CREATE TABLE items (id VARCHAR, text AS (id || 'x'))"],
            "the generated column 'text'",
        ),
        (["ALTER TABLE marks ADD COLUMN extra VARCHAR"], "the table 'marks' with other columns"),
        (
            ["DROP TABLE items", "CREATE TABLE items (id VARCHAR, text VARCHAR)"],
            "the table 'items' with other",
        ),
        (
            ["CREATE TABLE embeddings_3 (model VARCHAR, key BLOB, vector FLOAT[2])"],
            "the table 'embeddings_3'",
        ),
        (["DROP TABLE marks"], "no table 'marks'"),
    ],
)
def test_other_objects_than_our_tables_are_refused_by_name(
    path: Path, tmp_path: Path, statements: list[str], named: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret", encoding="utf-8")
    made(path, *(statement.format(secret=secret) for statement in statements))
    with pytest.raises(WorkspaceError) as caught:
        Database.open(path)
    assert str(caught.value).startswith(f"{str(path)!r} holds {named}")
    assert "taxonaut init DIR" in str(caught.value)


def test_the_newest_tables_are_known_without_making_them(path: Path) -> None:
    """A new migration needs its digest: state.db.schema_check._DIGESTS, beside those before."""
    Database.open(path).close()
    with duckdb.connect(str(path)) as connection:
        tables = dict(connection.execute(schema_check._TABLES).fetchall())
        assert schema_check.digest(tables) in schema_check._DIGESTS[len(MIGRATIONS)]
        schema_check._definitions_after.cache_clear()
        schema_check.check_tables(connection, path, (create_version_table, *MIGRATIONS))
    assert schema_check._definitions_after.cache_info().misses == 0


def test_tables_of_vectors_are_ours(path: Path) -> None:
    made(
        path,
        "CREATE TABLE embeddings_3 (model VARCHAR NOT NULL, key BLOB NOT NULL, vector FLOAT[3] NOT NULL)",
    )
    Database.open(path).close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content FROM read_text('{other}')",
        "SELECT * FROM '{other}'",
        "COPY (SELECT 1) TO '{other}.csv'",
        "ATTACH '{other}.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_nothing_outside_the_file_can_be_reached(path: Path, tmp_path: Path, sql: str) -> None:
    other = tmp_path / "other.txt"
    other.write_text("s3cret", encoding="utf-8")
    with (
        Database.open(path) as database,
        pytest.raises(duckdb.Error, match=r"disabled|locked|does not exist"),
    ):
        database.read().execute(sql.format(other=other))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["index.duckdb", "other.txt"]
