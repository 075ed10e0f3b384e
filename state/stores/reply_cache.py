"""The cache of model replies, by request key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from taxonaut.state.db.connection import Database

_POINT = "SELECT key, answer FROM answers WHERE key = ?"
_MANY = "SELECT key, answer FROM answers WHERE key IN (SELECT unnest($1::VARCHAR[]))"

_CHOSEN = """
($1 IS NULL OR model = $1) AND ($2 IS NULL OR tool = $2) AND ($3 IS NULL OR starts_with(key, $3))
AND (($4 IS NULL AND $5 IS NULL) OR (rendered <> '' AND (model, tool, rendered) IN (
    SELECT (model, tool, rendered) FROM decisions WHERE ($4 IS NULL OR run = $4) AND ($5 IS NULL OR item = $5)
)))
"""
_GROUPS = f"""
SELECT coalesce(model, ''), coalesce(tool, ''), count(*), sum(strlen(answer)), min(made), max(made)
FROM answers WHERE {_CHOSEN} GROUP BY ALL ORDER BY ALL
"""
_FOUND = f"""
SELECT key, answer, coalesce(model, ''), coalesce(tool, ''), made FROM answers WHERE {_CHOSEN} ORDER BY key LIMIT $6
"""


@dataclass(frozen=True, slots=True)
class ReplyOrigin:
    """What a reply answers: model, tool, and the hash of the prompt, which is the decision's `rendered`."""

    model: str = ""
    tool: str = ""
    rendered: str = ""


UNKNOWN = ReplyOrigin()


@dataclass(frozen=True, slots=True)
class ReplyFilter:
    """Which replies are meant: those that match all that is given.

    `key` is the beginning of a key. `run` and `item` choose the replies behind decisions; a reply from before schema
    version 9 matches neither them nor a model or tool.
    """

    model: str | None = None
    tool: str | None = None
    key: str | None = None
    run: int | None = None
    item: str | None = None

    @property
    def parameters(self) -> list[Any]:
        """The values as the statements take them."""
        return [self.model, self.tool, self.key, self.run, self.item]


EVERY = ReplyFilter()


@dataclass(frozen=True, slots=True)
class ReplyGroup:
    """Cached replies of one model to calls of one tool. Times are UTC, ISO 8601, "" if unknown; `size`: bytes."""

    model: str
    tool: str
    count: int
    size: int
    oldest: str
    newest: str


@dataclass(frozen=True, slots=True)
class CachedReply:
    """One cached reply; `answer` is its JSON."""

    key: str
    answer: str
    model: str
    tool: str
    made: str


class ResponseCache:
    """Cached model replies by request key; none are stored without `texts`."""

    def __init__(self, database: Database, *, texts: bool = True) -> None:
        self._database = database
        self._texts = texts

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the known replies; unknown keys are left out."""
        if not keys:
            return {}
        if len(keys) == 1:
            return dict(self._database.rows(_POINT, keys))
        return dict(self._database.rows(_MANY, [list(keys)]))

    def put_many(
        self, answers: Mapping[str, str], origins: Mapping[str, ReplyOrigin] = MappingProxyType({})
    ) -> None:
        """Store replies with what they answer; a known key keeps its first reply."""
        if not answers or not self._texts:
            return
        with self._database.write():
            known = self.get_many(list(answers))
            rows = []
            for key, answer in answers.items():
                origin = origins.get(key, UNKNOWN)
                if key not in known:
                    rows.append((key, answer, origin.model, origin.tool, origin.rendered))
            self._database.append("answers", ("key", "answer", "model", "tool", "rendered"), rows)

    def groups(self, chosen: ReplyFilter = EVERY) -> list[ReplyGroup]:
        """Count replies by model and tool."""
        rows = self._database.rows(_GROUPS, chosen.parameters)
        return [
            ReplyGroup(model, tool, int(count), int(size), _time(oldest), _time(newest))
            for model, tool, count, size, oldest, newest in rows
        ]

    def find(self, chosen: ReplyFilter, most: int) -> list[CachedReply]:
        """Return at most `most` replies, by key."""
        rows = self._database.rows(_FOUND, [*chosen.parameters, most])
        return [CachedReply(key, answer, model, tool, _time(made)) for key, answer, model, tool, made in rows]

    def drop(self, keys: Sequence[str]) -> None:
        """Delete replies by key."""
        with self._database.write() as connection:
            sql = "DELETE FROM answers WHERE key IN (SELECT unnest($1::VARCHAR[]))"
            connection.execute(sql, [list(keys)])

    def drop_matching(self, chosen: ReplyFilter) -> int:
        """Delete replies; returns how many."""
        with self._database.write() as connection:
            deleted = connection.execute(
                f"DELETE FROM answers WHERE {_CHOSEN} RETURNING key", chosen.parameters
            )
            return len(deleted.fetchall())

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM answers")[0][0])

    def clear(self) -> None:
        """Delete all replies."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM answers")


def _time(value: Any) -> str:
    return value.isoformat(timespec="seconds") if value is not None else ""
