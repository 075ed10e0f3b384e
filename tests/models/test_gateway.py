"""The gateway against a real server that misbehaves: what comes back, what it cost, how it fails."""

import asyncio
import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.gateway import Gateway, request_key
from taxonaut.models.reply_store import KeptReplies
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.cache import ResponseCache
from taxonaut.state.database import Database
from taxonaut.state.errors import (
    DiskError,
    ModelError,
    ModelNotFoundError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from taxonaut.state.records import ToolSpec, Usage
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


async def refusal(settings: ModelSettings, text: str) -> ModelError:
    (error,) = await answer(settings, text)
    assert isinstance(error, ModelError)
    return error


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


NEEDS = "a list of at most 2 of the ids 1, 2, 3, best first, or [0] if none fits"


@pytest.mark.parametrize(
    ("behaviour", "wrong"),
    [
        ("prose", "Answer with a call of the tool expand_node, not with text"),
        ("nothing", "Answer with a call of the tool expand_node, not with text"),
        ("null", "Answer with a call of the tool expand_node, not with text"),
        (
            "badjson",
            "The arguments of expand_node are not valid JSON "
            "(Expecting ',' delimiter: line 1 column 16 (char 15))",
        ),
        ("list", "The arguments of expand_node must be a JSON object"),
        ("noargs", f"expand_node needs `branches`: {NEEDS}"),
        ("unknown", f"[999] is not on offer. `branches` takes {NEEDS}"),
        ("nested", f"[[1]] is not on offer. `branches` takes {NEEDS}"),
        ("othertool", "There is no tool 'lookup_weather' here. Call expand_node"),
    ],
)
async def test_a_faulty_call_is_told_what_is_wrong_and_given_up_after_the_repairs(
    server: Any, behaviour: str, wrong: str
) -> None:
    error = await refusal(role(server), f"BEHAVE:{behaviour}")
    assert type(error) is ModelReplyError
    assert str(error) == (
        f"'hosted_vllm/test' made no valid call of expand_node in 3 tries (the last one: {wrong}); "
        "ask a model that calls tools, or try another `tool_choice` in taxonaut.toml"
    )
    assert server.stats()["requests"] == 3


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


async def test_without_repairs_one_fault_is_enough(server: Any) -> None:
    error = await refusal(role(server, repairs=0), "BEHAVE:prose")
    assert "in 1 tries" in str(error)
    assert server.stats()["requests"] == 1


async def test_busy_three_times_and_then_an_answer(server: Any) -> None:
    (reply,) = await answer(role(server), "BEHAVE:busy3")
    assert without_time(reply) == {"chosen": (1,), "usage": {**COST, "attempts": 4, "cached": False}}


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("busy", "its server is busy: slow down; lower `concurrency` or raise `attempts` in taxonaut.toml"),
        ("broken", "its server failed: out of order; look at the log of {url}"),
        ("starting", "its server failed: loading the model; look at the log of {url}"),
        ("half", "the connection broke off before the answer was whole; look at the log of {url}"),
    ],
)
async def test_what_may_pass_is_tried_again_but_not_for_ever(server: Any, behaviour: str, words: str) -> None:
    error = await refusal(role(server, attempts=3), f"BEHAVE:{behaviour}")
    assert type(error) is ModelUnavailableError
    assert str(error) == f"'hosted_vllm/test': {words.format(url=server.url)} (given up after 3 tries)"
    assert server.stats()["requests"] == 3


async def test_a_hang_ends_with_the_time_limit(server: Any) -> None:
    error = await refusal(role(server, timeout_s=0.2, attempts=2), "BEHAVE:hang")
    assert type(error) is ModelUnavailableError
    assert str(error) == (
        "'hosted_vllm/test' did not answer within 0.2 s; raise `timeout_s` in taxonaut.toml, or ask a "
        "faster model "
        "(given up after 2 tries)"
    )


@pytest.mark.parametrize(("behaviour", "retries"), [("hang", False), ("broken", True)])
async def test_the_deadline_ends_a_hang_and_a_row_of_retries(
    server: Any, behaviour: str, retries: bool
) -> None:
    error = await refusal(
        role(server, deadline_s=0.3, attempts=10_000, backoff_s=0.01), f"BEHAVE:{behaviour}"
    )
    assert type(error) is ModelTimeoutError
    assert str(error) == (
        "'hosted_vllm/test' gave no valid answer within its deadline of 0.3 s; "
        "raise `deadline_s` in taxonaut.toml, or ask a faster model"
    )
    assert (server.stats()["requests"] > 1) is retries


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        (
            "stranger",
            ModelNotFoundError,
            "'hosted_vllm/test' was refused with the key taken from the provider's own variable: who are "
            "you; "
            "name the variable that holds the key with `api_key_env` in taxonaut.toml",
        ),
        (
            "missing",
            ModelNotFoundError,
            "'hosted_vllm/test' is not at {url}: no model of that name; correct `model`, or `api_base` "
            "(it mostly ends in /v1), in taxonaut.toml",
        ),
        (
            "toolong",
            ModelUnavailableError,
            "'hosted_vllm/test' refused the request: maximum context length is 512 tokens; a prompt that is "
            "too "
            "long gets shorter with `candidates` under [walk] in taxonaut.toml",
        ),
        (
            "html",
            ModelUnavailableError,
            "'hosted_vllm/test': {url} answered something that is no chat completion; "
            "correct `api_base` in taxonaut.toml (it mostly ends in /v1)",
        ),
        (
            "empty",
            ModelUnavailableError,
            "'hosted_vllm/test': {url} answered something that is no chat completion; "
            "correct `api_base` in taxonaut.toml (it mostly ends in /v1)",
        ),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(
    server: Any, behaviour: str, kind: type[ModelError], message: str
) -> None:
    error = await refusal(role(server), f"BEHAVE:{behaviour}")
    assert (type(error), str(error)) == (kind, message.format(url=server.url))
    assert server.stats()["requests"] == 1


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"api_base": "http://127.0.0.1:9/v1"},
            ModelUnavailableError,
            "'hosted_vllm/test': nothing answers at http://127.0.0.1:9/v1 (Connect call failed "
            "('127.0.0.1', 9)); "
            "start the server, or correct `api_base` in taxonaut.toml (given up after 2 tries)",
        ),
        (
            {"api_base": "127.0.0.1:8000/v1"},
            ModelNotFoundError,
            "'hosted_vllm/test' has the `api_base` '127.0.0.1:8000/v1', which is no URL; "
            "write one such as http://127.0.0.1:8000/v1",
        ),
        (
            {"api_key_env": "TAXONAUT_TEST_NO_SUCH_KEY"},
            ModelNotFoundError,
            "the environment variable 'TAXONAUT_TEST_NO_SUCH_KEY' is not set, and 'hosted_vllm/test' takes "
            "its key "
            "from it; set it, or name another with `api_key_env` in taxonaut.toml",
        ),
        (
            {"model": "nonsense/x"},
            ModelNotFoundError,
            "'nonsense/x' is no model string: write provider/model, such as openai/gpt-4.1-mini, "
            "hosted_vllm/…, "
            "ollama_chat/…, gguf/… or encoder/…",
        ),
    ],
)
async def test_what_is_set_wrongly_is_said_at_once(
    server: Any, changes: dict[str, Any], kind: type[ModelError], message: str
) -> None:
    error = await refusal(role(server, attempts=50, **changes), "x")
    assert (type(error), str(error)) == (kind, message)
    assert server.stats()["requests"] == 0


async def test_a_host_that_is_not_there(server: Any) -> None:
    error = await refusal(role(server, api_base="http://no-such-host.invalid/v1", attempts=50), "x")
    assert type(error) is ModelUnavailableError
    assert str(error).startswith("'hosted_vllm/test': nothing answers at http://no-such-host.invalid/v1 (")


async def test_a_missing_key_of_a_provider_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    error = await refusal(ModelSettings(model="openai/gpt-4.1-mini", backoff_s=0), "x")
    assert type(error) is ModelNotFoundError
    assert str(error).startswith(
        "'openai/gpt-4.1-mini' was refused with the key taken from the provider's own"
    )
    assert str(error).endswith("name the variable that holds the key with `api_key_env` in taxonaut.toml")


async def test_a_server_that_went_away_is_waited_for_longer_than_one_never_there(start_server: Any) -> None:
    server = start_server()
    gateway = Gateway(role(server, attempts=4))
    (reply,) = await gateway.answer([ask_about("while it is up")])
    assert isinstance(reply, ModelReply)
    server.close()
    (error,) = await gateway.answer([ask_about("once it is down")])
    assert str(error).endswith("(given up after 4 tries)")


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
    server = start_server(delay=0.02)
    gateway = Gateway(role(server, concurrency=limit))
    both = await asyncio.gather(
        gateway.answer([ask_about(f"a{number}") for number in range(12)]),
        gateway.answer([ask_about(f"b{number}") for number in range(12)]),
    )
    assert all(isinstance(reply, ModelReply) for replies in both for reply in replies)
    assert server.stats() == {
        "requests": 24,
        "distinct": 24,
        "answered": 24,
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

    async def put(self, key: str, reply: str) -> None:
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
