"""Run a classification from the command line: stream, count, and say how to go on when it is broken off."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxonaut.cli.item_input import ItemInput
from taxonaut.cli.progress import Bar
from taxonaut.cli.reporting import InterruptedWork
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, ItemResult

if TYPE_CHECKING:
    from taxonaut.workspace.classification import Classification
    from taxonaut.workspace.workspace import Workspace

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
    try:
        if workspace.compares_vectors:
            bar.stage("embedding labels")
            workspace.embed_labels(bar.at)
        bar.stage("preparing")
        classification = workspace.classification()
        before = classification.totals()
        bar.stage("labelling", given.count)
        started = time.perf_counter()
        with sink as write, asyncio.Runner() as runner:
            try:
                runner.run(stream(classification, given, write, bar, tally))
            except KeyboardInterrupt:
                workspace.wiring.close()  # ends what its threads still compute; the runner waits for them
                raise
    except KeyboardInterrupt:
        raise InterruptedWork(
            f"{tally.done:,} of {given.count:,} done and kept; run the same command again to continue"
        ) from None
    tally.seconds = time.perf_counter() - started
    after = classification.totals()
    tally.requests = after.requests - before.requests
    tally.cached = after.cached - before.cached
    tally.prompt_tokens = after.prompt_tokens - before.prompt_tokens
    tally.completion_tokens = after.completion_tokens - before.completion_tokens
    tally.reused_tokens = after.reused_tokens - before.reused_tokens
    return tally


async def stream(
    classification: "Classification", given: ItemInput, write: Sink, bar: Bar, tally: Tally
) -> None:
    """Hand results on as their batches finish; no more items than a batch are held."""

    def on_done(done: int) -> None:
        tally.done = done
        bar.at(done)

    waiting: dict[ItemId, Item] = {}
    async with aclosing(classification.results(noted(given.items(), waiting), on_done)) as results:
        async for result in results:
            tally.count(result)
            write(waiting.pop(result.item_id), result)


def noted(items: Iterator[Item], waiting: dict[ItemId, Item]) -> Iterator[Item]:
    """Give items on, and note each until its result is there."""
    for item in items:
        waiting[item.id] = item
        yield item
