"""Options declared together as the fields of a dataclass; a command takes them as one parameter."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def expand(parameters: Iterable[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """Yield a function's parameters, each group of options as one parameter for each of its fields."""
    for parameter in parameters:
        if not is_dataclass(parameter.annotation):
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        types = get_type_hints(parameter.annotation, include_extras=True)
        for field in fields(parameter.annotation):
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=types[field.name],
            )


def collect(parameters: Iterable[inspect.Parameter], values: dict[str, Any]) -> dict[str, Any]:
    """Return a function's arguments, each group of options put together again."""
    return {parameter.name: value_of(parameter, values) for parameter in parameters}


def value_of(parameter: inspect.Parameter, values: dict[str, Any]) -> Any:
    """Return one argument: an option's value, or a group of them."""
    if not is_dataclass(parameter.annotation):
        return values[parameter.name]
    names = [field.name for field in fields(parameter.annotation)]
    return parameter.annotation(**{name: values[name] for name in names})  # type: ignore[operator]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def given_in(group: Any) -> dict[str, Any]:
    """Return the options of a group that were given."""
    return given(**{field.name: getattr(group, field.name) for field in fields(group)})
