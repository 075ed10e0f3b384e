"""What the tools that change the index share: a refusal of the index becomes one that tells the model why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taxonaut.state.errors import InputError, NotFoundError, ToolError

NODE: dict[str, Any] = {"type": "integer", "description": "The id of the node."}


@contextmanager
def refusals_for_models() -> Iterator[None]:
    """Turn what the index refuses into a ToolError; nothing was changed then."""
    try:
        yield
    except (InputError, NotFoundError) as error:
        raise ToolError(str(error)) from error


def call_schema(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Return the JSON schema of a call with these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
