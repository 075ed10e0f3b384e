"""Refuse a DuckDB file that holds other objects than taxonaut's tables: a workspace may come from a stranger."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from taxonaut.state.errors import WorkspaceError

Step = Callable[[DuckDBPyConnection], None]
"""A step of the migrations."""

_FOREIGN_OBJECTS = (
    ("view", "SELECT view_name FROM system.main.duckdb_views() WHERE NOT internal"),
    ("macro", "SELECT function_name FROM system.main.duckdb_functions() WHERE NOT internal"),
    ("schema", "SELECT schema_name FROM system.main.duckdb_schemas() WHERE NOT internal"),
    ("type", "SELECT type_name FROM system.main.duckdb_types() WHERE NOT internal"),
    ("sequence", "SELECT sequence_name FROM system.main.duckdb_sequences()"),
    ("trigger", "SELECT trigger_name FROM system.main.duckdb_triggers()"),
    ("index", "SELECT index_name FROM system.main.duckdb_indexes()"),
    ("generated column", "SELECT column_name FROM system.main.duckdb_columns() WHERE is_generated"),
)
"""Kinds of objects that no version of taxonaut makes.

The functions' full names are needed: a macro in the file would be found before a function of the same short name.
"""

_TABLES = "SELECT table_name, sql FROM system.main.duckdb_tables() WHERE NOT internal"
_COLUMNS = (
    "SELECT column_name, data_type, column_default IS NULL FROM system.main.duckdb_columns() "
    "WHERE table_name = $1 AND NOT internal ORDER BY column_index"
)
_CONSTRAINTS = (
    "SELECT constraint_type, constraint_column_names FROM system.main.duckdb_constraints() "
    "WHERE table_name = $1 ORDER BY 1, 2"
)
_DIGESTS: dict[int, frozenset[str]] = {
    9: frozenset({"dfb912011752b8165cfedd7259749c9d"}),
    10: frozenset({"9171f0c6775eefde65e7cad2032a0369"}),
    11: frozenset({"62874291b5a3a2aa87e2e9a446bf5e9c"}),
    12: frozenset({"dd11dfb2466a2bf4bf1f607464bab009"}),
    13: frozenset({"19801ad1f0c3b9d7d9958a744f84689a"}),
    14: frozenset({"0ab3a97c4d354dfb6eaaf689fe9baa5e"}),
}
"""Of a schema version, the `digest` of its tables in each way in which DuckDB has written definitions.

A version without the right one is checked against tables made in memory, which takes longer than to open a file.
"""

_VECTORS = re.compile(r"embeddings_([1-9][0-9]*)")
_VECTOR_COLUMNS = [("model", "VARCHAR"), ("key", "BLOB"), ("vector", "FLOAT[{}]")]


def check_objects(connection: DuckDBPyConnection, path: Path | None) -> None:
    """Raise WorkspaceError, with the object's name, for anything in the file that is not a plain table."""
    for kind, sql in _FOREIGN_OBJECTS:
        found = connection.execute(sql).fetchone()
        if found is not None:
            raise _refusal(path, f"the {kind} {found[0]!r}, which taxonaut does not make")


def check_tables(connection: DuckDBPyConnection, path: Path | None, steps: tuple[Step, ...]) -> None:
    """Raise WorkspaceError, with the table's name, unless the tables are those that `steps` of the migrations make.

    The text of a table's definition may differ where another version of DuckDB wrote it; its columns may not.
    """
    tables: dict[str, str] = dict(connection.execute(_TABLES).fetchall())
    for name in [name for name in tables if _VECTORS.fullmatch(name)]:
        columns = [(column, kind.format(name.rpartition("_")[2]), True) for column, kind in _VECTOR_COLUMNS]
        if connection.execute(_COLUMNS, [name]).fetchall() != columns:
            raise _refusal(path, f"the table {name!r} with other columns than taxonaut's")
        del tables[name]
    if digest(tables) in _DIGESTS.get(len(steps) - 1, ()):
        return
    expected = _definitions_after(steps)
    for name, sql in tables.items():
        if name not in expected:
            raise _refusal(path, f"the table {name!r}, which taxonaut does not make")
        if sql != expected[name] and _shape(connection, name) != _shapes_after(steps)[name]:
            raise _refusal(path, f"the table {name!r} with other columns than taxonaut's")
    missing = sorted(set(expected) - set(tables))
    if missing:
        raise _refusal(path, f"no table {missing[0]!r}")


def digest(tables: Mapping[str, str]) -> str:
    """Hash the definitions of tables, given by their names."""
    return sha256(repr(sorted(tables.items())).encode()).hexdigest()[:32]


def _refusal(path: Path | None, holds: str) -> WorkspaceError:
    return WorkspaceError(
        f"{str(path)!r} holds {holds}; it is not opened, since such a file may have been made to mislead. Restore "
        "it from a copy of your own, or import the labels into a new workspace: taxonaut init DIR"
    )


Shape = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]
"""A table's columns and constraints."""


def _shape(connection: DuckDBPyConnection, table: str) -> Shape:
    columns, constraints = (connection.execute(sql, [table]).fetchall() for sql in (_COLUMNS, _CONSTRAINTS))
    return columns, constraints


@lru_cache
def _definitions_after(steps: tuple[Step, ...]) -> dict[str, str]:
    """Return the tables that the migrations make in an empty database, each with its definition."""
    with _after(steps) as empty:
        return dict(empty.execute(_TABLES).fetchall())


@lru_cache
def _shapes_after(steps: tuple[Step, ...]) -> dict[str, Shape]:
    with _after(steps) as empty:
        return {name: _shape(empty, name) for name, _ in empty.execute(_TABLES).fetchall()}


def _after(steps: tuple[Step, ...]) -> DuckDBPyConnection:
    empty = duckdb.connect(":memory:", config={"threads": 1})
    for step in steps:
        step(empty)
    return empty
