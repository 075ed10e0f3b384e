"""Rows by integer key, few or many at a time, the quick way for each."""

from collections.abc import Sequence
from typing import Any

from taxonaut.state.db.connection import Database

_FEW = 64


def fetch_by_number(
    database: Database, columns: str, table: str, key: str, numbers: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return the rows whose `key` is among `numbers`, in any order.

    A few keys go through the table's index; many are joined, bounded by the least and the greatest so
    that DuckDB skips what lies outside. Names come from code, never from input.
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
