"""Run a classification from the command line: stream, count, and say how to go on when it is broken off."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from taxonaut.cli.item_input import ItemInput
from taxonaut.cli.progress import Bar
from taxonaut.cli.reporting import InterruptedWork
from taxonaut.state.records import Item, ItemResult

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

R = TypeVar("R")
Sink = Callable[[Item, ItemResult], None]
"""Takes each item with its result, in order."""


@dataclass(slots=True)
class Tally:
    """What a call did and what it cost. `blank` items had no text; `failed` leaves them out."""

    items: int = 0
    done: int = 0
    failed: int = 0
    blank: int = 0
    first_error: str = ""
    seconds: float = 0.0
    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0

    def count(self, result: ItemResult) -> None:
        """Count one result."""
        from taxonaut.workspace.classification import EMPTY_TEXT

        self.items += 1
        if result.error == EMPTY_TEXT:
            self.blank += 1
        elif result.error:
            self.failed += 1
            self.first_error = self.first_error or result.error

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return {
            "items": self.items,
            "failed": self.failed,
            "blank": self.blank,
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "cached": self.cached,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "reused_tokens": self.reused_tokens,
        }


def label_all(
    workspace: "Workspace", given: ItemInput, sink: AbstractContextManager[Sink], bar: Bar
) -> Tally:
    """Label all items and hand each result to the sink, which is opened once nothing else stands in the way.

    Raises InterruptedWork on Ctrl-C, after what runs has been ended in order.
    """
    tally = Tally()
    with continued(given, tally):
        if workspace.compares_vectors:
            bar.stage("embedding labels")
            workspace.embed_labels(bar.at)
        bar.stage("preparing")
        classification = workspace.classification()
        before = classification.totals()
        bar.stage("labelling", given.count)
        with sink as write:

            def take(item: Item, result: ItemResult) -> None:
                tally.count(result)
                write(item, result)

            streamed(workspace, classification.results, given, take, bar, tally)
    spent = classification.totals().since(before)
    tally.requests = spent.requests
    tally.cached = spent.cached
    tally.prompt_tokens = spent.prompt_tokens
    tally.completion_tokens = spent.completion_tokens
    tally.reused_tokens = spent.reused_tokens
    return tally


class Counts(Protocol):
    """What is known of a call while it runs: how many items are done, and in the end how long it took."""

    done: int
    seconds: float


@contextmanager
def continued(given: ItemInput, tally: Counts) -> Iterator[None]:
    """Turn Ctrl-C within the block into InterruptedWork, which says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWork(
            f"{tally.done:,} of {given.count:,} done and kept; run the same command again to continue"
        ) from None


def streamed(
    workspace: "Workspace",
    results: Callable[[Iterator[Item], Callable[[int], None]], AsyncGenerator[R, None]],
    given: ItemInput,
    take: Callable[[Item, R], None],
    bar: Bar,
    tally: Counts,
) -> None:
    """Hand results on, each with its item, as their batches finish; no more items than a batch are held."""
    started = time.perf_counter()

    def on_done(done: int) -> None:
        tally.done = done
        bar.at(done)

    async def stream() -> None:
        waiting: deque[Item] = deque()
        async with aclosing(results(noted(given.items(), waiting), on_done)) as stream:
            async for result in stream:
                take(waiting.popleft(), result)

    with asyncio.Runner() as runner:
        try:
            runner.run(stream())
        except KeyboardInterrupt:
            workspace.wiring.close()  # ends what its threads still compute; the runner waits for them
            raise
    tally.seconds = time.perf_counter() - started


def noted(items: Iterator[Item], waiting: deque[Item]) -> Iterator[Item]:
    """Give items on, and note each until its result is there; results come in the items' order."""
    for item in items:
        waiting.append(item)
        yield item
