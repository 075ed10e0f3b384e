"""Kept replies: durable before `put` returns, many in one transaction, nothing lost by a cancellation."""

import asyncio
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import DiskError
from taxonaut.state.stores.reply_cache import ResponseCache


class WatchedCache(ResponseCache):
    """Counts transactions; the first waits for `go` and fails with `error` if there is one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.started = threading.Event()
        self.error: Exception | None = None

    def put_many(self, answers: Mapping[str, str], origins: Any = MappingProxyType({})) -> None:
        self.batches.append(sorted(answers))
        self.started.set()
        self.go.wait()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        super().put_many(answers, origins)


@pytest.fixture
def cache(database: Database) -> WatchedCache:
    return WatchedCache(database)


async def test_a_reply_is_committed_when_put_returns(cache: WatchedCache) -> None:
    store = KeptReplies(cache)
    task = asyncio.create_task(store.put("a", "A"))
    await asyncio.to_thread(cache.started.wait)
    assert (task.done(), cache.get_many(["a"])) == (False, {})
    cache.go.set()
    await task
    assert await store.get_many(["a", "b"]) == {"a": "A"}


async def test_what_arrives_soon_after_a_transaction_shares_the_next(cache: WatchedCache) -> None:
    cache.go.set()
    store = KeptReplies(cache)
    await store.put("a", "A")
    store.rested[asyncio.get_running_loop()] += 0.2
    tasks = []
    for key in "bcd":
        tasks.append(asyncio.create_task(store.put(key, key.upper())))
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    assert cache.batches == [["a"], ["b", "c", "d"]]


async def test_what_arrives_during_a_transaction_shares_the_next(cache: WatchedCache) -> None:
    store = KeptReplies(cache)
    first = [asyncio.create_task(store.put(key, key.upper())) for key in "ab"]
    await asyncio.to_thread(cache.started.wait)
    later = [asyncio.create_task(store.put(key, key.upper())) for key in "cdefg"]
    await asyncio.sleep(0)
    cache.go.set()
    await asyncio.gather(*first, *later)
    assert cache.batches == [["a", "b"], ["c", "d", "e", "f", "g"]]
    assert cache.get_many(list("abcdefg")) == {key: key.upper() for key in "abcdefg"}


async def test_a_put_that_is_cancelled_again_and_again_still_waits(cache: WatchedCache) -> None:
    store = KeptReplies(cache)
    task = asyncio.create_task(store.put("a", "A"))
    await asyncio.to_thread(cache.started.wait)
    writing = store.writing[asyncio.get_running_loop()]
    for each in (task, writing, task, writing):
        each.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
    cache.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (writing.done(), cache.get_many(["a"])) == (True, {"a": "A"})


async def test_a_cancelled_put_is_kept_all_the_same(cache: WatchedCache) -> None:
    task = asyncio.create_task(KeptReplies(cache).put("a", "A"))
    await asyncio.to_thread(cache.started.wait)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    cache.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cache.get_many(["a"]) == {"a": "A"}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_full_disk_is_raised_to_all_who_wait_and_the_next_put_tries_again(
    cache: WatchedCache,
) -> None:
    store = KeptReplies(cache)
    cache.error = DiskError("no room left")
    cache.go.set()
    outcomes = await asyncio.gather(store.put("a", "A"), store.put("b", "B"), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no room left", "no room left"]
    await store.put("c", "C")
    assert cache.get_many(["a", "b", "c"]) == {"a": "A", "b": "B", "c": "C"}


def test_several_event_loops_may_use_one_store(cache: WatchedCache) -> None:
    cache.go.set()
    store = KeptReplies(cache)
    for key in "abc":
        asyncio.run(store.put(key, key))
    assert cache.get_many(["a", "b", "c"]) == {"a": "a", "b": "b", "c": "c"}
