"""The only module that calls LiteLLM: one request out, one answer or one of our errors back.

Nothing of LiteLLM is replaced. A call of ours brings its own HTTP client, its own record for LiteLLM's logging, and
`num_retries=0`; what is left for the whole process are two public settings, which keep LiteLLM off the terminal.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4
from weakref import WeakKeyDictionary

from taxonaut.models.llm.errors import no_answer_in_time, translate_error, unreadable_reply
from taxonaut.models.llm.prices import prices_of
from taxonaut.models.llm.redaction import redact_url
from taxonaut.models.llm.reply_size import LIMIT, MEGABYTE, ReplyLimit, limit_reply
from taxonaut.models.llm.text_calls import ask_as_text
from taxonaut.models.settings import ModelSettings
from taxonaut.state import telemetry
from taxonaut.state.errors import ModelNotFoundError, TaxonautError

KEYLESS = "none"
"""Sent as the key to a self-hosted server that asks for none."""

WRITES_SCHEMAS_SHORT = ("openai", "azure")
"""Providers whose models read a tool as TypeScript, shorter than its JSON schema."""

Kind = Literal["acompletion", "aembedding"]
"""LiteLLM's functions that are called."""

IMPORT_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
"""While LiteLLM is imported: take the price list of the package, not the network's, and read no `.env` file."""

SDK_PROVIDERS = frozenset({"openai", "litellm_proxy", "llamafile", "lm_studio"})
"""Providers that LiteLLM calls through the `openai` package, and that take a client of it."""

HTTP_PROVIDERS: Mapping[Kind, frozenset[str]] = {
    "acompletion": frozenset(
        {
            "anthropic",
            "azure_ai",
            "databricks",
            "deepseek",
            "fireworks_ai",
            "gemini",
            "groq",
            "hosted_vllm",
            "huggingface",
            "mistral",
            "ollama",
            "ollama_chat",
            "openrouter",
            "together_ai",
            "xai",
        }
    ),
    "aembedding": frozenset({"databricks", "hosted_vllm", "llamafile", "lm_studio", "openrouter"}),
}
"""Providers that take LiteLLM's own HTTP client, by function. LiteLLM keeps the connections of all others."""

AS_TEXT = "text"
"""The `tool_choice` of a server that knows no tools."""

STREAMED, VECTORS = 8, 16
"""How many times `max_reply_mb` a streamed reply and one with vectors may have."""

PREPARED: ContextVar["asyncio.Future[None] | None"] = ContextVar("taxonaut_request_prepared", default=None)
"""Set once the running call of LiteLLM has left the thread in which LiteLLM prepares it."""


@lru_cache(maxsize=1)
def litellm() -> ModuleType:
    """Import LiteLLM once, offline.

    LiteLLM takes both settings from the environment only, while it is imported: afterwards the environment is as it
    was. The two settings of the module have no counterpart in a call: at an error LiteLLM would print advice to
    standard output, and warnings to standard error.
    """
    with environment(IMPORT_ENVIRONMENT):
        import litellm as module
    module.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    return module


async def load_litellm() -> ModuleType:
    """Return LiteLLM; the import, which takes seconds, is done in a thread, so that the running loop goes on."""
    return litellm() if litellm.cache_info().currsize else await asyncio.to_thread(litellm)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are not set, for as long as the block lasts."""
    added = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


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
    """Send one chat completion; returns LiteLLM's ModelResponse. Raises TransientError or a ModelError.

    `extra` is more arguments of `litellm.acompletion`; they replace those that come from the settings.
    """
    return await send(settings, "acompletion", completion_arguments(settings, messages, tools, extra))


async def stream(
    settings: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> AsyncGenerator[Any, None]:
    """Send one chat completion and yield LiteLLM's chunks as they come, the tokens used with the last ones.

    The timeout is for each chunk. Raises as `complete` does.
    """
    streaming = {"stream": True, "stream_options": {"include_usage": True}}
    arguments = completion_arguments(settings, messages, tools, {**extra, **streaming})
    async with session():
        chunks = await send(settings, "acompletion", arguments)
        try:
            while (chunk := await next_chunk(settings, chunks)) is not None:
                yield chunk
        finally:
            if (end := getattr(chunks, "aclose", None)) is not None:
                await end()


async def next_chunk(settings: ModelSettings, chunks: AsyncIterator[Any]) -> Any:
    """Wait for the next chunk; None after the last."""
    async with limits(settings):
        return await anext(chunks, None)


async def embed(settings: ModelSettings, texts: Sequence[str]) -> Any:
    """Send one embedding request; returns the rows of the reply as they came, unchecked."""
    arguments = {**common(settings), "input": list(texts), "encoding_format": "float"}
    return getattr(await send(settings, "aembedding", arguments), "data", None)


def completion_arguments(
    settings: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the arguments of a chat completion; `extra` comes last."""
    return {**common(settings), **asked(settings, messages, tools, extra), "drop_params": True}


def asked(
    settings: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a chat completion asks for, without server, key and timeouts; `extra` comes last."""
    arguments: dict[str, Any] = {
        "messages": list(messages),
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
    }
    if tools:
        arguments["tools"] = list(tools)
        arguments["tool_choice"] = tool_choice(settings, tools)
    arguments |= extra
    if tools and settings.tool_choice == AS_TEXT and not settings.in_process:
        optional = arguments.pop("tool_choice") == "auto"
        arguments["messages"] = ask_as_text(messages, arguments.pop("tools"), optional=optional)
    return arguments


def common(settings: ModelSettings) -> dict[str, Any]:
    """Return the arguments of every request: model, server, key, one try, timeout."""
    arguments: dict[str, Any] = {
        "model": settings.model,
        "timeout": settings.request_timeout_s,
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
        f"{settings.model!r} has the `api_base` {redact_url(url)!r}, which is no URL; write one such as http://127.0.0.1:8000/v1"
    )


def tool_choice(settings: ModelSettings, tools: Sequence[Mapping[str, Any]]) -> Any:
    """Return the `tool_choice` that this server understands."""
    if settings.tool_choice == "named" and len(tools) == 1:
        return {"type": "function", "function": {"name": tools[0]["function"]["name"]}}
    return settings.tool_choice if settings.tool_choice == "auto" else "required"


def api_key(settings: ModelSettings) -> str | None:
    """Read the key from the environment; a self-hosted server gets a placeholder where none is named."""
    if settings.api_key_env is None:
        return KEYLESS if settings.api_base else None
    key = os.environ.get(settings.api_key_env)
    if not key:
        raise ModelNotFoundError(
            f"the environment variable {settings.api_key_env!r} is not set, and {settings.model!r} takes its "
            "key from it; set it, or name another with `api_key_env` in taxonaut.toml"
        )
    return key


async def send(settings: ModelSettings, kind: Kind, arguments: Mapping[str, Any]) -> Any:
    """Call LiteLLM over connections of ours, within the role's timeout."""
    function = getattr(await load_litellm(), kind)  # imported before the clock runs
    record = quiet_log(kind, arguments)
    with call_span(settings, kind, arguments) as span:
        async with session() as connections, limits(settings):
            client = connections.client_for(settings, kind, arguments)
            own = {"client": client} if client is not None else {}
            call = function(**arguments, **own, **record)
            LIMIT.set(reply_limit(settings, kind, arguments))
            reply = await undropped(call, tells_when_prepared=client is not None or settings.in_process)
        if span is not None:
            describe_reply(span, settings, reply)
        return reply


def call_span(
    settings: ModelSettings, kind: Kind, arguments: Mapping[str, Any]
) -> AbstractContextManager[Any]:
    """Make the span of a call; see `state.telemetry`. Its server is the host, without anything secret in its URL."""
    given = {
        "gen_ai.request.max_tokens": arguments.get("max_tokens"),
        "gen_ai.request.temperature": arguments.get("temperature"),
        "gen_ai.request.seed": arguments.get("seed"),
        "server.address": urlsplit(settings.api_base).hostname if settings.api_base else None,
    }
    operation = "chat" if kind == "acompletion" else "embeddings"
    return telemetry.call_span(operation, settings.model.partition("/")[2], settings.provider, given)


def describe_reply(span: Any, settings: ModelSettings, reply: Any) -> None:
    """Say in a call's span what came back: model, why it ended, tokens, and what they cost where that is known."""
    usage = getattr(reply, "usage", None)
    read, written = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    if isinstance(model := getattr(reply, "model", None), str):
        span.set_attribute("gen_ai.response.model", model)
    ends = [getattr(choice, "finish_reason", None) for choice in getattr(reply, "choices", None) or ()]
    if known := [end for end in ends if isinstance(end, str)]:
        span.set_attribute("gen_ai.response.finish_reasons", known)
    if isinstance(read, int):
        span.set_attribute("gen_ai.usage.input_tokens", read)
    if isinstance(written, int):
        span.set_attribute("gen_ai.usage.output_tokens", written)
    if isinstance(read, int) and isinstance(written, int) and (prices := prices_of(settings)) is not None:
        span.set_attribute("taxonaut.cost", prices.cost(read, written))


def reply_limit(settings: ModelSettings, kind: Kind, arguments: Mapping[str, Any]) -> ReplyLimit:
    """Return the limit of a reply: in a stream each token is a line of JSON, and vectors are thousands of digits."""
    streamed = bool(arguments.get("stream"))
    times = VECTORS if kind == "aembedding" else STREAMED if streamed else 1
    most = int(settings.max_reply_mb * MEGABYTE) * times
    return ReplyLimit(most, json=kind == "acompletion" and not streamed)


@asynccontextmanager
async def limits(settings: ModelSettings) -> AsyncIterator[None]:
    """Limit a wait to the role's timeout, and translate what LiteLLM raises."""
    from openai import OpenAIError

    try:
        async with asyncio.timeout(settings.request_timeout_s + 1):
            yield
    except TimeoutError:
        raise no_answer_in_time(settings) from None
    except OpenAIError as error:
        raise translate_error(settings, error) from None  # its own text may hold a key
    except TaxonautError:
        raise
    except Exception as error:  # noqa: BLE001 – whatever LiteLLM stumbles over in a reply
        raise unreadable_reply(settings, error) from None


async def undropped(call: Coroutine[Any, Any, Any], *, tells_when_prepared: bool) -> Any:
    """Await a call of LiteLLM; a cancellation takes effect once LiteLLM's thread is done with it, in milliseconds.

    LiteLLM prepares a request in a thread, which hands back a coroutine to await. If the call were cancelled
    meanwhile, that coroutine would be dropped, and Python would print `coroutine … was never awaited`. Of a client
    that LiteLLM makes itself nobody hears when the thread is done: such a call ends at once.
    """
    prepared = asyncio.get_running_loop().create_future()
    if not tells_when_prepared:
        prepared.set_result(None)
    token = PREPARED.set(prepared)
    task = asyncio.ensure_future(call)
    PREPARED.reset(token)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task, prepared}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            await asyncio.wait({task})
        raise


async def tell_prepared(*_: Any) -> None:
    """Signal to `undropped` that the request is sent now; a hook of our HTTP clients and providers."""
    prepared = PREPARED.get()
    if prepared is not None and not prepared.done():
        prepared.set_result(None)


def quiet_log(kind: Kind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the argument that keeps LiteLLM from pricing and logging an answer; empty if callbacks are registered.

    Prices and log records cost a third of a call, and leave tasks on the loop that nobody waits for. Whoever has
    registered callbacks with LiteLLM sees our calls with both.
    """
    module = litellm()
    if module.logging_callback_manager.get_all_callbacks():
        return {}
    record = quiet_logging()(
        model=arguments["model"],
        messages=arguments.get("messages", arguments.get("input")),
        stream=arguments.get("stream", False),
        call_type=kind,
        start_time=datetime.now(),  # as LiteLLM has it: local, without a zone
        litellm_call_id=str(uuid4()),
        function_id="",
    )
    record.update_environment_variables(
        model=arguments["model"],
        user="",
        optional_params={},
        litellm_params={"api_base": ""},
        stream_options=arguments.get("stream_options"),
    )
    return {"litellm_logging_obj": record}


@lru_cache(maxsize=1)
def quiet_logging() -> Any:
    """Return a class of LiteLLM's log records that looks up no price and logs no success."""

    class QuietLogging(litellm().Logging):  # type: ignore[misc]
        """The record of one call."""

        def response_cost_calculator(self, *_: Any, **__: Any) -> None:
            """Look up no price."""

        def claim_async_success_log(self) -> bool:
            """Leave no task behind that logs the answer."""
            return False

        async def dispatch_success_handlers(self, *_: Any, **__: Any) -> None:
            """Log no answer that was streamed."""

    return QuietLogging


class Connections:
    """The HTTP clients for one event loop, opened when needed."""

    def __init__(self) -> None:
        self.holders = 0
        self.http: Any = None
        self.sdk: dict[tuple[Any, Any], Any] = {}

    def client_for(self, settings: ModelSettings, kind: Kind, arguments: Mapping[str, Any]) -> Any:
        """Return the client that a call takes; None where LiteLLM takes none."""
        if settings.provider in HTTP_PROVIDERS[kind]:
            return self.handler()
        if settings.provider in SDK_PROVIDERS:
            return self.sdk_client(settings, arguments)
        return None

    def handler(self) -> Any:
        """Return the HTTP client that all calls share, as LiteLLM wraps it."""
        if self.http is None:
            hooks = {"request": [tell_prepared], "response": [limit_reply]}
            self.http = litellm().AsyncHTTPHandler(event_hooks=hooks)
            self.http.client = self.http.client  # one that is set is its owner's to close
            self.http.client.headers["accept-encoding"] = "identity"
        return self.http

    def sdk_client(self, settings: ModelSettings, arguments: Mapping[str, Any]) -> Any:
        """Return the client of the `openai` package for a server and a key; OpenAIError where there is no key."""
        from openai import AsyncOpenAI

        given = arguments.get("api_base"), arguments.get("api_key")
        if given not in self.sdk:
            _, _, key, base = litellm().get_llm_provider(settings.model, api_base=given[0], api_key=given[1])
            base = base or given[0] or os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE")
            http_client = self.handler().client
            self.sdk[given] = AsyncOpenAI(
                api_key=key or given[1], base_url=base, http_client=http_client, max_retries=0
            )
        return self.sdk[given]

    async def close(self) -> None:
        """Close all connections."""
        if self.http is not None:
            await self.http.client.aclose()


OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()
"""The connections of each loop with an open `session`."""


@asynccontextmanager
async def session() -> AsyncIterator[Connections]:
    """Keep connections on the running loop open; the last block on it to end closes them.

    Blocks may nest and overlap. Every call opens one, so that a call outside a block leaves no socket behind.
    """
    loop = asyncio.get_running_loop()
    connections = OPEN.setdefault(loop, Connections())
    connections.holders += 1
    try:
        yield connections
    finally:
        connections.holders -= 1
        if not connections.holders:
            del OPEN[loop]
            await connections.close()


def token_count(model: str, text: str) -> int:
    """Count a text's tokens by LiteLLM's tokenizer for this model; nothing is fetched."""
    return int(litellm().token_counter(model=model, text=text))


def tool_tokens(model: str, tool: Mapping[str, Any]) -> int | None:
    """Count a tool's tokens as OpenAI does, which shortens its schema; None for other providers' models."""
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
