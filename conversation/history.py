"""What was said in a thread, for people: messages, tool calls folded to a line, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage


@dataclass(frozen=True, slots=True)
class Said:
    """One message. Of a tool, `text` is what its call came to in a line, and `name` the tool's."""

    by: Literal["person", "tool", "assistant"]
    text: str
    name: str = ""
    failed: bool = False


def history(messages: "Sequence[AnyMessage]") -> list[Said]:
    """Return what people see of a thread's messages."""
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    said: list[Said] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            line = str(message.additional_kwargs.get("line", ""))
            said.append(Said("tool", line, message.name or "", message.status == "error"))
        elif isinstance(message, HumanMessage) and not message.additional_kwargs.get("mark"):
            said.append(Said("person", message.text))
        elif isinstance(message, AIMessage) and message.text:
            said.append(Said("assistant", message.text))
    return said
