"""Resumable runs: finished units are stored with their decisions, so that a killed run continues."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from taxonaut.state.db.connection import Database, next_ids
from taxonaut.state.db.json_codec import canonical, dump, load
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.records import Decision
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.traces import Traces

QUOTING = frozenset({"evidence", "reason", "text", "error"})
"""Values of results that may quote a text."""

Status = Literal["running", "finished", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times are UTC, ISO 8601; `ended` is empty while it runs, and after a kill."""

    id: RunId
    kind: str
    fingerprint: str
    settings: Mapping[str, Any]
    status: Status
    started: str
    ended: str
    units: int


class Runs:
    """The runs of a workspace and their finished units."""

    def __init__(self, database: Database, *, texts: bool = True) -> None:
        self._database = database
        self._texts = texts
        self._decisions = Decisions(database, texts=texts)
        self._trails = Traces(database)

    def open(self, kind: str, fingerprint: str, settings: Mapping[str, Any]) -> RunId:
        """Start a run, or continue the one with this kind and fingerprint, whatever its status."""
        with self._database.write() as connection:
            known = connection.execute(
                "SELECT id FROM runs WHERE kind = ? AND fingerprint = ?", [kind, fingerprint]
            ).fetchone()
            activity = next_ids(connection, "activity")
            if known:
                connection.execute(
                    "UPDATE runs SET status = 'running', ended = NULL, settings = ?, activity = ? WHERE id = ?",
                    [canonical(settings), activity, known[0]],
                )
                return RunId(known[0])
            run = next_ids(connection, "run")
            connection.execute(
                "INSERT INTO runs (id, kind, fingerprint, settings, status, activity) "
                "VALUES (?, ?, ?, ?, 'running', ?)",
                [run, kind, fingerprint, canonical(settings), activity],
            )
            return RunId(run)

    def finished(self, run: RunId, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the results of finished units among `keys`."""
        if not keys:
            return {}
        sql = "SELECT key, result FROM units WHERE run = $1 AND key IN (SELECT unnest($2::VARCHAR[]))"
        return {key: load(result) for key, result in self._database.rows(sql, [run, list(keys)])}

    def finish(
        self,
        run: RunId,
        results: Mapping[str, Mapping[str, Any]],
        decisions: Sequence[Decision],
        trails: Mapping[ItemId, Trail] = MappingProxyType({}),
    ) -> None:
        """Store the results, decisions and trails of units in one transaction; a known unit is replaced."""
        with self._database.write() as connection:
            again = list(self.finished(run, list(results)))
            if again:
                connection.execute(
                    "DELETE FROM units WHERE run = $1 AND key IN (SELECT unnest($2::VARCHAR[]))", [run, again]
                )
            kept = results if self._texts else {key: without_quotes(row) for key, row in results.items()}
            rows = [(run, key, dump(dict(result))) for key, result in kept.items()]
            self._database.append("units", ("run", "key", "result"), rows)
            self._decisions.append(run, decisions)
            self._trails.append(run, trails)

    def failed_items(self, run: RunId, items: Sequence[ItemId]) -> set[ItemId]:
        """Return those of some items about which a request failed in this run before."""
        return self._decisions.failed_items(run, items)

    def units(self, run: RunId) -> "RunUnits":
        """Return the units of one run."""
        return RunUnits(self, run)

    def transaction(self) -> AbstractContextManager[object]:
        """Run the block as one transaction."""
        return self._database.write()

    @contextmanager
    def recording_status(self, run: RunId) -> Iterator[None]:
        """Record the run's status on exit: `finished`, `failed` after an Exception, else `interrupted`."""
        status: Status = "interrupted"
        try:
            yield
            status = "finished"
        except Exception:
            status = "failed"
            raise
        finally:
            self.close(run, status)

    def close(self, run: RunId, status: Status) -> None:
        """Set the final status of a run: `finished`, `failed` or `interrupted`."""
        if status not in get_args(Status):
            raise InputError(f"invalid run status {status!r}; give one of {', '.join(get_args(Status))}")
        with self._database.write() as connection:
            row = connection.execute(
                "UPDATE runs SET status = ?, ended = now() AT TIME ZONE 'UTC', activity = ? WHERE id = ? "
                "RETURNING id",
                [status, next_ids(connection, "activity"), run],
            ).fetchone()
            if row is None:
                raise NotFoundError(f"no run {run!r}; `runs.list()` shows them")

    def find(self, kind: str, fingerprint: str) -> Run | None:
        """Return the run of a kind and fingerprint, if there is one."""
        return next((run for run in self.list(kind) if run.fingerprint == fingerprint), None)

    def list(self, kind: str | None = None) -> "list[Run]":
        """Return the runs, optionally of one kind: those that did not end, then the most recently active first."""
        sql = """
        SELECT id, kind, fingerprint, settings, status, started, ended,
               (SELECT count(*) FROM units WHERE run = runs.id)
        FROM runs WHERE $1 IS NULL OR kind = $1
        ORDER BY ended IS NULL DESC, activity DESC
        """
        return [_run(row) for row in self._database.rows(sql, [kind])]


@dataclass(frozen=True, slots=True)
class RunUnits:
    """The units of one run: stores finished ones and finds them again."""

    runs: Runs
    id: RunId

    def finished(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the results of finished units among `keys`; see `Runs.finished`."""
        return self.runs.finished(self.id, keys)

    def finish(
        self,
        results: Mapping[str, Mapping[str, Any]],
        decisions: Sequence[Decision],
        trails: Mapping[ItemId, Trail] = MappingProxyType({}),
    ) -> None:
        """Store the results and decisions of units; see `Runs.finish`."""
        self.runs.finish(self.id, results, decisions, trails)


def without_quotes(value: Any) -> Any:
    """Return a result without the phrases and reasons that quote an item's text."""
    if isinstance(value, Mapping):
        return {
            key: "" if key in QUOTING and isinstance(each, str) else without_quotes(each)
            for key, each in value.items()
        }
    return [without_quotes(each) for each in value] if isinstance(value, list | tuple) else value


def _run(row: tuple[Any, ...]) -> Run:
    id_, kind, fingerprint, settings, status, started, ended, units = row
    return Run(
        id=RunId(id_),
        kind=kind,
        fingerprint=fingerprint,
        settings=load(settings),
        status=status,
        started=started.isoformat(timespec="seconds"),
        ended=ended.isoformat(timespec="seconds") if ended else "",
        units=units,
    )
