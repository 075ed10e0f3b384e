"""The tool `write_instructions`: write the instructions of an agent anew."""

from collections.abc import Mapping
from typing import Any

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec

FIELD = "instructions"


def write_instructions(arguments: Mapping[str, Any]) -> str:
    """Write the agent's instructions anew, whole, with every mark such as [[1]] in its place."""
    given = arguments.get(FIELD)
    if not isinstance(given, str):
        raise ToolError(f"`{FIELD}` is a text; {given!r} was given")
    return "\n".join(line.rstrip() for line in given.splitlines()).strip()


def write_instructions_spec(most: int) -> ToolSpec:
    """Return the tool with a schema for a text of at most `most` characters."""
    text = {
        "type": "string",
        "minLength": 1,
        "maxLength": most,
        "description": "The new instructions, all of them, in lines.",
    }
    parameters = {
        "type": "object",
        "properties": {FIELD: text},
        "required": [FIELD],
        "additionalProperties": False,
    }
    return ToolSpec("write_instructions", write_instructions.__doc__ or "", parameters)
