"""The calls that changed the index in conversations, each with what it came to, so that none is made twice."""

from collections.abc import Mapping
from typing import Any

from taxonaut.state.database import Database
from taxonaut.state.packing import dump, load


class AppliedCalls:
    """Calls by their ids. Keep one in the transaction of its change: then both are there, or neither."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outcome(self, call: str) -> dict[str, Any] | None:
        """Return what a call came to, None for one that was not made."""
        rows = self._database.rows("SELECT outcome FROM applied_calls WHERE call = ?", [call])
        return load(rows[0][0]) if rows else None

    def keep(self, call: str, outcome: Mapping[str, Any]) -> None:
        """Keep what a call came to, a JSON object."""
        with self._database.write() as connection:
            connection.execute("INSERT INTO applied_calls VALUES (?, ?)", [call, dump(dict(outcome))])
