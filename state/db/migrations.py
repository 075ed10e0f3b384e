"""Append-only schema migrations, from an empty file to the current version."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from taxonaut.state.db.schema_check import check_objects, check_tables
from taxonaut.state.errors import SchemaError, WorkspaceError


def create_version_table(connection: DuckDBPyConnection) -> None:
    """Before the first version: the table of the versions that were applied."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")


def create_tables(connection: DuckDBPyConnection) -> None:
    """Version 1: the index, its events, items, embeddings, cached replies, runs and decisions."""
    connection.execute(_sql("schema_1.sql"))


def keep_templates(connection: DuckDBPyConnection) -> None:
    """Version 2: the texts of the templates that decisions name by hash."""
    connection.execute(_sql("schema_2.sql"))


def group_events(connection: DuckDBPyConnection) -> None:
    """Version 3: which events belong to one change, and its note."""
    connection.execute(_sql("schema_3.sql"))


def keep_trails(connection: DuckDBPyConnection) -> None:
    """Version 4: the nodes that each walk opened and dropped."""
    connection.execute(_sql("schema_4.sql"))


def keep_tags(connection: DuckDBPyConnection) -> None:
    """Version 5: the descriptors of each item."""
    connection.execute(_sql("schema_5.sql"))


def keep_definitions(connection: DuckDBPyConnection) -> None:
    """Version 6: written definitions of labels, and their sources."""
    connection.execute(_sql("schema_6.sql"))


def keep_conversations(connection: DuckDBPyConnection) -> None:
    """Version 7: sample variables and trials of templates, gold labels, and changes applied in conversations."""
    connection.execute(_sql("schema_7.sql"))


def order_runs(connection: DuckDBPyConnection) -> None:
    """Version 8: the order in which runs were last at work."""
    connection.execute(_sql("schema_8.sql"))


def describe_replies(connection: DuckDBPyConnection) -> None:
    """Version 9: what cached replies answer, and when they came."""
    connection.execute(_sql("schema_9.sql"))


def keep_alternative_names(connection: DuckDBPyConnection) -> None:
    """Version 10: alternative names of labels."""
    connection.execute(_sql("schema_10.sql"))


def keep_sources(connection: DuckDBPyConnection) -> None:
    """Version 11: notations of labels, and the RDF that labels came from."""
    connection.execute(_sql("schema_11.sql"))


def map_labels(connection: DuckDBPyConnection) -> None:
    """Version 12: which label ids are not answered any more, and what replaced them."""
    connection.execute(_sql("schema_12.sql"))


def open_ledger(connection: DuckDBPyConnection) -> None:
    """Version 13: statements about the labels of items, gold labels among them, and marks of walks."""
    connection.execute(_sql("schema_13.sql"))


def keep_exchanges(connection: DuckDBPyConnection) -> None:
    """Version 14: what language models were sent and what they replied."""
    connection.execute(_sql("schema_14.sql"))


MIGRATIONS: tuple[Callable[[DuckDBPyConnection], None], ...] = (
    create_tables,
    keep_templates,
    group_events,
    keep_trails,
    keep_tags,
    keep_definitions,
    keep_conversations,
    order_runs,
    describe_replies,
    keep_alternative_names,
    keep_sources,
    map_labels,
    open_ledger,
    keep_exchanges,
)
"""Append only: never change or reorder a released step."""


def migrate(
    connection: DuckDBPyConnection, path: Path | None, *, read_only: bool = False, is_new: bool = False
) -> None:
    """Migrate the file to the newest schema, one transaction per step.

    Raises SchemaError if it is newer than this taxonaut, or older and open read-only; WorkspaceError if it holds
    other objects than taxonaut's tables. A new file (`is_new`) holds none yet and is not searched.
    """
    if not is_new:
        check_objects(connection, path)
    version, known = schema_version(connection), len(MIGRATIONS)
    if version > known:
        raise SchemaError(
            f"{str(path)!r} has schema version {version}, this taxonaut knows versions up to {known}; "
            "upgrade: pip install --upgrade taxonaut"
        )
    if version == 0 and _has_tables(connection):
        raise WorkspaceError(f"{str(path)!r} is a DuckDB file of another program; choose another path")
    if version:
        check_tables(connection, path, (create_version_table, *MIGRATIONS[:version]))
    if version < known and read_only:
        raise SchemaError(
            f"{str(path)!r} has schema version {version}, this taxonaut needs {known}; "
            "open it once for writing to migrate it, for example: taxonaut index stats"
        )
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        _apply(connection, number, step)


def schema_version(connection: DuckDBPyConnection) -> int:
    """Return the schema version of a file, 0 for an empty one."""
    if ("schema_version",) not in _tables(connection):
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return int(row[0]) if row else 0


def _apply(connection: DuckDBPyConnection, number: int, step: Callable[[DuckDBPyConnection], None]) -> None:
    connection.begin()
    try:
        create_version_table(connection)
        step(connection)
        connection.execute("INSERT INTO schema_version (version) VALUES (?)", [number])
        connection.commit()
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: DuckDBPyConnection) -> None:
    """Roll back; a commit that failed, and a connection that broke, have done so already."""
    try:
        connection.rollback()
    except (duckdb.TransactionException, duckdb.ConnectionException):
        return


def _tables(connection: DuckDBPyConnection) -> list[tuple[str]]:
    return connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()


def _has_tables(connection: DuckDBPyConnection) -> bool:
    return bool(_tables(connection))


def _sql(name: str) -> str:
    return resources.files("taxonaut.state.db").joinpath(name).read_text(encoding="utf-8")
