"""Run a classification from the command line: stream, count, and say how to go on when it is broken off."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from typing import Protocol, TypeVar

from taxonaut.cli.shared.exit_codes import InterruptedWork
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.progress import Bar
from taxonaut.state.records import Item, ItemResult
from taxonaut.workspace.walk.labelling import Tally
from taxonaut.workspace.workspace import Workspace

R = TypeVar("R")
Sink = Callable[[Item, ItemResult], None]
"""Takes each item with its result, in order."""


def label_all(workspace: Workspace, given: ItemInput, sink: AbstractContextManager[Sink], bar: Bar) -> Tally:
    """Label all items and hand each result to the sink, which is opened once nothing else stands in the way.

    Raises InterruptedWork on Ctrl-C, after what runs has been ended in order.
    """
    tally = Tally()
    with continued(given, tally):
        if workspace.compares_vectors:
            bar.stage("embedding labels")
            workspace.embed_labels()
        bar.stage("preparing")
        classification = workspace.classification()
        before = classification.totals()
        bar.stage("labelling", given.count)
        with sink as write:

            def take(found: tuple[Item, ItemResult]) -> None:
                tally.count(found[1])
                write(*found)

            streamed(workspace, classification.results(given.items()), take, tally)
    tally.spent(classification.totals().since(before))
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
    workspace: Workspace, results: AsyncGenerator[R, None], take: Callable[[R], None], tally: Counts
) -> None:
    """Hand results on as their batches finish; no more than a batch is held."""
    started = time.perf_counter()

    async def read() -> None:
        async with aclosing(results):
            async for result in results:
                tally.done += 1
                take(result)

    with asyncio.Runner() as runner:
        try:
            runner.run(read())
        except KeyboardInterrupt:
            workspace.wiring.close()  # ends what its threads still compute; the runner waits for them
            raise
    tally.seconds = time.perf_counter() - started
