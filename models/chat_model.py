"""The interface of models that lead conversations: they answer messages with tool calls or text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from taxonaut.state.records import ToolSpec, Usage

OnToken = Callable[[str], None]
"""Called with each piece of a text as it is streamed."""

Message = Mapping[str, Any]
"""A message in the OpenAI format."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as a model wrote it, not validated yet."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A model's answer: calls, a text, or both. `wrong` says why a call could not be read."""

    text: str
    calls: tuple[Call, ...]
    usage: Usage
    wrong: str = ""


class ChatModel(Protocol):
    """A language model that leads conversations."""

    @property
    def name(self) -> str:
        """The model string, as decision rows keep it."""

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Answer the last of `messages`; raises ModelError where no answer came."""


def without_oldest(messages: Sequence[Message]) -> list[Message] | None:
    """Drop the oldest user message with its replies, or the oldest call after the last one with its results.

    None if only the last message, with the last call, is left.
    """
    starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if len(starts) > 1:
        return list(messages[starts[1] :])
    calls = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if len(calls) > 1:
        return [*messages[: calls[0]], *messages[calls[1] :]]
    return None
