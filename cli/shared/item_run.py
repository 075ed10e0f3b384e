"""Run a classification from the command line: stream, count, and say how to go on when it is broken off."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from taxonaut.cli.shared.exit_codes import InterruptedWork
from taxonaut.cli.shared.item_input import ItemInput
from taxonaut.cli.shared.progress import Bar
from taxonaut.state.records import Item, ItemResult
from taxonaut.workspace.walk.labelling import Tally, hand_on
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
    workspace: Workspace,
    results: Callable[[Iterable[Item], Callable[[int], None]], AsyncGenerator[tuple[Item, R], None]],
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

    with asyncio.Runner() as runner:
        try:
            runner.run(hand_on(results, given.items(), take, on_done))
        except KeyboardInterrupt:
            workspace.wiring.close()  # ends what its threads still compute; the runner waits for them
            raise
    tally.seconds = time.perf_counter() - started
