"""`/` commands: the tool a line names, with its arguments."""

from collections.abc import Mapping
from difflib import get_close_matches
from uuid import uuid4

from taxonaut.state.errors import InputError
from taxonaut.tools.toolbox import Tool, ToolUse


def parsed(tools: Mapping[str, Tool], line: str) -> ToolUse:
    """Return the call of a line such as `/under Audio`; InputError if there is no such command."""
    word, _, rest = line.strip().partition(" ")
    commands = {tool.command.lstrip("/"): tool for tool in tools.values()}
    tool = commands.get(word.lstrip("/"))
    if tool is None or not word.startswith("/"):
        near = get_close_matches(word.lstrip("/"), commands, n=3)
        others = ", ".join(f"/{name}" for name in near or commands)
        raise InputError(f"there is no command {word!r}; {'did you mean' if near else 'there are'}: {others}")
    return ToolUse(uuid4().hex, tool.name, tool.parse(rest.strip()))
