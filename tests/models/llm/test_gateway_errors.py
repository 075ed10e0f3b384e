"""What the gateway says when a model misbehaves: its name, what was wrong, the way out."""

from typing import Any

import pytest

from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import (
    ModelError,
    ModelNotFoundError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from taxonaut.tools.expand_node import expand_node_spec


def ask_about(text: str) -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
    tool = expand_node_spec(3, 2)
    return ModelRequest(
        "Choose.", "1. a 2. b 3. c", f"Text: {text}", "Text:", text, tool, "branches", choices, 2
    )


def role(server: Any, **changes: Any) -> ModelSettings:
    given = {"model": "hosted_vllm/test", "api_base": server.url, "backoff_s": 0, "timeout_s": 10}
    return ModelSettings(**{**given, **changes})


async def refusal(settings: ModelSettings, text: str) -> ModelError:
    (error,) = await Gateway(settings).answer([ask_about(text)])
    assert isinstance(error, ModelError)
    return error


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
        'ask a model that calls tools, or set `tool_choice = "text"` in taxonaut.toml'
    )
    assert server.stats()["requests"] == 3


async def test_without_repairs_one_fault_is_enough(server: Any) -> None:
    error = await refusal(role(server, repairs=0), "BEHAVE:prose")
    assert "in 1 tries" in str(error)
    assert server.stats()["requests"] == 1


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
