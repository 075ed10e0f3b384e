"""The table of servers in docs/models.md: each server is imitated as it answers a request for a tool call."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fault_server
import pytest
from fault_server import Body, FaultServer, Raw, packed

from taxonaut.models.chat_model import ChatReply
from taxonaut.models.llm.chat import LiteLLMChatModel
from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelError
from taxonaut.state.records import ToolSpec
from taxonaut.tools.expand_node import expand_node_spec

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

CALL = {"name": "expand_node", "arguments": {"branches": [2]}}
TEXT = json.dumps(CALL)


def reply(message: dict[str, Any], finish: str = "stop") -> Raw:
    """An OpenAI-shaped reply."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    return Raw(
        packed(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "usage": usage,
            }
        )
    )


def call(arguments: Any = None, name: str = "expand_node") -> dict[str, Any]:
    """A message with a tool call."""
    given = json.dumps(CALL["arguments"]) if arguments is None else arguments
    return {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": name, "arguments": given}}]}


def refused(status: int, message: str) -> Raw:
    return Raw(packed({"error": {"message": message, "type": "invalid_request_error"}}), status)


def openai(body: Body) -> Raw:
    assert body["tool_choice"] == "required"
    return reply(call(), "tool_calls")


def vllm(body: Body) -> Raw:
    """Guided decoding for `required`; `auto` needs a flag."""
    if body.get("tool_choice") == "auto":
        return refused(
            400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        )
    return reply(call(), "stop")


def vllm_qwen(body: Body) -> Raw:
    """A reasoning model without a parser: the thought stands before the call, and is long."""
    if body["max_tokens"] < 1024:
        return reply({"content": "<think>The text is about"}, "length")
    return reply(
        {"content": f"<think>\nThe text is about [2].\n</think>\n\n<tool_call>\n{TEXT}\n</tool_call>"}
    )


def ollama(body: Body) -> Raw:
    """Its own protocol: arguments are an object, there are no ids."""
    assert "tool_choice" not in body
    message = {"role": "assistant", "content": "", "tool_calls": [{"function": CALL}]}
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "stop"}
    return Raw(packed({**head, "message": message, "prompt_eval_count": 9, "eval_count": 3}))


def ollama_v1(_: Body) -> Raw:
    """Its OpenAI-shaped side leaves `tool_choice` unread; small models write the call as text."""
    return reply({"content": TEXT})


def no_tools(body: Body) -> Raw:
    if "tools" in body:
        return refused(400, "registry.ollama.ai/library/gemma3:1b does not support tools")
    assert '"name": "expand_node"' in body["messages"][0]["content"]
    return reply({"content": f"```json\n{TEXT}\n```"})


def llama_cpp(_: Body) -> Raw:
    return reply(call(), "tool_calls")


def llama_cpp_without_jinja(body: Body) -> Raw:
    return refused(500, "tools param requires --jinja flag") if "tools" in body else reply({"content": TEXT})


def lm_studio(body: Body) -> Raw:
    """Models without a format of their own get LM Studio's."""
    if not isinstance(body["tool_choice"], str):
        return refused(
            400, "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
        )
    return reply({"content": f"[TOOL_REQUEST]{TEXT}[END_TOOL_REQUEST]"})


def tgi(_: Body) -> Raw:
    """Arguments as an object."""
    return reply(call(CALL["arguments"]), "stop")


def deepseek(body: Body) -> Raw:
    if "tools" in body:
        return refused(400, "deepseek-reasoner does not support Function Calling")
    return reply({"content": TEXT, "reasoning_content": "The text is about [1]? No."})


def sglang(_: Body) -> Raw:
    """A reasoning parser that takes the whole answer for a thought."""
    return reply({"content": None, "reasoning_content": f"It is the second.</think>{TEXT}"})


def kimi(_: Body) -> Raw:
    return reply(call(name="functions.expand_node:0"), "tool_calls")


def mistral(_: Body) -> Raw:
    return reply({"content": f"[TOOL_CALLS] [{TEXT}]"})


def legacy(_: Body) -> Raw:
    function = {"name": "expand_node", "arguments": json.dumps(CALL["arguments"])}
    return reply({"function_call": function}, "function_call")


@dataclass(frozen=True)
class Imitation:
    """A server, the settings of the table, and the setting that its refusal names without them."""

    answer: Callable[[Body], Raw]
    settings: dict[str, Any] = field(default_factory=dict)
    model: str = "openai/local"
    hint: str = ""


AUTO, AS_TEXT = {"tool_choice": "auto"}, {"tool_choice": "text"}

SERVERS = {
    "OpenAI": Imitation(openai),
    "vLLM": Imitation(vllm, model="hosted_vllm/m"),
    "vLLM, reasoning model": Imitation(vllm_qwen, model="hosted_vllm/m"),
    "Ollama": Imitation(ollama, AUTO, model="ollama_chat/m"),
    "Ollama, /v1": Imitation(ollama_v1),
    "Ollama, model without tools": Imitation(no_tools, AS_TEXT, hint='`tool_choice = "text"`'),
    "llama.cpp server": Imitation(llama_cpp),
    "llama.cpp server without --jinja": Imitation(
        llama_cpp_without_jinja, AS_TEXT, hint='`tool_choice = "text"`'
    ),
    "LM Studio": Imitation(lm_studio),
    "TGI": Imitation(tgi),
    "DeepSeek reasoner": Imitation(deepseek, AS_TEXT, hint='`tool_choice = "text"`'),
    "SGLang, reasoning parser": Imitation(sglang),
    "Kimi K2": Imitation(kimi),
    "Mistral, raw": Imitation(mistral),
    "function_call": Imitation(legacy),
}


@pytest.fixture(scope="module")
def running() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def role(server: FaultServer, made: Imitation, **changes: Any) -> ModelSettings:
    base = server.url.removesuffix("/v1") if made.model.startswith("ollama") else server.url
    return ModelSettings(model=made.model, api_base=base, backoff_s=0, attempts=2, timeout_s=5, **changes)


def expand() -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
    return ModelRequest(
        "Choose.", "1. a 2. b", "a fox", "", "a fox", expand_node_spec(3, 2), "branches", choices, 2
    )


async def ask(settings: ModelSettings) -> ModelReply | ModelError:
    (found,) = await Gateway(settings).answer([expand()])
    return found


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_with_the_settings_of_the_table(running: FaultServer, name: str) -> None:
    made = SERVERS[name]
    running.imitate = made.answer
    found = await ask(role(running, made, **made.settings))
    assert isinstance(found, ModelReply), found
    assert found.chosen == (2,)


@pytest.mark.parametrize("name", [name for name, made in SERVERS.items() if made.hint])
async def test_without_them_the_error_names_the_setting(running: FaultServer, name: str) -> None:
    made = SERVERS[name]
    running.imitate = made.answer
    found = await ask(role(running, made))
    assert isinstance(found, ModelError)
    assert made.hint in str(found)


async def test_vllm_without_its_flag_names_the_setting(running: FaultServer) -> None:
    running.imitate = vllm
    found = await ask(role(running, SERVERS["vLLM"], tool_choice="auto"))
    assert 'set `tool_choice = "text"` in taxonaut.toml' in str(found)


def test_every_server_is_in_the_table() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "models.md").read_text(encoding="utf-8")
    assert [name for name in SERVERS if f"| {name} |" not in page] == []


FIND = ToolSpec(
    "find", "Find.", {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
)


async def test_a_conversation_without_tools(running: FaultServer) -> None:
    """The tools are described, calls and results are text, and a text that is no call stays a text."""
    asked: list[Body] = []

    def answer(body: Body) -> Raw:
        asked.append(body)
        text = '{"name": "find", "arguments": {"words": "fox"}}' if len(asked) == 1 else "There is a fox."
        chunks = [fault_server.delta({"content": text[:9]}), fault_server.delta({"content": text[9:]})]
        end = {**chunks[0], "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        lines = [*map(json.dumps, [*chunks, end]), "[DONE]"]
        body_ = "".join(f"data: {line}\n\n" for line in lines)
        return Raw(body_.encode(), headers={"content-type": "text/event-stream"})

    running.imitate = answer
    model = LiteLLMChatModel(role(running, Imitation(answer), tool_choice="text"))
    pieces: list[str] = []
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "a fox?"},
    ]
    first = await model.reply(messages, [FIND], pieces.append)
    assert isinstance(first, ChatReply)
    assert ([(each.name, each.arguments) for each in first.calls], pieces) == (
        [("find", {"words": "fox"})],
        [],
    )
    function = {"name": "find", "arguments": '{"words": "fox"}'}
    messages += [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "fox"},
    ]
    second = await model.reply(messages, [FIND], pieces.append)
    assert (second.text, second.calls, "".join(pieces)) == ("There is a fox.", (), "There is a fox.")
    assert "tools" not in asked[1]
    assert [message["role"] for message in asked[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert asked[1]["messages"][3]["content"] == "Result of the tool: fox"
