"""The gateway against a real server: what comes back, what it cost, what is asked once, what is kept."""

import asyncio
import gc
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.llm.gateway import Gateway, request_key
from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import DiskError, ModelError, ModelNotFoundError, ModelReplyError
from taxonaut.state.records import ToolSpec, Usage
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.tools.expand_node import expand_node_spec

COST = {"prompt_tokens": 100, "completion_tokens": 10, "reused_tokens": 70}
"""What the server says each answer cost."""


def ask_about(text: str) -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
    return ModelRequest(
        "Choose.", "1. a 2. b 3. c", f"Text: {text}", "Text:", text, spec(), "branches", choices, 2
    )


def spec() -> ToolSpec:
    return expand_node_spec(3, 2)


def role(server: Any, **changes: Any) -> ModelSettings:
    given = {"model": "hosted_vllm/test", "api_base": server.url, "backoff_s": 0, "timeout_s": 10}
    return ModelSettings(**{**given, **changes})


async def answer(settings: ModelSettings, *texts: str) -> list[ModelReply | ModelError]:
    return await Gateway(settings).answer([ask_about(text) for text in texts])


def without_time(reply: ModelReply | ModelError) -> dict[str, Any]:
    assert isinstance(reply, ModelReply)
    usage = {name: getattr(reply.usage, name) for name in (*COST, "attempts", "cached")}
    return {"chosen": reply.chosen, "usage": usage}


async def test_an_answer_with_what_it_cost(server: Any) -> None:
    (reply,) = await answer(role(server), "plain")
    assert isinstance(reply, ModelReply)
    latency = reply.usage.latency_s
    assert 0 < latency < 60
    assert reply == ModelReply(
        chosen=(1,), arguments={"branches": [1]}, usage=Usage(**COST, latency_s=latency, attempts=1)
    )
    assert server.stats() == {"requests": 1, "distinct": 1, "answered": 1, "in_flight": 0, "peak": 1}


@pytest.mark.parametrize("behaviour", ["float", "strings"])
async def test_numbers_count_however_json_spells_them(server: Any, behaviour: str) -> None:
    (reply,) = await answer(role(server), f"BEHAVE:{behaviour}")
    assert isinstance(reply, ModelReply)
    assert (reply.chosen, server.stats()["requests"]) == ((1,), 1)


async def test_none_of_these_is_an_abstention(server: Any) -> None:
    (reply,) = await answer(role(server), "BEHAVE:none")
    assert isinstance(reply, ModelReply)
    assert (reply.chosen, reply.arguments) == ((), {"branches": [0]})


@pytest.mark.parametrize("fault", ["prose", "nothing", "badjson", "unknown", "othertool", "noargs"])
async def test_a_model_that_repents_is_heard_and_pays_for_both_answers(server: Any, fault: str) -> None:
    (reply,) = await answer(role(server), f"BEHAVE:repents_{fault}")
    assert without_time(reply) == {
        "chosen": (1,),
        "usage": {
            "prompt_tokens": 200,
            "completion_tokens": 20,
            "reused_tokens": 140,
            "attempts": 2,
            "cached": False,
        },
    }


async def test_busy_three_times_and_then_an_answer(server: Any) -> None:
    (reply,) = await answer(role(server), "BEHAVE:busy3")
    assert without_time(reply) == {"chosen": (1,), "usage": {**COST, "attempts": 4, "cached": False}}


async def test_one_failure_costs_one_request_only(server: Any) -> None:
    replies = await answer(role(server), "a", "BEHAVE:prose", "b", "BEHAVE:missing", "c")
    assert [type(reply) for reply in replies] == [
        ModelReply,
        ModelReplyError,
        ModelReply,
        ModelNotFoundError,
        ModelReply,
    ]


@pytest.mark.parametrize("limit", [1, 3, 8])
async def test_the_concurrency_limit_is_held_and_used(start_server: Any, limit: int) -> None:
    server = start_server(delay=0.1)
    gateway = Gateway(role(server, concurrency=limit))
    both = await asyncio.gather(
        gateway.answer([ask_about(f"a{number}") for number in range(8)]),
        gateway.answer([ask_about(f"b{number}") for number in range(8)]),
    )
    assert all(isinstance(reply, ModelReply) for replies in both for reply in replies)
    assert server.stats() == {
        "requests": 16,
        "distinct": 16,
        "answered": 16,
        "in_flight": 0,
        "peak": limit,
    }


async def test_equal_requests_are_asked_once(server: Any) -> None:
    replies = await answer(role(server), "same", "other", "same", "same")
    assert server.stats()["requests"] == 2
    assert replies[0] == replies[2] == replies[3]


async def test_what_is_kept_asks_nothing_and_says_so(server: Any, database: Database) -> None:
    gateway = Gateway(role(server), KeptReplies(ResponseCache(database)))
    (first,) = await gateway.answer([ask_about("keep me")])
    again, new = await gateway.answer([ask_about("keep me"), ask_about("new")])
    assert server.stats()["requests"] == 2
    assert without_time(first)["usage"]["cached"] is False
    assert isinstance(again, ModelReply)
    assert again == ModelReply((1,), {"branches": [1]}, Usage(**COST, latency_s=0.0, attempts=1, cached=True))
    assert without_time(new)["usage"]["cached"] is False


async def test_failures_are_not_kept(server: Any, database: Database) -> None:
    cache = ResponseCache(database)
    await Gateway(role(server), KeptReplies(cache)).answer(
        [ask_about("BEHAVE:prose"), ask_about("BEHAVE:missing")]
    )
    assert len(cache) == 0


def test_everything_that_could_change_the_answer_is_in_the_key(server: Any) -> None:
    base, request = role(server), ask_about("x")
    others = [
        request_key(base.model_copy(update={name: value}), request)
        for name, value in [
            ("model", "hosted_vllm/other"),
            ("api_base", "http://elsewhere/v1"),
            ("answer", "scored"),
            ("temperature", 0.5),
            ("max_tokens", 5),
            ("seed", 1),
        ]
    ]
    tool = ToolSpec("expand_node", "another description", spec().parameters)
    for changed in ({"system": "s"}, {"context": "c"}, {"item": "i"}, {"tool": tool}):
        fields = {name: getattr(request, name) for name in ModelRequest.__slots__} | changed
        others.append(request_key(base, ModelRequest(**fields)))
    keys = {request_key(base, request), *others}
    assert len(keys) == 11
    scored, blank = base.model_copy(update={"answer": "scored"}), replace(request, blank_item="b")
    assert request_key(scored, blank) != request_key(scored, request)
    assert request_key(base, blank) == request_key(base, request)
    patience = {"attempts": 9, "timeout_s": 1.0, "concurrency": 2, "repairs": 0, "deadline_s": 3.0}
    assert request_key(base.model_copy(update=patience), request) == request_key(base, request)


class SlowStore:
    """A store whose writes wait until the test lets them go on, or fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.putting = asyncio.Event()
        self.kept: list[str] = []
        self.error = error

    async def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        return {}

    async def drop(self, keys: list[str]) -> None:
        pass

    async def put(self, key: str, reply: str, origin: Any) -> None:
        self.putting.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.kept.append(json.loads(reply)["chosen"])


async def test_an_answer_counts_once_it_is_kept(server: Any) -> None:
    store = SlowStore()
    task = asyncio.create_task(
        Gateway(role(server, concurrency=1), store).answer([ask_about("a"), ask_about("b")])
    )
    await store.putting.wait()
    assert (server.stats()["requests"], task.done()) == (1, False)
    store.go.set()
    assert [type(reply) for reply in await task] == [ModelReply, ModelReply]
    assert store.kept == [[1], [1]]


async def test_a_store_that_fails_ends_everything_in_order(server: Any) -> None:
    store = SlowStore(DiskError("no room left to write 'x'"))
    gateway = Gateway(role(server), store)
    task = asyncio.create_task(gateway.answer([ask_about("quick"), ask_about("BEHAVE:hang")]))
    await store.putting.wait()
    store.go.set()
    with pytest.raises(DiskError, match="no room left"):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_leaves_nothing_behind(server: Any) -> None:
    gateway = Gateway(role(server, concurrency=4))
    task = asyncio.create_task(gateway.answer([ask_about(f"BEHAVE:hang {number}") for number in range(6)]))
    await asyncio.to_thread(server.wait, "in_flight=4")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    (reply,) = await gateway.answer([ask_about("the places are free again")])
    assert isinstance(reply, ModelReply)


async def test_equal_requests_at_the_same_time_are_sent_once(server: Any, database: Database) -> None:
    gateway = Gateway(role(server), KeptReplies(ResponseCache(database)))
    both = [ask_about("one"), ask_about("two")]
    answers = await asyncio.gather(*(gateway.answer(both) for _ in range(20)))
    assert server.stats()["requests"] == 2
    assert {tuple(reply.chosen for reply in found) for found in answers} == {((1,), (1,))}  # type: ignore[union-attr]
    sent = [reply for found in answers for reply in found if not reply.usage.cached]  # type: ignore[union-attr]
    assert len(sent) == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_reply_that_comes_during_a_lookup_is_used(server: Any, database: Database) -> None:
    gateway = Gateway(role(server), KeptReplies(ResponseCache(database)))
    looked, found = asyncio.Event(), gateway.kept

    async def late(keys: Sequence[str]) -> Any:
        kept = await found(keys)
        await looked.wait()
        return kept

    gateway.kept = late  # type: ignore[method-assign]
    second = asyncio.create_task(gateway.answer([ask_about("one")]))
    await asyncio.sleep(0.1)
    gateway.kept = found  # type: ignore[method-assign]
    (first,) = await gateway.answer([ask_about("one")])
    looked.set()
    (again,) = await second
    assert isinstance(first, ModelReply)
    assert isinstance(again, ModelReply)
    assert (first.usage.cached, again.usage.cached, server.stats()["requests"]) == (False, True, 1)


async def joined(gateway: Gateway, calls: int) -> None:
    """Wait until so many calls wait for one request."""
    for _ in range(20_000):
        if [flight.waiting for flight in gateway.flights().sent.values()] == [calls]:
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def test_a_joined_request_goes_on_until_nobody_waits(server: Any, database: Database) -> None:
    gateway = Gateway(role(server), KeptReplies(ResponseCache(database)))
    tasks = [asyncio.create_task(gateway.answer([ask_about("BEHAVE:hang")])) for _ in range(3)]
    await asyncio.to_thread(server.wait, "in_flight=1")
    await joined(gateway, 3)
    for task in tasks[:2]:
        task.cancel()
    await asyncio.wait(tasks[:2])
    assert (server.stats()["in_flight"], tasks[2].done()) == (1, False)
    tasks[2].cancel()
    await asyncio.wait(tasks)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_first_of_joined_calls_may_be_cancelled(start_server: Any, database: Database) -> None:
    slow = start_server(delay=1.0)
    gateway = Gateway(role(slow), KeptReplies(ResponseCache(database)))
    first, second = (asyncio.create_task(gateway.answer([ask_about("one")])) for _ in range(2))
    await joined(gateway, 2)
    first.cancel()
    (reply,) = await second
    assert isinstance(reply, ModelReply)
    assert (first.cancelled(), slow.stats()["requests"]) == (True, 1)


def test_each_event_loop_has_connections_of_its_own(server: Any) -> None:
    gateway = Gateway(role(server))
    for number in range(4):
        (reply,) = asyncio.run(gateway.answer([ask_about(f"loop {number}")]))
        assert isinstance(reply, ModelReply)
    gc.collect()


async def test_a_request_leaves_no_task_behind(server: Any) -> None:
    await answer(role(server), "a", "BEHAVE:broken")
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_replies_survive_in_the_file(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "kept.duckdb"
    with Database.open(path) as database:
        await Gateway(role(server), KeptReplies(ResponseCache(database))).answer([ask_about("durable")])
    server.reset()
    with Database.open(path) as database:
        (reply,) = await Gateway(role(server), KeptReplies(ResponseCache(database))).answer(
            [ask_about("durable")]
        )
    assert isinstance(reply, ModelReply)
    assert (reply.chosen, reply.usage.cached, server.stats()["requests"]) == ((1,), True, 0)


def test_a_model_in_this_process_gets_two_at_a_time_and_all_the_time_there_is() -> None:
    local = ModelSettings(model="gguf/any", timeout_s=60, deadline_s=300)
    assert (Gateway(local).in_flight, local.request_timeout_s) == (2, 300)
    assert Gateway(ModelSettings(model="gguf/any", concurrency=5)).in_flight == 5
    served = ModelSettings(model="hosted_vllm/any", timeout_s=60, deadline_s=300)
    assert (Gateway(served).in_flight, served.request_timeout_s) == (16, 60)
