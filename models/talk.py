"""A language model in a conversation, whichever it is: messages and tools in, calls or a text out, streamed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
