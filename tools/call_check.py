"""Check a call before it is carried out: the tool is there, and the arguments keep to its schema."""

import json
from collections.abc import Mapping

from taxonaut.state.errors import ToolError
from taxonaut.tools.toolbox import Tool, ToolUse

LONGEST_SHOWN = 200
"""Characters of a faulty argument, and of what it may be, that the message repeats."""


def check_call(tools: Mapping[str, Tool], use: ToolUse) -> None:
    """Raise ToolError, with what is allowed, if a call names no tool or departs from the tool's schema."""
    tool = tools.get(use.name)
    if tool is None:
        raise ToolError(f"there is no tool {use.name[:LONGEST_SHOWN]!r}; there are: {', '.join(tools)}")
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(dict(tool.spec.parameters)).iter_errors(dict(use.arguments))
    first = min(found, key=lambda error: len(error.absolute_path), default=None)
    if first is not None:
        place = ".".join(map(str, first.absolute_path)) or "its arguments"
        wanted = json.dumps(first.validator_value, ensure_ascii=False)[:LONGEST_SHOWN]
        raise ToolError(
            f"{use.name} cannot take {shown(first.instance)} as {place}: its schema has {first.validator} {wanted}"
        )


def shown(value: object) -> str:
    """Return a faulty value as a message repeats it."""
    return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST_SHOWN]
