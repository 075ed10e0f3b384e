"""Check a tool call against what was on offer, and say what was wrong in words a model can act on."""

import json
from collections.abc import Mapping
from typing import Any

from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelReplyError

NONE_ID = 0
"""The option that stands for *none of these*."""


def parse_arguments(request: ModelRequest, name: str, arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the call's arguments as a dict; ModelReplyError if it is another tool's or not JSON."""
    if name != request.tool.name:
        raise ModelReplyError(f"There is no tool {name!r} here. Call {request.tool.name}.")
    if not isinstance(arguments, str):
        return dict(arguments)
    try:
        parsed = json.loads(arguments)
    except ValueError as error:
        raise ModelReplyError(f"The arguments of {name} are not valid JSON ({error}).") from None
    if not isinstance(parsed, dict):
        raise ModelReplyError(f"The arguments of {name} must be a JSON object.")
    return parsed


def chosen_ids(request: ModelRequest, arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the option ids of a call, best first, without repeats; empty when it abstains.

    Only ids on offer are accepted: anything else is a ModelReplyError that lists them.
    """
    given = arguments.get(request.field)
    if isinstance(given, int) and not isinstance(given, bool):
        given = [given]
    if not isinstance(given, list) or not given:
        raise ModelReplyError(f"{request.tool.name} needs `{request.field}`: {offer(request)}.")
    allowed = {choice.id for choice in request.choices} | {NONE_ID}
    unknown = [value for value in given if isinstance(value, bool) or value not in allowed]
    if unknown:
        raise ModelReplyError(f"{json.dumps(unknown)} is not on offer. `{request.field}` takes {offer(request)}.")
    return tuple(dict.fromkeys(value for value in given if value != NONE_ID))[: request.most]


def offer(request: ModelRequest) -> str:
    """Say in one phrase what the choice may be."""
    ids = ", ".join(str(choice.id) for choice in request.choices)
    return f"a list of at most {request.most} of the ids {ids}, best first, or [{NONE_ID}] if none fits"
