"""Small facts about the workspace, by name; and the counters that give out ids."""

from duckdb import DuckDBPyConnection

from taxonaut.state.db.connection import Database


class Meta:
    """A few named texts: how the index was built, with which embedder, from which file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: str = "") -> str:
        """Return a value, `default` if it was never set."""
        rows = self._database.rows("SELECT value FROM meta WHERE key = ?", [key])
        return str(rows[0][0]) if rows else default

    def set(self, key: str, value: str) -> None:
        """Set a value, over the former one."""
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    def all(self) -> dict[str, str]:
        """Return every value by key, sorted by key."""
        return dict(self._database.rows("SELECT key, value FROM meta ORDER BY key"))


def give_out(connection: DuckDBPyConnection, counter: str, count: int = 1) -> int:
    """Return the first of `count` numbers of a counter that were never given out before."""
    sql = "UPDATE counters SET next = next + ? WHERE name = ? RETURNING next"
    row = connection.execute(sql, [count, counter]).fetchone()
    if row is None:
        raise KeyError(counter)
    return int(row[0]) - count
