"""Prompt trials: comparisons of two template versions, and statistics of each version over all runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.stores.ledger import Ledger

_SINCE = """
SELECT count(*) FROM decisions
WHERE run = $1 AND item IN (SELECT unnest($2::VARCHAR[])) AND rowid > $3
"""
_USES = """
SELECT template, template_hash, count(*), count(DISTINCT run), count(DISTINCT item), min(made), max(made),
       count_if(error <> ''), count_if(choice = '' AND error = ''), count_if(cached),
       sum(prompt_tokens), sum(completion_tokens), sum(reused_tokens),
       avg(latency_s) FILTER (WHERE NOT cached AND error = ''), list_sort(list(DISTINCT model)), max(rowid)
FROM decisions
WHERE template_hash <> '' AND (rendered <> '' OR prompt_tokens > 0) AND ($1 IS NULL OR template = $1)
GROUP BY template, template_hash
"""
_FIRST = """
WITH used AS (SELECT DISTINCT template, template_hash, run FROM decisions WHERE template_hash <> ''),
gold AS (SELECT unnest($2::VARCHAR[]) AS unit, unnest($3::VARCHAR[]) AS label),
first AS (
    SELECT units.run, gold.unit,
           max(gold.label = coalesce(json_extract_string(result, '$.labels[0].label_id'),
                                     json_extract_string(result, '$.ranking[0]'))) AS hit
    FROM units JOIN gold ON units.key = gold.unit OR units.key = 'g:' || gold.unit
    GROUP BY units.run, gold.unit
)
SELECT template, template_hash, used.run, count(*), avg(coalesce(hit, false)::INTEGER)
FROM used JOIN first ON used.run = first.run JOIN runs ON runs.id = used.run
WHERE runs.kind IN ('classify', 'categorize', 'trial') AND ($1 IS NULL OR template = $1)
GROUP BY template, template_hash, used.run
ORDER BY count(*), used.run
"""


_FORGET = """
DELETE FROM prompt_trials WHERE template = $1 AND before_hash = $2 AND after_hash = $3
    AND json_extract_string(report, '$.on') IS NOT DISTINCT FROM $4
"""


@dataclass(frozen=True, slots=True)
class PromptTrial:
    """A finished trial. `report` is written by `evaluation.trials.trial.summary`; `made` is UTC, ISO 8601."""

    template: str
    before: str
    after: str
    report: Mapping[str, Any]
    made: str


@dataclass(frozen=True, slots=True)
class VersionUse:
    """Statistics of one template version over all runs.

    `first` and `last` are times, UTC, ISO 8601. Tokens are sums over all decisions, cached ones at their original
    cost. `latency_s` is the mean over uncached decisions, None without any. Decisions of encoders, which read no
    template, are excluded.
    """

    template: str
    hash: str
    decisions: int
    runs: int
    items: int
    first: str
    last: str
    errors: int
    abstained: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int
    latency_s: float | None
    models: tuple[str, ...]
    newest: int
    """The row number of its last decision."""


@dataclass(frozen=True, slots=True)
class FirstRight:
    """The share of items with known labels whose first label is right, in one run."""

    share: float
    items: int
    run: RunId


class PromptTrials:
    """The prompt trials of a workspace, and statistics of its template versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, template: str, before: str, after: str, report: Mapping[str, Any]) -> None:
        """Store a trial, replacing one of the same versions on the same items (`report["on"]`)."""
        with self._database.write() as connection:
            connection.execute(_FORGET, [template, before, after, report.get("on")])
            connection.execute(
                "INSERT INTO prompt_trials (template, before_hash, after_hash, report) VALUES (?, ?, ?, ?)",
                [template, before, after, dump(dict(report))],
            )

    def of(self, template: str | None = None) -> list[PromptTrial]:
        """Return the trials, optionally of one template, newest first."""
        sql = """
        SELECT template, before_hash, after_hash, report, made FROM prompt_trials
        WHERE $1 IS NULL OR template = $1 ORDER BY rowid DESC
        """
        return [
            PromptTrial(name, before, after, load(report), made.isoformat(timespec="seconds"))
            for name, before, after, report, made in self._database.rows(sql, [template])
        ]

    def uses(self, template: str | None = None) -> dict[tuple[str, str], VersionUse]:
        """Return statistics of each version, by (template, hash); optionally of one template."""
        return {(row[0], row[1]): _use(row) for row in self._database.rows(_USES, [template])}

    def first_right(self, template: str | None = None) -> dict[tuple[str, str], FirstRight]:
        """Return the share of right first labels per version, from its run with the most gold labels."""
        known = Ledger(self._database).truths()
        right = [(unit, label) for unit, truth in known.items() for label in truth.right]
        rows = self._database.rows(
            _FIRST, [template, [unit for unit, _ in right], [label for _, label in right]]
        )
        return {
            (name, hash_): FirstRight(float(share), int(items), RunId(run))
            for name, hash_, run, items, share in rows
        }

    def newest_decision(self) -> int:
        """Return the row number of the last decision, -1 without any."""
        return int(self._database.rows("SELECT coalesce(max(rowid), -1) FROM decisions")[0][0])

    def decisions_since(self, run: RunId, items: Sequence[ItemId], newest: int) -> int:
        """Count a run's decisions about items after a row that `newest_decision` returned."""
        return int(self._database.rows(_SINCE, [run, list(items), newest])[0][0])


def _use(row: tuple[Any, ...]) -> VersionUse:
    name, hash_, decisions, runs, items, first, last, errors, abstained, cached = row[:10]
    prompt, completion, reused, latency, models, newest = row[10:]
    return VersionUse(
        template=name,
        hash=hash_,
        decisions=int(decisions),
        runs=int(runs),
        items=int(items),
        first=first.isoformat(timespec="seconds"),
        last=last.isoformat(timespec="seconds"),
        errors=int(errors),
        abstained=int(abstained),
        cached=int(cached),
        prompt_tokens=int(prompt),
        completion_tokens=int(completion),
        reused_tokens=int(reused),
        latency_s=None if latency is None else float(latency),
        models=tuple(models),
        newest=int(newest),
    )
