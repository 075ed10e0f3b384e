"""The only place that imports LiteLLM: one request out, one answer or one of our errors back."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelError, ModelNotFoundError, ModelTimeoutError, ModelUnavailableError

LONGEST_WAIT_S = 60.0
"""No retry waits longer than this, whatever a server wishes."""

KEYLESS = "none"
"""Sent as the key to a server of one's own that asks for none."""


class TransientError(ModelUnavailableError):
    """Worth another try. `retry_after_s` is the server's own wish, if it had one."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@lru_cache(maxsize=1)
def litellm() -> ModuleType:
    """Import LiteLLM once, offline: no price list from the network, no telemetry, no retries of its own."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm as module

    module.telemetry = False
    module.suppress_debug_info = True
    module.num_retries = 0
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    return module


def register(provider: str, handler: Any) -> None:
    """Make `provider/…` a LiteLLM provider of ours; a second handler for it replaces the first."""
    module = litellm()
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
    arguments = {
        **common(settings),
        "messages": list(messages),
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
        "drop_params": True,
        **extra,
    }
    if tools:
        arguments["tools"] = list(tools)
        arguments["tool_choice"] = tool_choice(settings, tools)
    return await sent(settings, litellm().acompletion, arguments)


async def embed(settings: ModelSettings, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Send one embedding request; returns the rows of the answer, in order."""
    arguments = {**common(settings), "input": list(texts), "encoding_format": "float"}
    try:
        answer = await sent(settings, litellm().aembedding, arguments)
    finally:
        await close()
    rows: list[dict[str, Any]] = answer.data
    return rows


def common(settings: ModelSettings) -> dict[str, Any]:
    """What every request says: the model, its server, its key, one try, a finite wait."""
    arguments: dict[str, Any] = {
        "model": settings.model,
        "timeout": settings.timeout_s,
        "num_retries": 0,
        "max_retries": 0,
        "caching": False,
    }
    if settings.api_base:
        arguments["api_base"] = settings.api_base
    if (key := api_key(settings)) is not None:
        arguments["api_key"] = key
    return arguments


async def sent(settings: ModelSettings, call: Callable[..., Awaitable[Any]], arguments: Mapping[str, Any]) -> Any:
    """Await one call of LiteLLM's under the request's time limit, and translate what it raises."""
    try:
        async with asyncio.timeout(settings.timeout_s + 1):
            return await call(**arguments)
    except TimeoutError:
        raise TransientError(f"{settings.model!r} did not answer within {settings.timeout_s:g} s") from None
    except litellm().exceptions.openai.OpenAIError as error:
        raise translated(settings, error) from error


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
            f"the environment variable {settings.api_key_env!r} is not set; {settings.model!r} takes its key from it"
        )
    return key


def translated(settings: ModelSettings, error: Exception) -> ModelError:
    """Turn whatever LiteLLM raised into one of our errors, in one sentence without a traceback."""
    names = litellm().exceptions
    said = first_line(error)
    original = error.__cause__ or error.__context__
    if isinstance(original, ModelError):
        return original
    transient = (
        names.RateLimitError,
        names.InternalServerError,
        names.ServiceUnavailableError,
        names.APIConnectionError,
        names.Timeout,
        names.BadGatewayError,
    )
    if isinstance(error, transient):
        return TransientError(f"{settings.model!r}: {said}", retry_after(error))
    if isinstance(error, names.NotFoundError):
        return ModelNotFoundError(f"there is no model {settings.model!r} at its server: {said}")
    if isinstance(error, names.AuthenticationError):
        named = settings.api_key_env or "the provider's own variable"
        return ModelNotFoundError(f"{settings.model!r} refused the key (taken from {named}): {said}")
    if isinstance(error, names.BadRequestError) and "LLM Provider NOT provided" in str(error):
        return ModelNotFoundError(
            f"{settings.model!r} is no model string: write provider/model, such as openai/gpt-4.1-mini, "
            "hosted_vllm/…, ollama/…, gguf/… or encoder/…"
        )
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 500:
        return TransientError(f"{settings.model!r}: {said}", retry_after(error))
    return ModelUnavailableError(f"{settings.model!r} refused the request: {said}")


def first_line(error: Exception) -> str:
    """The first line of an error's text, bounded."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def retry_after(error: Exception) -> float | None:
    """Read the server's `retry-after` header, in seconds."""
    response = getattr(error, "response", None)
    value = getattr(response, "headers", {}).get("retry-after") if response is not None else None
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def missing_model_timeout(settings: ModelSettings) -> ModelTimeoutError:
    """The error of a decision whose deadline passed."""
    return ModelTimeoutError(
        f"{settings.model!r} gave no valid answer within its deadline of {settings.deadline_s:g} s; "
        "raise deadline_s in taxonaut.toml or ask a faster model"
    )


async def close() -> None:
    """Close what LiteLLM leaves open on the running loop: its HTTP clients and its logging task."""
    if litellm.cache_info().currsize == 0:
        return
    module = litellm()
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
    from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

    await close_litellm_async_clients()
    await GLOBAL_LOGGING_WORKER.stop()
