"""What leads a conversation: a model that answers messages with calls of tools, or with a text."""

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
    """A tool call as a model wrote it, not checked yet."""

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
    """Leave out the oldest: a user's message with all that follows it, or a call after the last one with its answers.

    None where only the last message is left, with the last call.
    """
    starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if len(starts) > 1:
        return list(messages[starts[1] :])
    calls = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if len(calls) > 1:
        return [*messages[: calls[0]], *messages[calls[1] :]]
    return None
