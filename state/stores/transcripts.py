"""What language models were sent and what they replied, each text stored once and compressed."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.records import Transcript

_SHOWN = """
SELECT decisions.item, agent, template, decisions.model, tool, node, error, cached, prompt_tokens, completion_tokens,
       latency_s, attempts, exchange, exchanges.messages, exchanges.tools, exchanges.replies
FROM decisions LEFT JOIN exchanges ON exchanges.id = decisions.exchange
WHERE run = $1 AND ($2 IS NULL OR item = $2) ORDER BY decisions.rowid LIMIT $3
"""
_PARTS = "SELECT hash, text FROM exchange_parts WHERE hash IN (SELECT unnest($1::VARCHAR[]))"


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision of a run with what its model was sent; `transcript` is None where nothing was kept.

    Nothing is kept of models that read no prompts, of workspaces with `[records] texts = false`, and of decisions
    from before schema version 14. `latency_s` is in seconds and 0 if the reply was `cached`.
    """

    item_id: ItemId
    agent: str
    template: str
    model: str
    tool: str
    node_id: int | None
    error: str
    cached: bool
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    attempts: int
    transcript: Transcript | None


class Transcripts:
    """The transcripts of all runs. Append-only; equal messages share one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, transcripts: Iterable[Transcript]) -> list[str]:
        """Store transcripts and return their ids; what is known already is not written again."""
        ids: list[str] = []
        rows: dict[str, tuple[object, ...]] = {}
        texts: dict[str, bytes] = {}
        for transcript in transcripts:
            parts = [_stored(transcript.messages), _stored(transcript.tools), _stored(transcript.replies)]
            hashes = [",".join(key for key, _ in found) for found in parts]
            id_ = _hash(";".join(hashes))
            ids.append(id_)
            rows[id_] = (id_, *hashes)
            for found in parts:
                texts.update(found)
        self._append("exchanges", "id", ("id", "messages", "tools", "replies"), rows)
        packed = {key: (key, zlib.compress(text, 6)) for key, text in texts.items()}
        self._append("exchange_parts", "hash", ("hash", "text"), packed)
        return ids

    def of_run(
        self, run: RunId, item: ItemId | None = None, most: int | None = None
    ) -> list[RecordedDecision]:
        """Return the decisions of a run, or of one of its items, with their transcripts, in their order."""
        rows = self._database.rows(_SHOWN, [run, item, most])
        named = {key for row in rows for column in row[13:] for key in _split(column)}
        texts = {
            key: json.loads(zlib.decompress(text))
            for key, text in self._database.rows(_PARTS, [sorted(named)])
        }
        return [_recorded(row, texts) for row in rows]

    def _append(
        self, table: str, key: str, columns: Sequence[str], rows: Mapping[str, tuple[object, ...]]
    ) -> None:
        if not rows:
            return
        sql = f"SELECT {key} FROM {table} WHERE {key} IN (SELECT unnest($1::VARCHAR[]))"
        known = {row[0] for row in self._database.rows(sql, [list(rows)])}
        new = [row for name, row in rows.items() if name not in known]
        if new:
            self._database.append(table, tuple(columns), new)


def _stored(values: Sequence[Mapping[str, Any]]) -> list[tuple[str, bytes]]:
    texts = [json.dumps(value).encode() for value in values]
    return [(_hash(text), text) for text in texts]


def _hash(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:32]


def _split(column: str | None) -> list[str]:
    return column.split(",") if column else []


def _recorded(row: Sequence[Any], texts: Mapping[str, Any]) -> RecordedDecision:
    item, agent, template, model, tool, node, error, cached, read, written, latency, attempts, exchange = row[
        :13
    ]
    messages, tools, replies = (tuple(texts[key] for key in _split(column)) for column in row[13:])
    transcript = Transcript(messages, tools, replies) if exchange and messages else None
    return RecordedDecision(
        ItemId(item), agent, template, model, tool, node, error, bool(cached), int(read), int(written),
        float(latency), int(attempts), transcript,
    )  # fmt: skip
