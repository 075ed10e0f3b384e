"""Resumable runs: identified by a fingerprint, stored unit by unit, continued where they stopped."""

import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from taxonaut.models.llm.redaction import redact_settings
from taxonaut.state import telemetry
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Identified, Item, distinct_items, hash_text
from taxonaut.state.stores.runs import Run, Runs, RunUnits
from taxonaut.state.updates import Progress, tell

log = logging.getLogger("taxonaut.workspace.core")

MAX_FAILURES = 20
"""Failed requests in a row after which a run stops."""

MOST_WEIGHT = 200_000
"""What the items of a batch weigh at most together: characters of texts, whose vectors are in memory at once."""

EMPTY_TEXT = "the text is empty"
"""The error of an item without a text; no request is made for it."""

Row = Mapping[str, Any]
"""A unit's result as JSON values."""

K = TypeVar("K", bound=Identified)
T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Unit(Generic[K, T]):
    """How an item's result is stored as a unit of a run; `dump` returns None for a result that is not stored."""

    key: Callable[[K], str]
    load: Callable[[Row], T]
    dump: Callable[[T], Row | None]

    def load_finished(self, run: RunUnits, items: Iterable[K]) -> dict[str, T]:
        """Return the results stored by earlier calls, by item id."""
        keys = {item.id: self.key(item) for item in items}
        rows = run.finished(list(keys.values()))
        return {id_: self.load(rows[key]) for id_, key in keys.items() if key in rows}

    def rows(self, results: Iterable[tuple[K, T]]) -> dict[str, Row]:
        """Return the results as rows to store, by unit key."""
        found = {self.key(item): self.dump(result) for item, result in results}
        return {key: row for key, row in found.items() if row is not None}


@dataclass(frozen=True, slots=True)
class BatchResult(Generic[T]):
    """The outcome of a batch: a result and an error for each item, in order.

    `errors`: the error of the item's request, "" if it was answered, None if no model was called. The result of a
    failed request is returned but not stored, so that the next call asks again.
    """

    results: Sequence[T] = ()
    errors: Sequence[str | None] = ()
    decisions: Sequence[Decision] = ()
    trails: Mapping[ItemId, Trail] = field(default_factory=dict)


Work = Callable[[RunUnits, Sequence[K]], Awaitable[BatchResult[T]]]
"""Processes a batch of items without a stored result, in an open run."""


class Resumable:
    """A run of one kind, identified by its fingerprint: the same call again continues it.

    `settings` are all that the results depend on; they are stored with the run. `parts` is the input, if other input
    makes another run rather than other units. A run with a `name` is identified by that alone. `check` raises if what
    the settings say does not hold any more, such as the version of the index; it is called around each batch.
    """

    def __init__(
        self,
        runs: Runs,
        kind: str,
        settings: Mapping[str, Any],
        parts: Iterable[str] = (),
        *,
        name: str | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.runs = runs
        self.check = check
        self.kind = kind
        self.settings = settings
        self.fingerprint = fingerprint(settings, parts) if name is None else hash_text(name)

    @property
    def known(self) -> Run | None:
        """The stored run; None before the first call."""
        return self.runs.find(self.kind, self.fingerprint)

    def open(self) -> RunUnits:
        """Start or continue the run, whatever its status."""
        settings = redact_settings(self.settings)
        return self.runs.units(self.runs.open(self.kind, self.fingerprint, settings))

    @contextmanager
    def recording(self) -> Iterator[RunUnits]:
        """Open the run, and record on exit whether it `finished`, `failed` or was `interrupted`."""
        run = self.open()
        log.info("run begins", extra={"taxonaut": {"run": run.id, "kind": self.kind}})
        with self.spanned(run) as span, telemetry.working(span):
            yield run

    @contextmanager
    def spanned(self, run: RunUnits) -> Iterator[Any]:
        """Record how a run ends, and make its span, which becomes the current one in `telemetry.working`."""
        with telemetry.run_span(self.kind, run.id) as span, self.runs.recording_status(run.id):
            yield span
        log.info("run ended", extra={"taxonaut": {"run": run.id, "kind": self.kind}})

    async def results(
        self,
        items: Iterable[K],
        size: int,
        work: Work[K, T],
        unit: Unit[K, T] | None = None,
        *,
        on_batch: Callable[[RunUnits, Sequence[T]], None] | None = None,
        failures: int | None = None,
        replied: bool = False,
        stage: str = "",
        weigh: Callable[[K], int] = lambda _: 0,
    ) -> AsyncGenerator[tuple[K, T], None]:
        """Yield each item with its result, in order, processing batches of `size` items, or fewer where more
        would `weigh` over `MOST_WEIGHT`.

        Items that an earlier call finished are not processed again; without a `unit`, `work` gets all items and
        stores its results itself. A batch's units and decisions are stored in one transaction, in which `on_batch`
        is called with the batch's results, stored ones included and failed ones left out. `stage` names the
        progress, which counts the items of this call that have a result.

        Raises ModelUnavailableError after `failures` failed requests in a row; finished items stay stored. By default
        the limit is the batch size, at least 2 and at most `MAX_FAILURES`, and lower if nothing in this call
        succeeded. Items that failed in an earlier call do not count, so that items that are never answered keep no
        others from being reached. With `replied` there is no limit: the work itself raises if a model cannot be
        reached, and an error says that its reply could not be used. Raises InputError for two different items of a
        batch with one id.
        """
        count = FailureCount(failures or max(2, min(size, MAX_FAILURES)))
        held: list[tuple[K, T]] = []  # failed items, while nothing in this call has succeeded
        done, has_result = 0, failures is not None
        run = self.open()
        log.info("run begins", extra={"taxonaut": {"run": run.id, "kind": self.kind}})
        with self.spanned(run) as span:
            for batch in batched(items, size, weigh):
                once = distinct_items(batch)
                kept = unit.load_finished(run, once) if unit is not None else {}
                todo = [item for item in once if item.id not in kept]
                before = self.runs.failed_items(run.id, [ItemId(item.id) for item in todo])
                self.check()
                with telemetry.working(span):
                    worked: BatchResult[T] = await work(run, todo) if todo else BatchResult()
                results = kept | {item.id: result for item, result in zip(todo, worked.results, strict=True)}
                failed = {item.id for item, error in zip(todo, worked.errors, strict=True) if error}
                with self.runs.transaction():
                    self.check()
                    if unit is not None:
                        good = [(item, results[item.id]) for item in todo if item.id not in failed]
                        run.finish(unit.rows(good), worked.decisions, worked.trails)
                    if on_batch is not None:
                        on_batch(run, [results[item.id] for item in once if item.id not in failed])
                for item, error in zip(todo, worked.errors, strict=True):
                    count.add([error], again=replied or item.id in before)
                has_result = has_result or bool(kept) or "" in worked.errors
                held += [(item, results[item.id]) for item in batch]
                if has_result or not count.last:
                    for pair in held:
                        yield pair
                    held.clear()
                done += len(batch)
                if stage:
                    tell(Progress(stage, done))
            if held:
                raise count.error()


class FailureCount:
    """Counts failed requests in a row, up to `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_a_row = self.failed = 0
        self.last = ""

    def add(self, errors: Iterable[str | None], *, again: bool = False) -> None:
        """Count `BatchResult.errors`; failures of items that failed `again` are noted, but do not add to the row.

        Raises ModelUnavailableError after `limit` failures in a row.
        """
        for error in errors:
            if error is not None:
                self.in_a_row = self.in_a_row + (not again) if error else 0
                self.failed += bool(error)
                self.last = error or self.last
        if self.in_a_row >= self.limit:
            raise self.error()

    def error(self) -> ModelUnavailableError:
        """Return the error to raise, with the last failure and how to continue."""
        failed = f"{self.in_a_row:,} requests in a row" if self.in_a_row > 1 else f"{self.failed:,} requests"
        failed = "1 request" if self.failed == 1 else failed
        return ModelUnavailableError(
            f"{failed} got no answer: {self.last} — what was finished before is kept; "
            "run the same command again to continue"
        )


def fingerprint(settings: Mapping[str, Any], parts: Iterable[str] = ()) -> str:
    """Return a hash of settings and ordered parts; equal ones are the same run.

    Values that JSON does not support are hashed by their `str`.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for part in parts:
        digest.update(f"{part}\0".encode(errors="replace"))
    return digest.hexdigest()[:32]


def unit_key(item: Item) -> str:
    """Return an item's unit key: a hash of id and text."""
    return hash_text(f"{item.id}\0{item.text}")


def batched(items: Iterable[E], size: int, weigh: Callable[[E], int] = lambda _: 0) -> Iterator[list[E]]:
    """Yield lists of at most `size` elements that weigh `MOST_WEIGHT` or are one element, reading lazily."""
    batch: list[E] = []
    weight = 0
    for item in items:
        weight += weigh(item)
        if batch and weight > MOST_WEIGHT:
            yield batch
            batch, weight = [], weigh(item)
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


class HasError(Protocol):
    """A result with the error of its request."""

    @property
    def error(self) -> str:
        """The error, "" if there is none."""
        ...


def request_errors(results: Iterable[HasError]) -> list[str | None]:
    """Return the results' errors for `BatchResult.errors`; None for an empty text."""
    return [None if result.error == EMPTY_TEXT else result.error for result in results]
