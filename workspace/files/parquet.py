"""Read and write Parquet, and read Arrow files, with an in-memory DuckDB.

This is the only SQL outside `state/`, and none of it touches the index. DuckDB's relations cannot
it: a column named `columns` or `fetchmany` in the user's file hides their own methods.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from taxonaut.state.errors import MissingExtraError

if TYPE_CHECKING:
    import pyarrow

_PATTERN_SIGNS = re.compile(r"([*?\[])")
_ROWS_AT_ONCE = 50


def parquet_columns(path: Path) -> dict[str, str]:
    """Return the columns' names and DuckDB types. Raises `duckdb.Error` if the file is not Parquet."""
    with duckdb.connect(":memory:") as con:
        con.execute("SELECT * FROM read_parquet($1) LIMIT 0", [_literal(path)])
        return {column[0]: str(column[1]) for column in con.description or ()}


def arrow_batches(path: Path) -> Iterator["pyarrow.RecordBatch"]:
    """Yield the batches of an Arrow file, an Arrow stream or a Feather file of version 1.

    Raises `pyarrow.ArrowException` if it is none of them, MissingExtraError without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.feather
    except ImportError:
        raise MissingExtraError("pyarrow", "tables") from None
    with pyarrow.memory_map(str(path)) as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(b"ARROW1"):
            with pyarrow.ipc.open_file(file) as reader:
                yield from (reader.get_batch(place) for place in range(reader.num_record_batches))
                if not reader.num_record_batches:
                    yield pyarrow.RecordBatch.from_pylist([], reader.schema)
        elif start.startswith(b"FEA1"):
            yield from pyarrow.feather.read_table(file).to_batches()
        else:
            with pyarrow.ipc.open_stream(file) as stream:
                yield from stream


def arrow_columns(batch: "pyarrow.RecordBatch") -> dict[str, str]:
    """Return a batch's columns and their DuckDB types."""
    with duckdb.connect(":memory:") as con:
        con.register("batch", batch)
        con.execute("SELECT * FROM batch LIMIT 0")
        return {column[0]: str(column[1]) for column in con.description or ()}


def arrow_rows(batch: "pyarrow.RecordBatch") -> Iterator[tuple[object, ...]]:
    """Yield the rows of a batch."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.register("batch", batch)
        con.execute("SELECT * FROM batch")
        while rows := con.fetchmany(_ROWS_AT_ONCE):
            yield from rows


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


_SCALAR = re.compile(r"[A-Z][A-Z ]*(?:\(\d+(?:,\s*\d+)?\))?")
_LIST = re.compile(rf"{_SCALAR.pattern}(?:\[\])+")


def json_rows_to_parquet(lines: Path, parquet: Path, columns: Sequence[tuple[int, str, str]]) -> None:
    """Convert lines of JSON lists to Parquet with these columns (place in a list, name, DuckDB type), in order."""
    cells = ", ".join(f"{_cell(place, kind)} AS {_identifier(name)}" for place, name, kind in columns)
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute(
            f"COPY (SELECT {cells} FROM read_json($1, format = 'newline_delimited', records = false, "
            f"columns = {{'line': 'JSON'}}, maximum_object_size = 1073741824)) "
            f"TO {_quoted(str(parquet))} (FORMAT parquet)",
            [_literal(lines)],
        )


def _cell(place: int, kind: str) -> str:
    """Return what reads a cell of a JSON list as a type; as JSON where the type is none that is known to be safe."""
    if _LIST.fullmatch(kind):
        return f"CAST(line->{place} AS {kind})"
    if kind == "BLOB":
        return f"from_hex(line->>{place})"
    if kind == "JSON" or not _SCALAR.fullmatch(kind):
        return f"CASE WHEN line->>{place} IS NOT NULL THEN line->{place} END"
    return f"CAST(line->>{place} AS {kind})"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    """Escape glob characters in a file name."""
    return _PATTERN_SIGNS.sub(r"[\1]", str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
