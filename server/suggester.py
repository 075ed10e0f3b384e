"""Label texts of many requests at once: what arrives within a few milliseconds is one batch of the walk."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from taxonaut.server.problems import ProblemError
from taxonaut.state.errors import TaxonautError
from taxonaut.state.records import Item, ItemResult
from taxonaut.workspace.workspace import Workspace

_LOGGER = logging.getLogger("taxonaut.server")

GATHER_S = 0.004
"""How long the first request of a batch waits for others, where nothing is being labelled."""

MOST_WAITING = 4_096
"""Texts that may wait; a request beyond them is told to come again."""

ANSWER_S = 120.0


@dataclass(frozen=True, slots=True)
class _Asked:
    items: Sequence[Item]
    top: int
    done: "Future[list[ItemResult]]" = field(default_factory=Future)


class Suggester:
    """One thread that labels; requests wait in order."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._queue: deque[_Asked] = deque()
        self._changed = threading.Condition()
        self._waiting = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="taxonaut-suggest", daemon=True)
        self._thread.start()

    async def suggest(self, items: Sequence[Item], top: int | None = None) -> list[ItemResult]:
        """Return the labels of items, in their order, `top` of them at most.

        Raises ProblemError (429) where too many texts wait, and (504) where the answer takes too long.
        """
        most = self._workspace.config.walk.top
        wanted = top or most
        # Fewer labels are the first of more, so one run serves all who ask for no more than the settings say.
        asked = _Asked(items, max(wanted, most))
        with self._changed:
            if self._closed:
                raise ProblemError(503, "the service is ending; ask again when it runs")
            if self._waiting and self._waiting + len(items) > MOST_WAITING:
                raise ProblemError(
                    429,
                    f"{self._waiting:,} texts are waiting to be labelled already; ask again in a second, or start a "
                    "job for many texts (POST /api/jobs)",
                    {"Retry-After": "1"},
                )
            self._queue.append(asked)
            self._waiting += len(items)
            self._changed.notify()
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await asyncio.wrap_future(asked.done)
        except TimeoutError:
            raise ProblemError(504, f"no answer within {ANSWER_S:g} seconds; start a job instead") from None
        return [ItemResult(each.item_id, each.labels[:wanted], each.error, each.ranked) for each in found]

    def close(self) -> None:
        """Finish what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    if self._closed:
                        return
                    self._changed.wait()
            time.sleep(GATHER_S)
            batch = self._take()
            try:
                self._label(batch)
            except BaseException as error:
                if not isinstance(error, TaxonautError):
                    _LOGGER.error("labelling failed", exc_info=error)
                for asked in batch:
                    if not asked.done.done():
                        asked.done.set_exception(error)

    def _take(self) -> list[_Asked]:
        """Take the requests of one batch: whole ones, with the same settings."""
        most = self._workspace.batch
        with self._changed:
            batch = [self._queue.popleft()]
            count = len(batch[0].items)
            while self._queue and self._queue[0].top == batch[0].top:
                if count + len(self._queue[0].items) > most:
                    break
                batch.append(self._queue.popleft())
                count += len(batch[-1].items)
            self._waiting -= count
        return [asked for asked in batch if asked.done.set_running_or_notify_cancel()]

    def _label(self, batch: Sequence[_Asked]) -> None:
        once: dict[str, Item] = {}
        later: list[_Asked] = []
        for asked in batch:
            clash = any(once.get(item.id, item) != item for item in asked.items)
            if clash:  # the same id with another text: that is another batch
                later.append(asked)
            else:
                once.update((item.id, item) for item in asked.items)
        top = batch[0].top if batch else 0
        self._workspace.refresh()  # a job, or a command beside, may have trained or learned
        if once:
            found = {each.item_id: each for each in self._workspace.classify(list(once.values()), top=top)}
            for asked in batch:
                if asked not in later:
                    asked.done.set_result([found[item.id] for item in asked.items])
        for asked in later:
            results = {each.item_id: each for each in self._workspace.classify(list(asked.items), top=top)}
            asked.done.set_result([results[item.id] for item in asked.items])
