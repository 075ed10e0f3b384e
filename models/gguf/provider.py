"""Register `gguf/…` as a LiteLLM provider of chat models run by llama.cpp in this process."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from taxonaut.models.gguf.tool_call import Generated, GgufChat, Sampling
from taxonaut.models.llm.client import litellm, register, tell_prepared
from taxonaut.models.llm.pydantic_model import ADAPTER, ANSWER, REQUEST
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.state.errors import ModelNotFoundError

PROVIDER = "gguf"
MOST_OPEN = 4
"""Maximum chat models open at once; the least recently used is closed."""

OPEN: "OrderedDict[tuple[str, str, str], GgufChat]" = OrderedDict()


def register_gguf() -> None:
    """Register `gguf/…` with LiteLLM, once."""
    handler()


@lru_cache(maxsize=1)
def handler() -> Any:
    """Return the registered handler; its class is made here because LiteLLM is imported on use."""

    class GgufHandler(litellm().CustomLLM):  # type: ignore[misc]
        """Answers `litellm.completion` and `litellm.acompletion` for gguf/… models."""

        async def acompletion(self, *_: Any, **given: Any) -> Any:
            """Answer one chat completion; where the arguments hold a ModelRequest, that is answered."""
            await tell_prepared()
            return await complete_chat(given["model"], given["messages"], given["optional_params"])

        def completion(self, *_: Any, **given: Any) -> Any:
            """Answer one chat completion synchronously; see `acompletion`."""
            return asyncio.run(complete_chat(given["model"], given["messages"], given["optional_params"]))

    made = GgufHandler()
    register(PROVIDER, made)
    return made


def open_chat(model: str, answer: Literal["generated", "scored"], adapter: str | None = None) -> GgufChat:
    """Open a chat model by name or path, or return the open one. Raises ModelNotFoundError.

    `adapter` is the path of a LoRA adapter, a GGUF file.
    """
    key = (model, answer, adapter or "")
    if key not in OPEN:
        OPEN[key] = GgufChat(model, answer=answer, adapter=check_adapter(adapter))
    OPEN.move_to_end(key)
    while len(OPEN) > MOST_OPEN:
        OPEN.popitem(last=False)[1].close()
    return OPEN[key]


def check_adapter(adapter: str | None) -> Path | None:
    """Return the path of an adapter. Raises ModelNotFoundError if there is no such file."""
    if adapter is None:
        return None
    if not (path := Path(adapter).expanduser()).is_file():
        raise ModelNotFoundError(
            f"there is no adapter {adapter!r}; correct `adapter` in taxonaut.toml, or leave it out to use the model "
            "as it is"
        )
    return path.resolve()


async def complete_chat(model: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Any:
    """Answer with a tool call or text, as LiteLLM's ModelResponse."""
    chat = open_chat(model, options.get(ANSWER, "generated"), options.get(ADAPTER))
    sampling = Sampling(
        options.get("temperature") or 0.0, options.get("seed") or 0, options.get("max_tokens")
    )
    request = options.get(REQUEST)
    if isinstance(request, ModelRequest):
        return response_from_reply(model, request, await asyncio.wrap_future(chat.submit(request, sampling)))
    tools = options.get("tools") or ()
    return response_from_generated(
        model, await asyncio.wrap_future(chat.submit_messages(messages, tools, sampling))
    )


def response_from_reply(model: str, request: ModelRequest, reply: ModelReply) -> Any:
    """Return a reply as LiteLLM's ModelResponse, with its scores in the hidden parameters."""
    usage = reply.usage
    response = model_response(model, None, request.tool.name, reply.arguments, usage)
    response._hidden_params[REQUEST] = {"scores": dict(reply.scores)} if reply.scores is not None else {}
    return response


def response_from_generated(model: str, written: Generated) -> Any:
    """Return generated output as LiteLLM's ModelResponse."""
    return model_response(model, written.text or None, written.tool, written.arguments, written.usage)


def model_response(model: str, text: str | None, tool: str, arguments: Mapping[str, Any], usage: Any) -> Any:
    """Return LiteLLM's ModelResponse with a text or one tool call."""
    module = litellm()
    calls = None
    if tool:
        function = {"name": tool, "arguments": json.dumps(dict(arguments))}
        calls = [{"id": "call_1", "type": "function", "function": function}]
    message = module.Message(role="assistant", content=text, tool_calls=calls)
    return module.ModelResponse(
        model=model,
        choices=[module.Choices(finish_reason="tool_calls" if tool else "stop", index=0, message=message)],
        usage=module.Usage(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.prompt_tokens + usage.completion_tokens,
            prompt_tokens_details={"cached_tokens": usage.reused_tokens},
        ),
    )
