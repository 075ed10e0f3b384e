"""Translate LiteLLM's exceptions into ours, which say what happened and what to do."""

import ast
import json
import re
from collections.abc import Iterator

from taxonaut.models.llm.redaction import redact, redact_url
from taxonaut.models.settings import ModelSettings
from taxonaut.models.validation import SURROGATE
from taxonaut.state.errors import (
    ModelError,
    ModelNotFoundError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
)

LONGEST_WAIT_S = 60.0
"""No retry waits longer than this, whatever a server asks for."""

LONGEST_SAID = 300
"""Most characters of a server's words that a message repeats."""

LONGEST_READ = 20_000
"""Characters of a server's words that are looked at."""

_PREFIX = re.compile(
    r"^(?:(?:litellm\.)?\w*(?:Error|Exception|Timeout|LiteLLM)\s*(?::|-)\s+)+(?:Error code: \d+ - )?"
)
_BUSY = {"RateLimitError"}
_SILENT = {"Timeout", "APITimeoutError", "ReadTimeout", "WriteTimeout"}
_UNREACHED = {"ConnectError", "ConnectTimeout"}
_BROKEN_OFF = {"ReadError", "WriteError", "RemoteProtocolError"}
_NO_COMPLETION = ("no 'choices'", "Empty or invalid response", "Unable to get json")
_NO_REPLY = (
    "Invalid response object",
    "that is not a list",
    "is not iterable",
    "RecursionError",
    "maximum recursion",
)
_TOOLS = re.compile(r"tool|function.?call", re.IGNORECASE)
_TOOL_CHOICE = re.compile(r"tool.?choice", re.IGNORECASE)
_NO_TOOLS = re.compile(r"\btools?\b.*(?:require|support)", re.IGNORECASE)
_NO_PROVIDER = ("LLM Provider NOT provided", "Unmapped LLM provider")


class TransientError(ModelUnavailableError):
    """Worth another try. `retry_after_s` is the server's `retry-after` header, if it sent one."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnreachableError(TransientError):
    """Nothing answers at the address."""


class UnreadableReplyError(ModelReplyError):
    """A reply that holds no answer. `advice` says what helps."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


def translate_error(settings: ModelSettings, error: Exception) -> ModelError:
    """Return our error for one of LiteLLM's.

    Classes are compared by name, LiteLLM's and those of the HTTP libraries below it, so that none is imported.
    """
    causes = list(chain(error))
    ours = next((cause for cause in causes if isinstance(cause, ModelError)), None)
    if ours is not None:
        return ours
    kind = {cls.__name__ for cls in type(error).__mro__}
    kinds = {type(cause).__name__ for cause in causes}
    model, words = repr(settings.model), said(settings, error)
    if kinds & _UNREACHED:
        return UnreachableError(
            f"{model}: nothing answers at {address(settings)} ({reason(settings, causes)}); "
            "start the server, or correct `api_base` in taxonaut.toml"
        )
    if kinds & _SILENT:  # one in the middle of a stream comes inside LiteLLM's MidStreamFallbackError
        return no_answer_in_time(settings)
    if kinds & _BROKEN_OFF:
        return TransientError(
            f"{model}: the connection broke off before the answer was whole; "
            f"look at the log of {address(settings)}"
        )
    if kind & _BUSY:
        return TransientError(
            f"{model}: its server is busy: {words}; lower `concurrency` or raise `attempts` in taxonaut.toml",
            retry_after(error),
        )
    return translate_refusal(settings, error, kind, words)


def translate_refusal(settings: ModelSettings, error: Exception, kind: set[str], words: str) -> ModelError:
    """Return our error for a request that the server answered with an error."""
    model, text = repr(settings.model), str(error)
    if any(sign in text for sign in _NO_PROVIDER):
        return ModelNotFoundError(
            f"{model} is no model string: write provider/model, such as openai/gpt-4.1-mini, "
            "hosted_vllm/…, ollama_chat/…, gguf/… or encoder/…"
        )
    if kind & {"AuthenticationError", "PermissionDeniedError"} or "Missing credentials" in text:
        named = settings.api_key_env or "the provider's own variable"
        return ModelNotFoundError(
            f"{model} was refused with the key taken from {named}: {words}; "
            "name the variable that holds the key with `api_key_env` in taxonaut.toml"
        )
    if "NotFoundError" in kind:
        return ModelNotFoundError(
            f"{model} is not at {address(settings)}: {words}; "
            "correct `model`, or `api_base` (it mostly ends in /v1), in taxonaut.toml"
        )
    if any(sign in text for sign in _NO_COMPLETION) or any(
        type(cause).__name__ == "JSONDecodeError" for cause in chain(error)
    ):
        return ModelUnavailableError(
            f"{model}: {address(settings)} answered something that is no chat completion; "
            "correct `api_base` in taxonaut.toml (it mostly ends in /v1)"
        )
    if any(sign in text for sign in _NO_REPLY):
        return TransientError(
            f"{model}: the reply of {address(settings)} cannot be read; look at its log, or correct `api_base` "
            "in taxonaut.toml (it mostly ends in /v1)"
        )
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 500 and not _NO_TOOLS.search(words):
        return TransientError(
            f"{model}: its server failed: {words}; look at the log of {address(settings)}", retry_after(error)
        )
    return ModelUnavailableError(f"{model} refused the request: {words}; {advice(settings, text)}")


def advice(settings: ModelSettings, text: str) -> str:
    """Return the setting that helps where a server refuses a request."""
    if _TOOLS.search(text):
        others = [each for each in ("auto", "text") if each != settings.tool_choice]
        if _TOOL_CHOICE.search(text) and "auto" in others and "--enable-auto-tool-choice" not in text:
            return 'set `tool_choice = "auto"` in taxonaut.toml, or "text" if the server knows no tools'
        return 'set `tool_choice = "text"` in taxonaut.toml: the model is then asked for JSON'
    if "max_tokens" in text or "max_completion_tokens" in text:
        return "lower `max_tokens` in taxonaut.toml"
    return "a prompt that is too long gets shorter with `candidates` under [walk] in taxonaut.toml"


def unreadable_reply(settings: ModelSettings, error: Exception) -> ModelError:
    """Return our error for what LiteLLM stumbled over while it read a reply."""
    ours = next((cause for cause in chain(error) if isinstance(cause, ModelError)), None)
    if ours is not None:
        return ours
    return UnreadableReplyError(
        f"the reply of {address(settings)} cannot be read ({type(error).__name__}: {said(settings, error)})",
        "look at the log of the server, or correct `api_base` in taxonaut.toml (it mostly ends in /v1)",
    )


def no_answer_in_time(settings: ModelSettings) -> TransientError:
    """Return the error of a request that got no answer within its timeout."""
    return TransientError(
        f"{settings.model!r} did not answer within {settings.timeout_s:g} s; "
        "raise `timeout_s` in taxonaut.toml, or ask a faster model"
    )


def past_deadline(settings: ModelSettings) -> ModelTimeoutError:
    """Return the error of a decision whose deadline passed."""
    return ModelTimeoutError(
        f"{settings.model!r} gave no valid answer within its deadline of {settings.deadline_s:g} s; "
        "raise `deadline_s` in taxonaut.toml, or ask a faster model"
    )


def address(settings: ModelSettings) -> str:
    """Return where the model is, as messages name it."""
    return redact_url(settings.api_base) if settings.api_base else "its provider's server"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then its causes."""
    seen: BaseException | None = error
    for _ in range(16):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def reason(settings: ModelSettings, causes: list[BaseException]) -> str:
    """Return the operating system's words for an error, else the server's."""
    last = next((cause for cause in reversed(causes) if isinstance(cause, OSError)), causes[-1])
    return (getattr(last, "strerror", None) or said(settings, last))[:LONGEST_SAID]


def said(settings: ModelSettings, error: BaseException) -> str:
    """Return the server's words in one line: without LiteLLM's class names, without keys."""
    lines = str(error)[:LONGEST_READ].strip().splitlines()
    text = _PREFIX.sub("", lines[0]) if lines else type(error).__name__
    return SURROGATE.sub("\ufffd", redact(message_in(text), settings))[:LONGEST_SAID].rstrip(" .;")


def message_in(text: str) -> str:
    """Return the message of an error body in any of the usual forms; `text` itself if it is none."""
    if not text.startswith("{"):
        return text
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = literal(text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or text
    return str(error)


def literal(text: str) -> object:
    """Read a body that was printed as Python prints it; `text` itself if it was not."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def retry_after(error: Exception) -> float | None:
    """Read the server's `retry-after` header, in seconds."""
    response = getattr(error, "response", None)
    value = getattr(response, "headers", {}).get("retry-after") if response is not None else None
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
