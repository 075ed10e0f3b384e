"""Read and write Parquet with an in-memory DuckDB.

This is the only SQL outside `state/`, and none of it touches the index. DuckDB's relations cannot
it: a column named `columns` or `fetchmany` in the user's file hides their own methods.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

_PATTERN_SIGNS = re.compile(r"([*?\[])")
_ROWS_AT_ONCE = 50


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the column names. Raises `duckdb.Error` if the file is not Parquet."""
    with duckdb.connect(":memory:") as con:
        con.execute("SELECT * FROM read_parquet($1) LIMIT 0", [_literal(path)])
        return tuple(column[0] for column in con.description or ())


def parquet_size(path: Path) -> int:
    """Return the bytes of all columns without their compression, as the file gives them."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        sql = "SELECT coalesce(sum(total_uncompressed_size), 0) FROM parquet_metadata($1)"
        row = con.execute(sql, [_literal(path)]).fetchone()
        return int(row[0]) if row else 0


def parquet_rows(path: Path) -> Iterator[tuple[object, ...]]:
    """Yield the rows in file order, fetching a few at a time, as one may be large."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute("SELECT * FROM read_parquet($1)", [_literal(path)])
        while rows := con.fetchmany(_ROWS_AT_ONCE):
            yield from rows


def jsonl_to_parquet(jsonl: Path, parquet: Path, columns: Mapping[str, str]) -> None:
    """Convert JSON lines to Parquet with these columns and DuckDB types, keeping the order."""
    types = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute(
            f"COPY (SELECT * FROM read_json($1, format = 'newline_delimited', columns = {{{types}}}, "
            f"maximum_object_size = 1073741824)) TO {_quoted(str(parquet))} (FORMAT parquet)",
            [_literal(jsonl)],
        )


def _literal(path: Path) -> str:
    """Escape glob characters in a file name."""
    return _PATTERN_SIGNS.sub(r"[\1]", str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
