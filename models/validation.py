"""Check a tool call against what was on offer, and say what was wrong in words a model can act on."""

import json
from collections.abc import Mapping
from typing import Any

from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelReplyError

NONE_ID = 0
"""The option that stands for *none of these*."""

UNDECIDED_ID = -1
"""The option that stands for *cannot decide*, where it is on offer."""

LONGEST_SHOWN = 200
"""Characters of a faulty choice that the message repeats to the model."""

LONGEST_NUMBER = 10
"""Characters of a number in quotes that are read at all."""


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


def checked(
    request: ModelRequest, arguments: Mapping[str, Any]
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return what a call chose, and what it chose for each of several texts; ModelReplyError if it is not valid."""
    if request.texts:
        numbers = range(1, len(request.texts) + 1)
        return (), tuple(chosen_ids(request, arguments, str(number)) for number in numbers)
    if request.field:
        return chosen_ids(request, arguments), ()
    check_schema(request, arguments)
    return (), ()


def check_schema(request: ModelRequest, arguments: Mapping[str, Any]) -> None:
    """Check an open call against its tool's JSON schema; ModelReplyError says where it departs from it."""
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(dict(request.tool.parameters)).iter_errors(dict(arguments))
    first = min(found, key=lambda error: len(error.absolute_path), default=None)
    if first is not None:
        place = ".".join(map(str, first.absolute_path)) or request.tool.name
        wanted = json.dumps(first.validator_value, ensure_ascii=False)[:LONGEST_SHOWN]
        raise ModelReplyError(
            f"`{place}` does not keep to its schema, which has {first.validator}: {wanted}."
        )


def chosen_ids(request: ModelRequest, arguments: Mapping[str, Any], field: str = "") -> tuple[int, ...]:
    """Return the option ids under a property of a call, best first, without repeats; empty when it abstains.

    The property is the request's own field unless another is named. Only ids on offer are accepted: anything
    else is a ModelReplyError that lists them.
    """
    field = field or request.field
    given = arguments.get(field)
    if not isinstance(given, list):
        given = [] if given is None else [given]
    if not given:
        raise ModelReplyError(f"{request.tool.name} needs `{field}`: {offer(request)}.")
    allowed = {choice.id for choice in request.choices} | set(abstentions(request))
    numbers = [whole_number(value) for value in given]
    unknown = [value for value, number in zip(given, numbers, strict=True) if number not in allowed]
    if unknown:
        shown = json.dumps(unknown)[:LONGEST_SHOWN]
        raise ModelReplyError(f"{shown} is not on offer. `{field}` takes {offer(request)}.")
    return tuple(dict.fromkeys(number for number in numbers if number and number > 0))[: request.most]


def cannot_decide(request: ModelRequest, arguments: Mapping[str, Any]) -> bool:
    """Say whether a valid call names no choice but *cannot decide*."""
    given = arguments.get(request.field) if request.may_be_undecided else None
    numbers = list(map(whole_number, given if isinstance(given, list) else [given]))
    return UNDECIDED_ID in numbers and not any(number and number > 0 for number in numbers)


def abstentions(request: ModelRequest) -> tuple[int, ...]:
    """Return the ids that stand for no choice."""
    return (NONE_ID, UNDECIDED_ID) if request.may_be_undecided else (NONE_ID,)


def whole_number(value: object) -> int | None:
    """Return a whole number however JSON spells it (1, 1.0 or "1"); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        return int(value) if digits.isdecimal() and len(value) < LONGEST_NUMBER else None
    return int(value) if isinstance(value, int | float) and value == value // 1 else None


def offer(request: ModelRequest) -> str:
    """Say in one phrase what the choice may be."""
    ids = ", ".join(str(choice.id) for choice in request.choices)
    taken = f"a list of at most {request.most} of the ids {ids}, best first, or [{NONE_ID}] if none fits"
    return f"{taken}, or [{UNDECIDED_ID}] if it cannot be decided" if request.may_be_undecided else taken
