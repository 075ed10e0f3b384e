"""The client of LiteLLM: what it sends, whom it calls, what it leaves behind."""

import asyncio
import gc
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.llm.client import common, complete, embed, litellm, session, stream, tool_choice
from taxonaut.models.llm.errors import TransientError, said
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelNotFoundError

pytestmark = pytest.mark.slow

TOOLS = [{"type": "function", "function": {"name": "pick", "parameters": {"type": "object"}}}]
HELLO = [{"role": "user", "content": "hello"}]

CALLS_NOBODY_ELSE = """
import asyncio, socket, sys
asked = []
def recorded(name, real, address):
    def call(*arguments, **keywords):
        asked.append((name, address(arguments)))
        return real(*arguments, **keywords)
    return call
socket.getaddrinfo = recorded("getaddrinfo", socket.getaddrinfo, lambda a: a[0])
class Socket(socket.socket):
    def connect(self, address):
        asked.append(("connect", address[0] if isinstance(address, tuple) else address))
        return super().connect(address)
    def connect_ex(self, address):
        asked.append(("connect", address[0] if isinstance(address, tuple) else address))
        return super().connect_ex(address)
socket.socket = Socket
import asyncio.selector_events as events
real = events.BaseSelectorEventLoop._sock_connect
def _sock_connect(self, future, sock, address):
    asked.append(("connect", address[0]))
    return real(self, future, sock, address)
events.BaseSelectorEventLoop._sock_connect = _sock_connect

from taxonaut.models.llm.client import complete, session
from taxonaut.models.settings import ModelSettings

async def once(model):
    async with session():
        settings = ModelSettings(model=model, api_base=sys.argv[1])
        answer = await complete(settings, [{"role": "user", "content": "hello"}], [], {})
        assert answer.choices[0].message.content == "I think the first one fits best."

asyncio.run(once("hosted_vllm/test"))
asyncio.run(once("openai/test"))
assert asked, "nothing was recorded"
assert {host for _, host in asked} == {"127.0.0.1"}, asked
"""


LEAVES_ALL_AS_IT_IS = """
import asyncio, os, sys
os.environ.pop("TIKTOKEN_CACHE_DIR", None)
before = dict(os.environ)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
os.environ.pop("LITELLM_LOCAL_MODEL_COST_MAP")
from taxonaut.models.llm.client import complete, embed, session
from taxonaut.models.gguf.provider import register_gguf
from taxonaut.models.settings import ModelSettings

def parts():
    return {
        "acompletion": litellm.acompletion,
        "aembedding": litellm.aembedding,
        "completion": litellm.main.completion,
        "embedding": litellm.main.embedding,
        "prices": litellm.Logging.response_cost_calculator,
        "retries": litellm.num_retries,
        "clients": dict(litellm.in_memory_llm_clients_cache.cache_dict),
    }

mine = litellm.AsyncHTTPHandler()
litellm.in_memory_llm_clients_cache.set_cache("somebody's own", mine)
found = parts()
register_gguf()

async def once(model):
    settings = ModelSettings(model=model, api_base=sys.argv[1])
    await complete(settings, [{"role": "user", "content": "hello"}], [], {})
    await embed(settings, ["hello"])

asyncio.run(once("hosted_vllm/test"))
asyncio.run(once("openai/test"))
assert parts() == found, (parts(), found)
assert not mine.client.is_closed
os.environ.pop("TIKTOKEN_CACHE_DIR", None)  # LiteLLM's own, for its tokenizer
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
"""

IMPORTS_QUIETLY = """
import os
before = dict(os.environ)
from taxonaut.models.llm.client import litellm
litellm()
assert dict(os.environ) == before
"""

CALLBACKS_SEE_OUR_CALLS = """
import asyncio, sys
from taxonaut.models.llm.client import complete, litellm
from taxonaut.models.settings import ModelSettings
seen = []

async def listener(kwargs, answer, start, end):
    seen.append((kwargs["model"], answer.choices[0].message.content))

litellm().success_callback = [listener]

async def ask():
    settings = ModelSettings(model="hosted_vllm/test", api_base=sys.argv[1])
    for _ in range(2):
        await complete(settings, [{"role": "user", "content": "hello"}], [], {})
    while len(seen) < 2:
        await asyncio.sleep(0.01)

asyncio.run(asyncio.wait_for(ask(), 30))
assert seen == [("test", "I think the first one fits best.")] * 2, seen
"""


def run(script: str, *arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    """Run a script in a process of its own; returns its exit status and what it wrote to standard error."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("LITELLM", "HTTP", "http"))
    }
    finished = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        check=False,
    )
    return finished.returncode, finished.stderr


def test_it_calls_the_named_server_and_nobody_else(server: Any) -> None:
    assert run(CALLS_NOBODY_ELSE, server.url) == (0, "")
    assert server.stats()["requests"] == 2


def test_a_process_that_uses_litellm_itself_finds_it_unchanged(server: Any) -> None:
    assert run(LEAVES_ALL_AS_IT_IS, server.url) == (0, "")


def test_the_import_leaves_the_environment_as_it_was(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A_NAME_OF_THE_FOLDER=1\n")
    assert run(IMPORTS_QUIETLY, cwd=tmp_path) == (0, "")


def test_callbacks_that_are_registered_with_litellm_see_our_calls(server: Any) -> None:
    assert run(CALLBACKS_SEE_OUR_CALLS, server.url) == (0, "")


async def test_one_try_with_a_finite_wait_and_the_settings_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: dict[str, Any] = {}

    async def acompletion(**arguments: Any) -> str:
        sent.update(arguments)
        return "an answer"

    monkeypatch.setattr(litellm(), "acompletion", acompletion)
    settings = ModelSettings(model="hosted_vllm/test", api_base="http://127.0.0.1:1/v1")
    assert await complete(settings, HELLO, TOOLS, {"extra_body": {"a": 1}}) == "an answer"
    assert {name: value for name, value in sent.items() if name not in ("client", "litellm_logging_obj")} == {
        "model": "hosted_vllm/test",
        "api_base": "http://127.0.0.1:1/v1",
        "api_key": "none",
        "timeout": 60.0,
        "num_retries": 0,
        "max_retries": 0,
        "caching": False,
        "messages": HELLO,
        "temperature": 0.0,
        "max_tokens": 256,
        "seed": 0,
        "drop_params": True,
        "extra_body": {"a": 1},
        "tools": TOOLS,
        "tool_choice": "required",
    }


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ModelSettings(model="openai/x", api_key_env="TAXONAUT_TEST_KEY")
    monkeypatch.setenv("TAXONAUT_TEST_KEY", "s3cret")
    assert common(settings)["api_key"] == "s3cret"
    monkeypatch.setenv("TAXONAUT_TEST_KEY", "")
    with pytest.raises(ModelNotFoundError, match="'TAXONAUT_TEST_KEY' is not set") as caught:
        common(settings)
    assert "s3cret" not in str(caught.value)


def test_without_a_server_of_ones_own_the_provider_finds_its_key() -> None:
    assert "api_key" not in common(ModelSettings(model="openai/x"))


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("required", "required"),
        ("auto", "auto"),
        ("named", {"type": "function", "function": {"name": "pick"}}),
    ],
)
def test_tool_choice(way: Any, sent: Any) -> None:
    assert tool_choice(ModelSettings(model="openai/x", tool_choice=way), TOOLS) == sent


def test_several_tools_cannot_be_named() -> None:
    settings = ModelSettings(model="openai/x", tool_choice="named")
    assert tool_choice(settings, TOOLS * 2) == "required"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "https://a.example/v1", "http://[::1]:80/v1"])
def test_urls_that_are_taken(url: str) -> None:
    assert common(ModelSettings(model="openai/x", api_base=url))["api_base"] == url


@pytest.mark.parametrize("url", ["localhost:8000", "http://", "http://[bad", "ftp://a/v1"])
def test_urls_that_are_not(url: str) -> None:
    with pytest.raises(ModelNotFoundError, match="which is no URL; write one such as"):
        common(ModelSettings(model="openai/x", api_base=url))


@pytest.mark.parametrize("model", ["hosted_vllm/test", "openai/test"])
async def test_connections_last_as_long_as_the_outermost_session(server: Any, model: str) -> None:
    settings = ModelSettings(model=model, api_base=server.url)
    async with session() as outer:
        async with session() as inner:
            await complete(settings, HELLO, [], {})
        http = inner.handler().client
        await complete(settings, HELLO, [], {})
        assert (outer is inner, outer.handler().client is http, http.is_closed) == (True, True, False)
    assert http.is_closed
    async with session() as another:
        await complete(settings, HELLO, [], {})
        assert another is not outer
    await complete(settings, HELLO, [], {})
    assert server.stats()["requests"] == 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('litellm.RateLimitError: RateLimitError: Hosted_vllmException - {"error": {"message": "slow."}}', "slow"),
        ('an.X: BadRequestError: {"error": "no"}', 'an.X: BadRequestError: {"error": "no"}'),
        ('litellm.BadRequestError: {"error": "flat words"}', "flat words"),
        ('litellm.BadRequestError: {"detail": "of FastAPI"}', "of FastAPI"),
        ("litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.", "Connection error"),
        ("litellm.InternalServerError: OpenAIException - Error code: 500 - {'error': {'message': 'no'}}", "no"),
        ("litellm.InternalServerError: OpenAIException - Error code: 500 - no", "no"),
        ("litellm.InternalServerError: {not a body", "{not a body"),
        ("plain words\nand a traceback", "plain words"),
        ("", "ValueError"),
        ("x" * 999, "x" * 300),
    ],
)  # fmt: skip
def test_what_a_server_said_in_one_line(text: str, shown: str) -> None:
    assert said(ModelSettings(model="a/b"), ValueError(text)) == shown


@pytest.mark.parametrize("wait_s", [0.0, 0.05], ids=["while the thread prepares", "once it has prepared"])
@pytest.mark.parametrize("what", ["chat", "embedding"])
@pytest.mark.parametrize("provider", ["hosted_vllm", "openai"])
async def test_a_request_cancelled_before_it_is_sent_leaves_no_complaint(
    provider: str, what: str, wait_s: float
) -> None:
    settings = ModelSettings(model=f"{provider}/test", api_base="http://127.0.0.1:9/v1")

    def request() -> Coroutine[Any, Any, Any]:
        return complete(settings, HELLO, TOOLS, {}) if what == "chat" else embed(settings, ["hello"])

    async with session():
        with pytest.raises(TransientError):
            await request()
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            for steps in range(10):
                task = asyncio.ensure_future(request())
                for _ in range(steps):
                    await asyncio.sleep(0)
                time.sleep(wait_s)  # noqa: ASYNC251 (the loop must not go on while the thread works)
                task.cancel()
                await asyncio.wait([task])
            await asyncio.get_running_loop().shutdown_default_executor()
            gc.collect()
    assert [str(complaint.message) for complaint in complaints] == []


async def test_a_cancelled_call_ends_at_once_and_leaves_nothing_behind(server: Any) -> None:
    settings = ModelSettings(model="hosted_vllm/test", api_base=server.url, timeout_s=60)
    task = asyncio.ensure_future(complete(settings, [{"role": "user", "content": "BEHAVE:hang"}], [], {}))
    await asyncio.to_thread(server.wait, "in_flight=1")
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 5
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_our_own_calls_are_not_priced_and_those_of_others_are(server: Any) -> None:
    settings = ModelSettings(model="hosted_vllm/test", api_base=server.url)
    ours = await complete(settings, HELLO, TOOLS, {})
    assert asyncio.all_tasks() == {asyncio.current_task()}
    theirs = await litellm().acompletion(
        model="gpt-4o-mini", messages=HELLO, mock_response="hello", caching=False
    )
    assert ours._hidden_params["response_cost"] is None
    assert theirs._hidden_params["response_cost"] > 0


async def test_a_stream_leaves_no_task_behind(server: Any) -> None:
    settings = ModelSettings(model="hosted_vllm/test", api_base=server.url)
    chunks = [chunk async for chunk in stream(settings, HELLO, [], {})]
    assert chunks[-1].usage.prompt_tokens == 100
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
