"""The cache of model replies, by request key."""

from collections.abc import Mapping, Sequence

from taxonaut.state.db.connection import Database

_POINT = "SELECT key, answer FROM answers WHERE key = ?"
_MANY = "SELECT key, answer FROM answers WHERE key IN (SELECT unnest($1::VARCHAR[]))"


class ResponseCache:
    """Cached model replies by request key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the known replies; unknown keys are left out."""
        if not keys:
            return {}
        if len(keys) == 1:
            return dict(self._database.rows(_POINT, keys))
        return dict(self._database.rows(_MANY, [list(keys)]))

    def put_many(self, answers: Mapping[str, str]) -> None:
        """Store replies; a known key keeps its first reply."""
        if not answers:
            return
        with self._database.write():
            known = self.get_many(list(answers))
            new = [(key, answer) for key, answer in answers.items() if key not in known]
            self._database.append("answers", ("key", "answer"), new)

    def drop(self, keys: Sequence[str]) -> int:
        """Delete replies by key; returns how many there were."""
        with self._database.write() as connection:
            sql = "DELETE FROM answers WHERE key IN (SELECT unnest($1::VARCHAR[])) RETURNING key"
            return len(connection.execute(sql, [list(keys)]).fetchall())

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM answers")[0][0])

    def clear(self) -> None:
        """Delete all replies."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM answers")
