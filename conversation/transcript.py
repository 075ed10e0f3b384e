"""Transcript of a thread: messages, tool calls as one line each, answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage

_BEFORE = "([\"'“‘`"
_BEHIND = ".,;:!?)]\"'”’`"
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'|“([^”]+)”|`([^`]+)`")
_WHOLE = re.compile(r"\"[^\"]*\"|(?<!\w)'[^'\n]*'(?!\w)|“[^”]*”|`[^`]*`")
"""Quotations, whose words name no files: they may be an item's text."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message. For a tool, `text` is the outcome on one line and `name` the tool's name."""

    by: Literal["person", "tool", "assistant"]
    text: str
    name: str = ""
    failed: bool = False


def history(messages: "Sequence[AnyMessage]") -> list[Said]:
    """Return the transcript of a thread's messages."""
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


def is_command(messages: "Sequence[AnyMessage]") -> bool:
    """Return whether the user's last message is a `/` command, which involves no model."""
    from langchain_core.messages import HumanMessage

    own = [message for message in messages if isinstance(message, HumanMessage)]
    return bool(own) and "use" in own[-1].additional_kwargs


def named_files(messages: "Sequence[AnyMessage]") -> set[str]:
    """Return possible file names in the user's messages: words outside of quotations, quotations, messages."""
    from langchain_core.messages import HumanMessage

    own = [
        message.text
        for message in messages
        if isinstance(message, HumanMessage) and not message.additional_kwargs.get("mark")
    ]
    named = {text.strip() for text in own}
    for text in own:
        named.update(word.lstrip(_BEFORE).rstrip(_BEHIND) for word in _WHOLE.sub(" ", text).split())
        named.update(quoted for pair in _QUOTED.findall(text) for quoted in pair if quoted)
    return {name for name in named if name}
