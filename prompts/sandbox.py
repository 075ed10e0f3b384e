"""Jinja's immutable sandbox over in-memory sources: deterministic, with bounded output, work and memory.

Work is counted in steps, so that a template always ends the same way; a deadline ends what the steps miss. What would
make a huge value at one stroke is refused before it is made.
"""

import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from numbers import Number
from types import BuiltinMethodType, ModuleType
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, nodes, pass_context, pass_environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import Template
from jinja2.exceptions import SecurityError
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT = 1_000_000
"""Maximum characters of a rendered block, and of each text or list that a template makes on the way."""

MOST_STEPS = 1_000_000
"""Steps of a block: iterations, filters and outputs, and the characters they work on, 100 to a step."""

MOST_SECONDS = 10.0

_CHARACTERS_PER_STEP = 100
_STEPS_OF_A_CALL = 10
_STEPS_OF_A_FILE = 100
_LARGEST_ARGUMENT = 1_000_000
_LARGEST_EXPONENT_BITS = 10_000
_MOST_DECIMALS = 100

_REMOVED_FILTERS = ("center", "filesizeformat", "format", "pprint", "random", "urlize", "wordwrap", "xmlattr")
"""Filters that are random, or whose output grows with a number or a text that is given; no prompt needs them."""

_ITERATE = "_iterate"

_METHODS = re.compile(
    "capitalize|casefold|copy|count|endswith|find|get|index|is[a-z]+|items|join|keys|lower|lstrip|partition|"
    "removeprefix|removesuffix|replace|rfind|rindex|rpartition|rsplit|rstrip|split|splitlines|startswith|strip|"
    "swapcase|title|upper|values"
)
"""Methods of texts, lists and dictionaries that may be called."""

_KEEPING_LISTS = re.compile(
    "abs|attr|batch|count|d|default|dictsort|first|float|groupby|int|items|last|length|list|map|max|min|reject|"
    "rejectattr|reverse|round|select|selectattr|slice|sort|sum|unique"
)
"""Filters that do not write a list as text."""


class Budget:
    """The steps and the time left to a block that is rendered."""

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.deadline = time.monotonic() + MOST_SECONDS

    def spend(self, characters: int) -> None:
        """Count a step. Raises SecurityError when nothing is left."""
        self.steps -= 1 + characters // _CHARACTERS_PER_STEP
        if self.steps < 0 or time.monotonic() > self.deadline:
            raise SecurityError("it takes too long; loop over less")


_BUDGET: ContextVar[Budget | None] = ContextVar("template_budget", default=None)


def spend(characters: int = 0) -> None:
    """Count a step of the block that is rendered in this thread."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.spend(characters)


class _Generator(CodeGenerator):
    """Compiles `~` to a function that looks at the length first."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concat((")
        for part in node.nodes:
            self.write("environment.finalize(context, ")
            self.visit(part, frame)
            self.write("), ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """A Jinja environment whose templates may extend or include only `files`."""

    intercepted_binops = frozenset(("*", "**", "+", "%"))
    code_generator_class = _Generator

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(
            loader=DictLoader(files),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
            finalize=printable_value,
            optimized=False,  # constants are computed when they are rendered, under the limits
        )
        for name in _REMOVED_FILTERS:
            del self.filters[name]
        del self.globals["lipsum"]
        self.filters = {name: bounded_filter(name, filter_) for name, filter_ in self.filters.items()}
        self.filters |= {_ITERATE: iterate, "join": join_filter}

    def _generate(self, source: nodes.Template, *arguments: Any, **named: Any) -> str:
        for loop in source.find_all(nodes.For):
            loop.iter = nodes.Filter(
                loop.iter, _ITERATE, [], [], None, None, lineno=loop.lineno, environment=self
            )
        return super()._generate(source, *arguments, **named)

    def concat(self, pieces: Iterable[Any]) -> str:
        """Join texts."""
        return join_texts("", pieces)

    def get_template(self, *arguments: Any, **named: Any) -> Template:
        """Load a template; an included one counts as many steps."""
        spend(_STEPS_OF_A_FILE * _CHARACTERS_PER_STEP)
        return super().get_template(*arguments, **named)

    def wrap_str_format(self, value: Any) -> None:
        """Leave `format` a method like others, which is not among those that may be called."""

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a method. Raises SecurityError for one that is not allowed."""
        spend(_STEPS_OF_A_CALL * _CHARACTERS_PER_STEP)
        if isinstance(__obj, BuiltinMethodType) and not isinstance(__obj.__self__, ModuleType):
            name, subject = __obj.__name__, __obj.__self__
            if not _METHODS.fullmatch(name):
                raise SecurityError(f"{name!r} cannot be called in a template")
            if name == "join":
                return join_texts(str(subject), *args)
            if name == "replace":
                check_replaced(subject, *args)
            spend(size_of(subject))
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an operation whose result has a limit."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("texts are put together with ~, not with %")
        if operator == "*":
            check_product(left, right)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * abs(right) > _LARGEST_EXPONENT_BITS:
                raise SecurityError("the number becomes too large")
        elif operator == "+":
            check_length(size_of(left) + size_of(right))
        spend(size_of(left) + size_of(right))
        return super().call_binop(context, operator, left, right)


def join_output(pieces: Generator[str, None, None]) -> str:
    """Join the pieces of a block's output, within its budget.

    Raises SecurityError, at the template's line, if it is too long or takes too long.
    """
    found: list[str] = []
    left = LONGEST_OUTPUT
    token = _BUDGET.set(Budget())
    try:
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                pieces.throw(too_long())
            found.append(piece)
    finally:
        _BUDGET.reset(token)
    return "".join(found)


def too_long() -> SecurityError:
    """Return the error for a text or a list that becomes too long."""
    return SecurityError(f"the text becomes longer than {LONGEST_OUTPUT:,} characters")


def check_length(length: int) -> None:
    """Raise SecurityError for a text or a list that would be too long."""
    if length > LONGEST_OUTPUT:
        raise too_long()


def size_of(value: Any) -> int:
    """Return the length of a text or a list, 0 of anything else."""
    return len(value) if isinstance(value, (str, bytes, list, tuple, dict)) else 0


def written_size(value: Any) -> int:
    """Return about how long a value is as text, all that is in it included. Raises SecurityError if too long."""
    size, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        size += 1
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, Mapping):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set, frozenset)):
            waiting += each
        elif not (each is None or isinstance(each, (Number, Undefined))):
            raise SecurityError(f"a {type(each).__name__} cannot be written as text")
        check_length(size)
    return size


@pass_context
def printable_value(context: Context, value: Any) -> Any:
    """Return a value that is to be written; SecurityError for a function, a generator and the like.

    Their text is an address, another one in each process.
    """
    if isinstance(value, str):
        spend(len(value))
    else:
        spend(written_size(value))
    return value


def join_texts(separator: str, values: Iterable[Any]) -> str:
    """Join values as texts, as long as they are short enough together."""
    texts: list[str] = []
    size = 0
    for value in values:
        spend()
        if not isinstance(value, str):
            written_size(value)
        texts.append(str(value))
        size += len(texts[-1]) + len(separator)
        check_length(size - len(separator))
    spend(size)
    return separator.join(texts)


def iterate(values: Iterable[Any]) -> Iterator[Any]:
    """Give the values of a loop, a step for each."""
    for value in values:
        spend()
        yield value


def check_product(left: Any, right: Any) -> None:
    """Raise SecurityError for a repeated text or list that is too long, or too large a number."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _LARGEST_EXPONENT_BITS:
            raise SecurityError("the number becomes too large")
        return
    for repeated, count in ((left, right), (right, left)):
        if isinstance(count, int) and count > 0:
            check_length(size_of(repeated) * count)


def check_replaced(text: Any, old: Any = "", new: Any = "", *_: Any) -> None:
    """Raise SecurityError for a replacement whose result is too long."""
    text, old, new = str(text), str(old), str(new)
    grown = text.count(old) * max(0, len(new) - len(old))
    if grown:
        check_length(len(text) + grown)


def check_arguments(name: str, value: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    """Raise SecurityError for arguments of a filter that make much out of little."""
    given = [*arguments, *named.values()]
    for each in given:
        if isinstance(each, int) and abs(each) > _LARGEST_ARGUMENT:
            raise SecurityError(f"{each} is too large for {name!r}")
        if isinstance(each, (list, tuple, dict)):
            written_size(each)
    numbers = [each for each in given if isinstance(each, int)]
    if name in ("round", "tojson") and any(abs(each) > _MOST_DECIMALS for each in numbers):
        raise SecurityError(f"{max(numbers, key=abs)} is too large for {name!r}")
    if name == "replace":
        check_replaced(value, *given)
    elif name == "indent":
        widths = [len(each) if isinstance(each, str) else int(each) for each in given[:1]] or [4]
        check_length(len(value) + (value.count("\n") + 1) * max(widths))
    elif name in ("batch", "slice") and numbers:
        check_length(max(numbers))
    elif name == "sum" and not all(isinstance(each, (Number, str)) or each is None for each in given):
        raise SecurityError("'sum' adds numbers only")


def bounded_filter(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter of Jinja's that counts as a step and refuses what makes much out of little."""
    place = 0 if getattr(filter_, "jinja_pass_arg", None) is None else 1

    @wraps(filter_)
    def bounded(*arguments: Any, **named: Any) -> Any:
        value, given = arguments[place], arguments[place + 1 :]
        if isinstance(value, str):
            spend(len(value))
        else:
            spend(0 if _KEEPING_LISTS.fullmatch(name) else written_size(value))
        check_arguments(name, value, given, named)
        return filter_(*arguments, **named)

    return bounded


@pass_environment
def join_filter(
    environment: Environment, values: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    """Do what Jinja's `join` does, as long as the text is short enough."""
    if attribute is not None:
        values = map(make_attrgetter(environment, attribute), values)
    return join_texts(str(d), values)
