"""Long work as a run: known by a fingerprint, done in units that are kept, continued where it stopped."""

import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Identified, Item, distinct_items
from taxonaut.state.stores.runs import Run, Runs, RunUnits
from taxonaut.state.updates import Progress, tell

FAILURES = 20
"""Requests in a row that may fail, none answered between them, before a run is given up."""

EMPTY_TEXT = "the text is empty"
"""The error of an item without a text; no model is asked about it."""

Row = Mapping[str, Any]
"""A unit's result as plain JSON values."""

K = TypeVar("K", bound=Identified)
T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Unit(Generic[K, T]):
    """How an item's result is kept as a unit of a run; `dump` returns None for one that is not to be kept."""

    key: Callable[[K], str]
    load: Callable[[Row], T]
    dump: Callable[[T], Row | None]

    def kept(self, run: RunUnits, items: Iterable[K]) -> dict[str, T]:
        """Return the results that former calls kept, by the item's id."""
        keys = {item.id: self.key(item) for item in items}
        rows = run.finished(list(keys.values()))
        return {id_: self.load(rows[key]) for id_, key in keys.items() if key in rows}

    def rows(self, results: Iterable[tuple[K, T]]) -> dict[str, Row]:
        """Return the units of items with their results."""
        found = {self.key(item): self.dump(result) for item, result in results}
        return {key: row for key, row in found.items() if row is not None}


@dataclass(frozen=True, slots=True)
class Worked(Generic[T]):
    """The outcome of a batch: a result and an error for each item, in the order given.

    `errors`: the error of the request about the item, "" if it was answered, None if no model was asked. The result
    of a failed request is passed on but not kept, so that the next call asks again.
    """

    results: Sequence[T] = ()
    errors: Sequence[str | None] = ()
    decisions: Sequence[Decision] = ()
    trails: Mapping[ItemId, Trail] = field(default_factory=dict)


Work = Callable[[RunUnits, Sequence[K]], Awaitable[Worked[T]]]
"""Works on a batch of items that have no result yet, in an open run."""


class Resumable:
    """A run of one kind, known by its fingerprint: the same call again continues it.

    `settings` are all that the outcome depends on; they are kept with the run. `parts` are what is worked on, where
    that makes another run and not just other units of it. A run with a `name` is known by that alone.
    """

    def __init__(
        self,
        runs: Runs,
        kind: str,
        settings: Mapping[str, Any],
        parts: Iterable[str] = (),
        *,
        name: str | None = None,
    ) -> None:
        self.runs = runs
        self.kind = kind
        self.settings = settings
        self.fingerprint = fingerprint(settings, parts) if name is None else key_of(name)

    @property
    def known(self) -> Run | None:
        """The run as it is stored; None before the first call."""
        return self.runs.find(self.kind, self.fingerprint)

    def open(self) -> RunUnits:
        """Start the run or continue it, whatever its status."""
        return self.runs.units(self.runs.open(self.kind, self.fingerprint, self.settings))

    @contextmanager
    def recording(self) -> Iterator[RunUnits]:
        """Open the run, and record how the block ends: `finished`, `failed` or `interrupted`."""
        run = self.open()
        with self.runs.recording_status(run.id):
            yield run

    async def results(
        self,
        items: Iterable[K],
        size: int,
        work: Work[K, T],
        unit: Unit[K, T] | None = None,
        *,
        settle: Callable[[RunUnits, Sequence[T]], None] | None = None,
        failures: int | None = None,
        stage: str = "",
    ) -> AsyncGenerator[tuple[K, T], None]:
        """Give each item with its result, in order, working on batches of `size` items.

        An item that a former call finished is not worked on again; without a `unit` the work sees all items, and
        keeps what it likes itself. A batch's units and decisions are kept in one transaction. `settle` is called in
        it with the batch's results, kept ones included and failed ones left out. `stage` names the progress, which
        counts the items of this call that have a result.

        Raises ModelUnavailableError, with what was finished kept, after `failures` failed requests in a row. By
        default these are as many as a batch holds, at least 2 and at most `FAILURES`, or fewer where nothing else
        came of the call. Raises InputError for two different items of a batch with one id.
        """
        count = FailureCount(failures or max(2, min(size, FAILURES)))
        held: list[tuple[K, T]] = []  # failed items, while nothing else came of the call
        done, has_result = 0, failures is not None
        with self.recording() as run:
            for batch in batched(items, size):
                once = distinct_items(batch)
                kept = unit.kept(run, once) if unit is not None else {}
                todo = [item for item in once if item.id not in kept]
                worked: Worked[T] = await work(run, todo) if todo else Worked()
                results = kept | {item.id: result for item, result in zip(todo, worked.results, strict=True)}
                failed = {item.id for item, error in zip(todo, worked.errors, strict=True) if error}
                with self.runs.transaction():
                    if unit is not None:
                        good = [(item, results[item.id]) for item in todo if item.id not in failed]
                        run.finish(unit.rows(good), worked.decisions, worked.trails)
                    if settle is not None:
                        settle(run, [results[item.id] for item in once if item.id not in failed])
                count.add(worked.errors)
                has_result = has_result or bool(kept) or "" in worked.errors
                held += [(item, results[item.id]) for item in batch]
                if has_result or not count.in_a_row:
                    for pair in held:
                        yield pair
                    held.clear()
                done += len(batch)
                if stage:
                    tell(Progress(stage, done))
            if held:
                raise count.error()


class FailureCount:
    """Counts requests that failed in a row, and gives up after `limit` of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_a_row = 0
        self.last = ""

    def add(self, errors: Iterable[str | None]) -> None:
        """Count a batch's errors, as `Worked` has them. Raises ModelUnavailableError after `limit` failures."""
        for error in errors:
            if error is not None:
                self.in_a_row = self.in_a_row + 1 if error else 0
                self.last = error or self.last
        if self.in_a_row >= self.limit:
            raise self.error()

    def error(self) -> ModelUnavailableError:
        """Return an error that says what failed, and how to continue."""
        failed = "1 request" if self.in_a_row == 1 else f"{self.in_a_row:,} requests in a row"
        return ModelUnavailableError(
            f"{failed} got no answer: {self.last} — what was finished before is kept; "
            "run the same command again to continue"
        )


def fingerprint(settings: Mapping[str, Any], parts: Iterable[str] = ()) -> str:
    """Return what makes two runs the same: equal settings and equal parts in the same order.

    Values that JSON does not have count by their `str`.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for part in parts:
        digest.update(f"{part}\0".encode(errors="replace"))
    return digest.hexdigest()[:32]


def key_of(text: str) -> str:
    """Return a short key that is the same for equal texts only."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def unit_key(item: Item) -> str:
    """Return what makes two items the same unit of a run: id and text."""
    return key_of(f"{item.id}\0{item.text}")


def batched(items: Iterable[E], size: int) -> Iterator[list[E]]:
    """Cut a stream into lists of at most `size`, reading no further than the list that is asked for."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


class Answered(Protocol):
    """A result that holds the error of its request."""

    @property
    def error(self) -> str:
        """What went wrong, "" if nothing did."""
        ...


def request_errors(results: Iterable[Answered]) -> list[str | None]:
    """Return the results' errors as `Worked` has them; no model was asked about an empty text."""
    return [None if result.error == EMPTY_TEXT else result.error for result in results]
