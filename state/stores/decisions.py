"""One row per model request: the source of cost tables, traces and training data."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import pack, unpack
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Usage
from taxonaut.state.stores.transcripts import Transcripts

_COLUMNS = (
    "run",
    "item",
    "node",
    "agent",
    "template",
    "template_hash",
    "model",
    "tool",
    "options",
    "choice",
    "scores",
    "evidence",
    "seed",
    "prompt_tokens",
    "completion_tokens",
    "reused_tokens",
    "latency_s",
    "attempts",
    "cached",
    "error",
    "rendered",
)
_STORED = (*_COLUMNS, "exchange")  # fmt: skip
_FOR_ITEM = f"SELECT {', '.join(_COLUMNS)} FROM decisions WHERE run = ? AND item = ? ORDER BY rowid"
_FOR_ITEMS = f"""
SELECT {", ".join(_COLUMNS)} FROM decisions
WHERE run = $1 AND item IN (SELECT unnest($2::VARCHAR[])) ORDER BY rowid
"""
_OF_RUN = f"""
SELECT {", ".join(_COLUMNS)} FROM decisions
WHERE run = $1 AND (NOT $2 OR error <> '') ORDER BY rowid LIMIT $3 OFFSET $4
"""
_AT = f"""
SELECT {", ".join(_COLUMNS)}
FROM decisions JOIN (SELECT unnest($2::VARCHAR[]) AS at_item, unnest($3::BIGINT[]) AS at_node) AS wanted
    ON item = at_item AND node IS NOT DISTINCT FROM at_node
WHERE run = $1 ORDER BY decisions.rowid
"""
_ASKED = """(rendered <> '' OR exchange IS NOT NULL OR prompt_tokens > 0
        OR (error <> '' AND NOT starts_with(model, 'encoder/')))"""
_SUMS = f"""
SELECT count_if({_ASKED}), count_if(cached), sum(prompt_tokens), sum(completion_tokens), sum(reused_tokens),
       count_if(error <> ''), count_if(NOT {_ASKED}), sum(latency_s)
FROM decisions
"""
_BY_MODEL = f"""
SELECT run, model, count_if({_ASKED} AND NOT cached), count_if(NOT {_ASKED}),
       sum(prompt_tokens) FILTER (WHERE NOT cached), sum(completion_tokens) FILTER (WHERE NOT cached),
       sum(reused_tokens) FILTER (WHERE NOT cached)
FROM decisions WHERE $1 IS NULL OR run = $1 GROUP BY run, model ORDER BY run, model
"""
_SINCE = f"{_SUMS} WHERE rowid > ?"
_TOTALS = f"""
{_SUMS}
WHERE run = $1 AND ($2 IS NULL OR item IN (SELECT unnest($2::VARCHAR[]))) AND ($3 IS NULL OR agent = $3)
"""


WITHHELD = "[not kept]"
"""In place of words that may quote a text, where texts are not kept."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The cost of a run.

    `requests` counts the decisions of language models, `cached` those of them answered from the cache; `comparisons`
    the decisions without a language model, such as an encoder's.
    """

    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0
    seconds: float = 0.0
    errors: int = 0
    comparisons: int = 0

    def since(self, before: "Totals") -> "Totals":
        """Return the difference to an earlier total."""
        return Totals(*(getattr(self, each.name) - getattr(before, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """What one model was asked in a run: requests and tokens of a language model, or comparisons."""

    model: str
    requests: int
    comparisons: int
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int


class Decisions:
    """The decisions of all runs; append-only."""

    def __init__(self, database: Database, *, texts: bool = True) -> None:
        self._database = database
        self._texts = texts

    def append(self, run: RunId, decisions: Sequence[Decision]) -> None:
        """Keep the decisions of a run, in order."""
        if not decisions:
            return
        if not self._texts:
            decisions = list(map(without_texts, decisions))
        told = [each.transcript for each in decisions if each.transcript is not None]
        with self._database.write():
            ids = iter(Transcripts(self._database).append(told))
            rows = [(*_row(run, each), next(ids) if each.transcript else None) for each in decisions]
            self._database.append("decisions", _STORED, rows)

    def for_item(self, run: RunId, item: ItemId) -> list[Decision]:
        """Return an item's decisions in a run, in the order they were appended."""
        return [_decision(row) for row in self._database.rows(_FOR_ITEM, [run, item])]

    def for_items(self, run: RunId, items: Sequence[ItemId]) -> list[Decision]:
        """Return the decisions of many items in a run, in the order they were appended."""
        return [_decision(row) for row in self._database.rows(_FOR_ITEMS, [run, list(items)])]

    def of_run(self, run: RunId, start: int, most: int, *, failed: bool = False) -> list[Decision]:
        """Return a part of a run's decisions in their order; with `failed` of those with an error."""
        rows = self._database.rows(_OF_RUN, [run, failed, most, start])
        return [_decision(row) for row in rows]

    def failed_items(self, run: RunId, items: Sequence[ItemId]) -> set[ItemId]:
        """Return those of some items about which a request failed in a run."""
        sql = (
            "SELECT DISTINCT item FROM decisions "
            "WHERE run = $1 AND error <> '' AND item IN (SELECT unnest($2::VARCHAR[]))"
        )
        return {ItemId(row[0]) for row in self._database.rows(sql, [run, list(items)])} if items else set()

    def at(
        self, run: RunId, places: Sequence[tuple[ItemId, NodeId | None]]
    ) -> dict[tuple[ItemId, NodeId | None], list[Decision]]:
        """Return the last decisions of items at nodes (None: the ranking); several if a node needed several."""
        items, nodes = [item for item, _ in places], [node for _, node in places]
        last: dict[tuple[ItemId, NodeId | None], dict[int, Decision]] = {}
        for row in self._database.rows(_AT, [run, items, nodes]):
            decision = _decision(row)
            last.setdefault((decision.item_id, decision.node_id), {})[decision.seed] = decision
        return {place: list(found.values()) for place, found in last.items()}

    def totals(self, run: RunId, items: Sequence[ItemId] | None = None, agent: str | None = None) -> Totals:
        """Sum up a run's decisions, optionally of some items or one agent."""
        return self._totals(_TOTALS, [run, None if items is None else list(items), agent])

    def count_items(self, labels: Sequence[LabelId]) -> int:
        """Return how many items were given one of some labels, over all runs."""
        sql = (
            "SELECT count(DISTINCT item) FROM decisions WHERE node IS NULL AND choice <> '' AND "
            "list_has_any(from_json(choice, '[\"VARCHAR\"]'), $1::VARCHAR[])"
        )
        return int(self._database.rows(sql, [list(labels)])[0][0]) if labels else 0

    def items_with(self, label: LabelId, most: int) -> list[ItemId]:
        """Return items that were given a label in some run, the latest first."""
        sql = (
            "SELECT item FROM decisions WHERE node IS NULL AND choice <> '' AND "
            "list_contains(from_json(choice, '[\"VARCHAR\"]'), $1) GROUP BY item ORDER BY max(rowid) DESC LIMIT $2"
        )
        return [ItemId(row[0]) for row in self._database.rows(sql, [label, most])]

    def mark(self) -> int:
        """Return a mark after the decisions so far, for `totals_since`."""
        return int(self._database.rows("SELECT coalesce(max(rowid), -1) FROM decisions")[0][0])

    def totals_since(self, mark: int) -> Totals:
        """Sum up the decisions of all runs after a mark."""
        return self._totals(_SINCE, [mark])

    def _totals(self, sql: str, parameters: Sequence[object]) -> Totals:
        row = self._database.rows(sql, parameters)[0]
        requests, cached, prompt, completion, reused, errors, compared = (
            int(value or 0) for value in row[:7]
        )
        return Totals(requests, cached, prompt, completion, reused, float(row[7] or 0.0), errors, compared)

    def by_model(self, run: int | None = None) -> "dict[RunId, list[ModelTokens]]":
        """Return what each model was asked in each run, or in one, without what the cache answered."""
        found: dict[RunId, list[ModelTokens]] = {}
        for row in self._database.rows(_BY_MODEL, [run]):
            numbers = (int(value or 0) for value in row[2:])
            found.setdefault(RunId(row[0]), []).append(ModelTokens(row[1], *numbers))
        return found

    @property
    def transcripts(self) -> Transcripts:
        """What language models were sent and what they replied."""
        return Transcripts(self._database)


def without_texts(decision: Decision) -> Decision:
    """Return a decision without what may quote a text: evidence, prompts, the words of an error."""
    ids = set(decision.options)
    choice = tuple(each if each in ids else WITHHELD for each in decision.choice)
    error = WITHHELD if decision.error else ""
    return replace(decision, evidence=(), choice=choice, error=error, transcript=None)


def _row(run: RunId, decision: Decision) -> tuple[object, ...]:
    usage = decision.usage
    return (
        run, decision.item_id, decision.node_id, decision.agent, decision.template,
        decision.template_hash, decision.model, decision.tool, pack(decision.options), pack(decision.choice),
        pack(decision.scores), pack(decision.evidence), decision.seed, usage.prompt_tokens,
        usage.completion_tokens, usage.reused_tokens, usage.latency_s, usage.attempts, usage.cached,
        decision.error, decision.rendered,
    )  # fmt: skip


def _decision(row: tuple[Any, ...]) -> Decision:
    item, node, agent, template, template_hash, model, tool = row[1:8]
    options, choice, scores, evidence = (unpack(text) for text in row[8:12])
    seed, prompt, completion, reused, latency, attempts, cached, error, rendered = row[12:]
    return Decision(
        item_id=ItemId(item),
        node_id=None if node is None else NodeId(node),
        agent=agent,
        template=template,
        template_hash=template_hash,
        model=model,
        tool=tool,
        options=options,
        choice=choice,
        scores=scores,
        evidence=evidence,
        seed=seed,
        usage=Usage(prompt, completion, reused, latency, attempts, cached),
        error=error,
        rendered=rendered or "",
    )
