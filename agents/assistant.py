"""Who leads a conversation: from what was said to the next tool calls, or to an answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from taxonaut.state.ids import RunId
from taxonaut.state.records import Decision
from taxonaut.tools.toolbox import Focus, Tool, ToolUse

OnToken = Callable[[str], None]
"""Called with each piece of an answer as it is written."""

Message = Mapping[str, Any]
"""A message in the OpenAI format: role, content, tool_calls, tool_call_id."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the assistant does next: calls, or an answer in `text`, or a question back in `text`.

    `understood` says in a line how the person's words were read. `wrong` is a call that could not be taken, said
    so that a model can mend it; the graph counts them.
    """

    uses: tuple[ToolUse, ...] = ()
    text: str = ""
    understood: str = ""
    wrong: str = ""
    decisions: tuple[Decision, ...] = ()


class Assistant(Protocol):
    """Anything that leads a conversation: a language model, or an encoder that chooses among what is on offer."""

    @property
    def writes(self) -> bool:
        """Whether it writes answers; if not, the outcome of a tool is the answer."""

    async def step(
        self,
        run: RunId,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Take the next step after `messages`, the last of them the person's or a tool's."""
