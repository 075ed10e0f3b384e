"""Validate tool calls. Errors are addressed to the model, which is asked to correct its call."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelReplyError

NONE_ID = 0
"""The option *none of these*."""

UNDECIDED_ID = -1
"""The option *cannot decide*, where it is on offer."""

LONGEST_SHOWN = 200
"""Most characters of a faulty name or choice that an error repeats."""

LONGEST_NUMBER = 10
"""Characters of a quoted number that is read; longer ones are not numbers."""

DEEPEST = 32
"""Levels of nested lists and objects in a call's arguments."""

SURROGATE = re.compile("[\ud800-\udfff]")

LARGEST = 2**63
"""Whole numbers in a call's arguments are smaller than this, so that a database can store them."""


def parse_arguments(request: ModelRequest, name: str, arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call of the request's tool. Raises ModelReplyError; see `read_arguments`."""
    if name != request.tool.name:
        raise ModelReplyError(f"There is no tool {name[:LONGEST_SHOWN]!r} here. Call {request.tool.name}.")
    return read_arguments(name, arguments)


def read_arguments(name: str, arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's arguments, which can be stored as they are.

    Raises ModelReplyError if they are not a JSON object, or hold what cannot be stored: half of a character (a lone
    surrogate), a number that is not finite or does not fit into 64 bits, more than `DEEPEST` levels.
    """
    parsed = parse_json(name, arguments) if isinstance(arguments, str) else arguments
    if not isinstance(parsed, Mapping):
        raise ModelReplyError(f"The arguments of {name} must be a JSON object.")
    if (fault := unstorable(parsed)) is not None:
        raise ModelReplyError(f"The arguments of {name} hold {fault}.")
    return dict(parsed)


def parse_json(name: str, text: str) -> Any:
    """Parse the arguments of a call; ModelReplyError says what is wrong with them."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except ValueError as error:
        raise ModelReplyError(f"The arguments of {name} are not valid JSON ({error}).") from None
    except RecursionError:
        raise ModelReplyError(
            f"The arguments of {name} are nested too deeply; use at most {DEEPEST} levels."
        ) from None


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def unstorable(value: Any) -> str | None:
    """Return what a value from JSON holds that cannot be stored, in a few words; None if it can be."""
    for each, depth in nested(value):
        if depth > DEEPEST:
            return f"more than {DEEPEST} nested levels"
        if isinstance(each, str) and not is_whole(each):
            return "half of a character (a lone surrogate, such as \\ud83d); write whole characters"
        if isinstance(each, float) and not math.isfinite(each):
            return "a number that is too large"
        if isinstance(each, int) and not -LARGEST <= each < LARGEST:
            return "a whole number of more than 64 bits"
    return None


def nested(value: Any) -> Iterator[tuple[Any, int]]:
    """Yield a value from JSON and all that it holds, keys too, each with its depth from 0; stops below `DEEPEST`."""
    level = [value]
    for depth in range(DEEPEST + 2):
        inner: list[Any] = []
        for each in level:
            yield each, depth
            if isinstance(each, Mapping):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, list | tuple):
                inner += each
        if not (level := inner):
            return


def is_whole(text: str) -> bool:
    """Return whether a text has no lone surrogate, and so can be stored and sent as UTF-8."""
    return text.isascii() or SURROGATE.search(text) is None


def checked(
    request: ModelRequest, arguments: Mapping[str, Any]
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the choices of a call, and those for each of several texts. Raises ModelReplyError."""
    if request.texts:
        numbers = range(1, len(request.texts) + 1)
        return (), tuple(chosen_ids(request, arguments, str(number)) for number in numbers)
    if request.field:
        return chosen_ids(request, arguments), ()
    check_schema(request, arguments)
    return (), ()


def check_schema(request: ModelRequest, arguments: Mapping[str, Any]) -> None:
    """Check an open call against its tool's JSON schema. Raises ModelReplyError with the place and the rule."""
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
    """Return the option ids in a property of a call, best first, without repeats; empty for an abstention.

    The property is `request.field` unless another is named. Raises ModelReplyError, which lists the options, for
    any id that is not on offer.
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
    """Return whether a valid call chose only *cannot decide*."""
    given = arguments.get(request.field) if request.may_be_undecided else None
    numbers = list(map(whole_number, given if isinstance(given, list) else [given]))
    return UNDECIDED_ID in numbers and not any(number and number > 0 for number in numbers)


def abstentions(request: ModelRequest) -> tuple[int, ...]:
    """Return the ids that choose nothing."""
    return (NONE_ID, UNDECIDED_ID) if request.may_be_undecided else (NONE_ID,)


def whole_number(value: object) -> int | None:
    """Return a whole number given as 1, 1.0 or "1"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        return int(value) if digits.isdecimal() and len(value) < LONGEST_NUMBER else None
    return int(value) if isinstance(value, int | float) and value == value // 1 else None


def offer(request: ModelRequest) -> str:
    """Describe the valid choices in one phrase."""
    ids = ", ".join(str(choice.id) for choice in request.choices)
    taken = f"a list of at most {request.most} of the ids {ids}, best first, or [{NONE_ID}] if none fits"
    return f"{taken}, or [{UNDECIDED_ID}] if it cannot be decided" if request.may_be_undecided else taken
