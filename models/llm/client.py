"""The only place that imports LiteLLM: one request out, one answer or one of our errors back."""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from inspect import isawaitable, iscoroutine
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from taxonaut.models.llm.errors import silent, translated
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelNotFoundError, ModelTimeoutError


class Droppable(Coroutine[Any, Any, Any]):
    """A coroutine that is closed, and so says nothing, when it is dropped."""

    def __init__(self, held: Coroutine[Any, Any, Any]) -> None:
        self.held = held

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self.held.__await__())  # this object lives for as long as it is awaited

    def send(self, value: Any) -> Any:
        """Resume the coroutine with a value."""
        return self.held.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error inside the coroutine."""
        return self.held.throw(*error)

    def close(self) -> None:
        """End the coroutine; one that never began does not complain."""
        self.held.close()

    def __del__(self) -> None:
        self.close()


def droppable(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that may return a coroutine: a caller that is cancelled may drop it."""

    @wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        made = call(*arguments, **named)
        return Droppable(made) if iscoroutine(made) else made

    return wrapped


LONGEST_WAIT_S = 60.0
"""No retry waits longer than this, whatever a server wishes."""

KEYLESS = "none"
"""Sent as the key to a server of one's own that asks for none."""

WRITES_SCHEMAS_SHORT = ("openai", "azure")
"""Providers whose models read a tool as a few lines of TypeScript and not as its JSON schema."""

HOLDERS: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
"""How many blocks of `session` are open on each loop."""


@lru_cache(maxsize=1)
def litellm() -> ModuleType:
    """Import LiteLLM once, offline: no price list from the network, no telemetry, no retries of its own.

    What its threads prepare for `acompletion` and `aembedding` may be dropped by a cancellation.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm as module

    module.telemetry = False
    module.suppress_debug_info = True
    module.num_retries = 0
    for made in ("completion", "embedding"):
        setattr(module.main, made, droppable(getattr(module.main, made)))
    price_nothing(module)
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    return module


@lru_cache(maxsize=1)
def internal_call() -> ContextVar[bool] | None:
    """Return the switch that makes LiteLLM leave out its logging, and with it a task no loop waits for."""
    litellm()
    try:
        from litellm._internal_context import is_internal_call
    except ImportError:
        return None
    return is_internal_call


def price_nothing(module: ModuleType) -> None:
    """Let LiteLLM look up no prices for our own calls: nothing here reads them, which are a third of a call."""
    try:
        from litellm._internal_context import is_internal_call

        logging_class = module.Logging
        price = logging_class.response_cost_calculator
    except (ImportError, AttributeError):
        return

    @wraps(price)
    def unless_ours(*arguments: Any, **named: Any) -> Any:
        return None if is_internal_call.get() else price(*arguments, **named)

    logging_class.response_cost_calculator = unless_ours


def register(provider: str, handler: Any) -> None:
    """Make `provider/…` a LiteLLM provider of ours; a second handler for it replaces the first."""
    module: Any = litellm()
    kept = [entry for entry in module.custom_provider_map if entry["provider"] != provider]
    module.custom_provider_map = [*kept, {"provider": provider, "custom_handler": handler}]
    module.utils.custom_llm_setup()


async def complete(
    settings: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> Any:
    """Send one chat completion; returns LiteLLM's ModelResponse. Raises TransientError or a ModelError."""
    return await sent(settings, litellm().acompletion, completion_arguments(settings, messages, tools, extra))


async def stream(
    settings: ModelSettings, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Any]:
    """Send one chat completion and give LiteLLM's chunks as they come, the tokens used with the last ones.

    The model may call tools or write text. The time limit is for each chunk. Raises as `complete` does.
    """
    free = {"tool_choice": "auto"} if tools else {}
    extra = {**free, "stream": True, "stream_options": {"include_usage": True}}
    arguments = completion_arguments(settings, messages, tools, extra)
    chunks = await sent(settings, litellm().acompletion, arguments)
    try:
        while (chunk := await sent(settings, anext, {}, chunks, None)) is not None:
            yield chunk
    finally:
        if (end := getattr(chunks, "aclose", None)) is not None:
            await end()


def completion_arguments(
    settings: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """What a chat completion says; `extra` comes last."""
    arguments = {
        **common(settings),
        "messages": list(messages),
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
        "drop_params": True,
    }
    if tools:
        arguments["tools"] = list(tools)
        arguments["tool_choice"] = tool_choice(settings, tools)
    return {**arguments, **extra}


async def embed(settings: ModelSettings, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Send one embedding request; returns the rows of the answer, in order."""
    arguments = {**common(settings), "input": list(texts), "encoding_format": "float"}
    async with session():
        answer = await sent(settings, litellm().aembedding, arguments)
    rows: list[dict[str, Any]] = answer.data
    return rows


def token_count(model: str, text: str) -> int:
    """Count a text's tokens by LiteLLM's tokenizer for this model; nothing is fetched."""
    return int(litellm().token_counter(model=model, text=text))


def tool_tokens(model: str, tool: Mapping[str, Any]) -> int | None:
    """Count a tool as OpenAI does, which writes its schema down in few words; None for other providers' models."""
    module = litellm()
    try:
        provider = module.get_llm_provider(model)[1]
    except module.exceptions.BadRequestError:
        return None
    if provider not in WRITES_SCHEMAS_SHORT:
        return None
    messages = [{"role": "user", "content": "-"}]
    alone = module.token_counter(model=model, messages=messages)
    return int(module.token_counter(model=model, messages=messages, tools=[tool]) - alone)


def common(settings: ModelSettings) -> dict[str, Any]:
    """What every request says: the model, its server, its key, one try, a finite wait."""
    arguments: dict[str, Any] = {
        "model": settings.model,
        "timeout": settings.patience_s,
        "num_retries": 0,
        "max_retries": 0,
        "caching": False,
    }
    if settings.api_base:
        arguments["api_base"] = checked_url(settings)
    if (key := api_key(settings)) is not None:
        arguments["api_key"] = key
    return arguments


def checked_url(settings: ModelSettings) -> str:
    """Return `api_base`; ModelNotFoundError if it is no URL."""
    url = settings.api_base or ""
    if re.match(r"https?://[\w.-]|https?://\[[0-9a-fA-F:]+\]", url):
        return url
    raise ModelNotFoundError(
        f"{settings.model!r} has the `api_base` {url!r}, which is no URL; write one such as http://127.0.0.1:8000/v1"
    )


async def sent(
    settings: ModelSettings, call: Callable[..., Awaitable[Any]], arguments: Mapping[str, Any], *given: Any
) -> Any:
    """Await one call of LiteLLM's under the request's time limit, and translate what it raises."""
    unlogged = internal_call()
    token = unlogged.set(True) if unlogged is not None else None
    try:
        async with asyncio.timeout(settings.patience_s + 1):
            return await call(*given, **arguments)
    except TimeoutError:
        raise silent(settings) from None
    except litellm().exceptions.openai.OpenAIError as error:
        raise translated(settings, error) from error
    finally:
        if unlogged is not None and token is not None:
            unlogged.reset(token)


def tool_choice(settings: ModelSettings, tools: Sequence[Mapping[str, Any]]) -> Any:
    """Return the `tool_choice` that this server understands."""
    if settings.tool_choice == "named" and len(tools) == 1:
        return {"type": "function", "function": {"name": tools[0]["function"]["name"]}}
    return settings.tool_choice if settings.tool_choice != "named" else "required"


def api_key(settings: ModelSettings) -> str | None:
    """Read the key from the environment; a server of one's own gets a placeholder where none is named."""
    if settings.api_key_env is None:
        return KEYLESS if settings.api_base else None
    key = os.environ.get(settings.api_key_env)
    if not key:
        raise ModelNotFoundError(
            f"the environment variable {settings.api_key_env!r} is not set, and {settings.model!r} takes its "
            "key from it; set it, or name another with `api_key_env` in taxonaut.toml"
        )
    return key


def past_deadline(settings: ModelSettings) -> ModelTimeoutError:
    """The error of a decision whose deadline passed."""
    return ModelTimeoutError(
        f"{settings.model!r} gave no valid answer within its deadline of {settings.deadline_s:g} s; "
        "raise `deadline_s` in taxonaut.toml, or ask a faster model"
    )


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    """Keep LiteLLM's connections on the running loop open; the last block on it to end closes them.

    Blocks may nest and overlap. A loop that ends outside every block leaves its sockets behind.
    """
    loop = asyncio.get_running_loop()
    HOLDERS[loop] = HOLDERS.get(loop, 0) + 1
    try:
        yield
    finally:
        HOLDERS[loop] -= 1
        if not HOLDERS[loop]:
            del HOLDERS[loop]
            await close()


def client_keys() -> list[str]:
    """Under which keys LiteLLM keeps HTTP clients for the running loop: the loop ends them, as LiteLLM names it."""
    cache = litellm().in_memory_llm_clients_cache
    of_this_loop = cache.update_cache_key_with_event_loop("")
    return [key for key in list(cache.cache_dict) if key.endswith(of_this_loop)]


async def close() -> None:
    """Close the HTTP clients that LiteLLM keeps for the running loop, and forget them.

    LiteLLM itself does so when Python ends, where their loop is gone and Python complains of each connection.
    """
    if litellm.cache_info().currsize == 0:
        return
    kept: dict[str, Any] = litellm().in_memory_llm_clients_cache.cache_dict
    clients = [kept.pop(key) for key in client_keys()]
    for client in clients:
        end = getattr(client, "aclose", None) or getattr(client, "close", None)
        ended = end() if end is not None else None
        if isawaitable(ended):
            await ended
