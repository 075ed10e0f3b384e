"""Write Parquet and Arrow (Feather) files from spooled rows, with a type for each column."""

from collections.abc import Set
from pathlib import Path

from taxonaut.state.errors import MissingExtraError
from taxonaut.workspace.files.parquet import json_rows_to_parquet
from taxonaut.workspace.files.table_writers.row_spool import RowSpool

EXTRA = "tables"
_TYPES = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "nested": "JSON",
}


def write_parquet(spool: RowSpool, target: Path) -> None:
    """Write the rows of a spool as Parquet. Raises `duckdb.Error` where DuckDB cannot write them."""
    columns = [
        (place, column.name, column.type or _type_of(kinds))
        for place, column, kinds in zip(spool.places, spool.columns, spool.kinds, strict=True)
    ]
    json_rows_to_parquet(spool.path, target, columns)


def write_arrow(spool: RowSpool, target: Path) -> None:
    """Write the rows of a spool as an Arrow file, which is Feather too. Raises MissingExtraError without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", EXTRA) from None
    parquet = target.with_name(target.name + ".parquet")
    try:
        write_parquet(spool, parquet)
        with (
            pyarrow.parquet.ParquetFile(parquet) as read,
            pyarrow.ipc.new_file(str(target), read.schema_arrow) as written,
        ):
            for batch in read.iter_batches():
                written.write_batch(batch)
    finally:
        parquet.unlink(missing_ok=True)


def check_arrow() -> None:
    """Raise MissingExtraError without pyarrow."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", EXTRA) from None


def _type_of(kinds: Set[str]) -> str:
    """Return the type of a column by the kinds of its cells; text where they differ."""
    found = kinds - {""}
    if found == {"integer", "number"}:
        return "DOUBLE"
    return _TYPES.get(next(iter(found)), "VARCHAR") if len(found) == 1 else "VARCHAR"
