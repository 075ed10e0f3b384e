"""Store finished replies durably; replies that arrive together share one transaction."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from taxonaut.state.stores.reply_cache import UNKNOWN, ReplyOrigin, ResponseCache

Waiting = dict[str, tuple[str, ReplyOrigin]]
"""Replies that are not written yet, by key."""

REST = 2.0
"""How much longer than a transaction took nothing is written after it: on a busy machine more replies share one."""

LONGEST_REST_S = 0.02
"""A transaction that waits for the disk says nothing about the next, and every reply holds a place in flight."""


class KeptReplies:
    """The gateway's `ReplyStore` over the workspace's response cache.

    `put` returns once the reply is committed, so a process killed afterwards never asks for it again; so does
    a `put` that is cancelled, however often. While one transaction is written, and `REST` times as long after
    it (at most `LONGEST_REST_S`), further replies gather for the next.
    """

    def __init__(self, cache: ResponseCache) -> None:
        self.cache = cache
        self.waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, Waiting] = WeakKeyDictionary()
        self.writing: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()
        self.rested: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()

    async def get_many(self, keys: list[str]) -> dict[str, str]:
        """Return the replies that are kept, by key."""
        return await asyncio.to_thread(self.cache.get_many, keys)

    async def put(self, key: str, reply: str, origin: ReplyOrigin = UNKNOWN) -> None:
        """Keep a reply with what it answers; returns once it is durable."""
        loop = asyncio.get_running_loop()
        waiting = self.waiting.setdefault(loop, {})
        waiting[key] = reply, origin
        while key in waiting:
            task = self.writing.get(loop)
            if task is None or task.done():
                task = self.writing[loop] = loop.create_task(self.write(waiting))
            await until_done(task)
            task.result()

    async def drop(self, keys: list[str]) -> None:
        """Forget replies."""
        await asyncio.to_thread(self.cache.drop, keys)

    async def write(self, waiting: Waiting) -> None:
        """Write what waits, once the last transaction is long enough ago, in one transaction."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self.rested.get(loop, 0.0) - loop.time()))
        batch, began = dict(waiting), loop.time()
        try:
            answers = {key: reply for key, (reply, _) in batch.items()}
            origins = {key: origin for key, (_, origin) in batch.items()}
            written = loop.run_in_executor(None, self.cache.put_many, answers, origins)
            await until_done(written)
            written.result()
        finally:
            ended = loop.time()
            self.rested[loop] = ended + min(LONGEST_REST_S, REST * (ended - began))
        for key, reply in batch.items():
            if waiting.get(key) == reply:
                del waiting[key]


async def until_done(work: "asyncio.Future[Any]") -> None:
    """Wait until a task or future has ended, also when cancelled meanwhile; a cancellation is raised then."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not work.cancelled():
            work.exception()
        raise asyncio.CancelledError
