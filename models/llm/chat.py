"""A model behind LiteLLM in a conversation: its answer comes in pieces, its calls when they are whole."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from taxonaut.models.llm import client as litellm_door
from taxonaut.models.llm.errors import TransientError
from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.records import ToolSpec, Usage

OnToken = Callable[[str], None]
"""Called with each piece of a text as it is written."""

Message = Mapping[str, Any]
"""A message in the OpenAI format."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as a model wrote it, not checked yet."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Talked:
    """What a model did: calls, a text, or both. `wrong` says what could not be read of a call."""

    text: str
    calls: tuple[Call, ...]
    usage: Usage
    wrong: str = ""


class Talks(Protocol):
    """A language model that leads conversations."""

    @property
    def name(self) -> str:
        """The model string, as decision rows keep it."""

    async def talk(self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken) -> Talked:
        """Go on after `messages`; raises ModelError where no answer came."""


def without_oldest(messages: Sequence[Message]) -> list[Message] | None:
    """Leave out what was first: all that goes with a person's message, or a call of the last one with its answers.

    None where only the last message is left, with the last call.
    """
    starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if len(starts) > 1:
        return list(messages[starts[1] :])
    calls = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if len(calls) > 1:
        return [*messages[: calls[0]], *messages[calls[1] :]]
    return None


@dataclass(slots=True)
class Pieces:
    """What has come of an answer so far."""

    text: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def take(self, chunk: Any, on_token: OnToken) -> None:
        """Add one of LiteLLM's chunks."""
        used = getattr(chunk, "usage", None)
        if used is not None:
            details = getattr(used, "prompt_tokens_details", None)
            self.usage = Usage(
                prompt_tokens=used.prompt_tokens or 0,
                completion_tokens=used.completion_tokens or 0,
                reused_tokens=getattr(details, "cached_tokens", 0) or 0,
            )
        if not chunk.choices:
            return
        delta = chunk.choices[0].delta
        if delta.content:
            self.text += delta.content
            on_token(delta.content)
        for part in delta.tool_calls or ():
            call = self.calls.setdefault(part.index, ["", ""])
            call[0] += part.function.name or ""
            call[1] += part.function.arguments or ""

    @property
    def begun(self) -> bool:
        """Whether anything has come that was handed on."""
        return bool(self.text or self.calls)


class LiteLLMTalk:
    """A model behind LiteLLM in conversations, with a gateway's patience, retries and concurrency limit.

    An answer that broke off is asked for again only where nothing of it has been handed on.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.gateway = Gateway(settings)

    @property
    def name(self) -> str:
        """The LiteLLM model string."""
        return self.settings.model

    async def talk(self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken) -> Talked:
        """Ask until an answer has begun, then hand on its text as it comes."""
        started = time.perf_counter()
        async with litellm_door.session(), self.gateway.limit():
            try:
                async with asyncio.timeout(self.settings.deadline_s):
                    pieces, attempts = await self.asked(messages, list(map(as_tool, tools)), on_token)
            except TimeoutError:
                raise litellm_door.past_deadline(self.settings) from None
        self.gateway.reached = True
        usage = replace(pieces.usage, latency_s=time.perf_counter() - started, attempts=attempts)
        try:
            calls = tuple(read_call(name, arguments) for name, arguments in pieces.calls.values())
        except ValueError as error:
            return Talked(pieces.text, (), usage, str(error))
        return Talked(pieces.text, calls, usage)

    async def asked(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], on_token: OnToken
    ) -> tuple[Pieces, int]:
        """Ask, and again after what may pass, as long as nothing has come."""
        attempts = 0
        try:
            async for attempt in self.gateway.retrying():
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    return await self.once(messages, tools, on_token), attempts
        except TransientError as error:
            tries = "1 try" if attempts == 1 else f"{attempts} tries"
            raise ModelUnavailableError(f"{error} (given up after {tries})") from None
        raise AssertionError("unreachable")

    async def once(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], on_token: OnToken
    ) -> Pieces:
        """Read one answer to its end."""
        pieces = Pieces()
        try:
            async for chunk in litellm_door.stream(self.settings, messages, tools):
                pieces.take(chunk, on_token)
        except TransientError as error:
            if pieces.begun:
                raise ModelUnavailableError(
                    f"{error} (the answer had begun; say it again to ask anew)"
                ) from None
            raise
        return pieces


def as_tool(tool: ToolSpec) -> dict[str, Any]:
    """Return a tool in the OpenAI format."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }


def read_call(name: str, arguments: str) -> Call:
    """Read a call; ValueError says in words a model can act on why it cannot be read."""
    try:
        parsed = json.loads(arguments or "{}")
    except ValueError as error:
        raise ValueError(f"The arguments of {name} are not valid JSON ({error}).") from None
    if not isinstance(parsed, dict):
        raise ValueError(f"The arguments of {name} must be a JSON object.")
    return Call(name, parsed)
