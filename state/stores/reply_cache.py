"""Answers kept by the key of their request, so that none is asked twice."""

from collections.abc import Mapping, Sequence

from taxonaut.state.db.connection import Database

_POINT = "SELECT key, answer FROM answers WHERE key = ?"
_MANY = "SELECT key, answer FROM answers WHERE key IN (SELECT unnest($1::VARCHAR[]))"


class ResponseCache:
    """What models answered, by request key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the answers that are known; a key that is not is left out."""
        if not keys:
            return {}
        if len(keys) == 1:
            return dict(self._database.rows(_POINT, keys))
        return dict(self._database.rows(_MANY, [list(keys)]))

    def put_many(self, answers: Mapping[str, str]) -> None:
        """Keep answers; a key that is known keeps its first answer."""
        if not answers:
            return
        with self._database.write():
            known = self.get_many(list(answers))
            new = [(key, answer) for key, answer in answers.items() if key not in known]
            self._database.append("answers", ("key", "answer"), new)

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM answers")[0][0])

    def clear(self) -> None:
        """Forget every answer."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM answers")
