"""One row per model request: the source of cost tables, traces and training data."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import pack, unpack
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Usage

_COLUMNS = (
    "run", "item", "node", "agent", "template", "template_hash", "model", "tool", "options", "choice",
    "scores", "evidence", "seed", "prompt_tokens", "completion_tokens", "reused_tokens", "latency_s",
    "attempts", "cached", "error", "rendered",
)  # fmt: skip
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
_SUMS = """
SELECT count(*), count_if(cached), sum(prompt_tokens), sum(completion_tokens), sum(reused_tokens),
       count_if(error <> ''), sum(latency_s)
FROM decisions
"""
_SINCE = f"{_SUMS} WHERE rowid > ?"
_TOTALS = f"""
{_SUMS}
WHERE run = $1 AND ($2 IS NULL OR item IN (SELECT unnest($2::VARCHAR[]))) AND ($3 IS NULL OR agent = $3)
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The cost of a run. `requests` counts all decisions, `cached` those answered from the cache."""

    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0
    seconds: float = 0.0
    errors: int = 0

    def since(self, before: "Totals") -> "Totals":
        """Return the difference to an earlier total."""
        return Totals(*(getattr(self, each.name) - getattr(before, each.name) for each in fields(self)))


class Decisions:
    """The decisions of all runs; append-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run: RunId, decisions: Sequence[Decision]) -> None:
        """Keep the decisions of a run, in order."""
        if decisions:
            self._database.append("decisions", _COLUMNS, (_row(run, each) for each in decisions))

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
        requests, cached, prompt, completion, reused, errors = (int(value or 0) for value in row[:6])
        return Totals(requests, cached, prompt, completion, reused, float(row[6] or 0.0), errors)


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
