"""The sandbox templates run in: no Python, no files, no chance, and an end to what they may write or repeat."""

from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, nodes, pass_context, pass_environment
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST_WRITTEN = 1_000_000
"""Characters that one block may come to, and any text that a template puts together."""

TOO_LONG = f"the text becomes longer than {MOST_WRITTEN:,} characters"

MOST_STEPS = 100_000
"""Passes of loops, calls of macros and blocks, and includes in one rendering."""

LARGEST_BITS = 4_096
"""Bits of a whole number that a template may compute."""

LEFT_OUT = ("batch", "center", "filesizeformat", "format", "pprint", "random", "slice", "urlize", "xmlattr")
"""Jinja's filters that pad without end, or answer differently each time."""

PADDING = frozenset(
    (
        "center",
        "expandtabs",
        "format",
        "format_map",
        "join",
        "ljust",
        "replace",
        "rjust",
        "translate",
        "zfill",
    )
)
"""Methods of texts that make long ones of short ones; the filters `join` and `replace` know a limit."""


class TooMuchError(SecurityError):
    """A template writes or repeats more than any prompt needs."""


@dataclass(slots=True)
class Steps:
    """How often something was repeated in one rendering."""

    taken: int = 0


STEP = "step"
"""The filter that counts; it is put into templates and of no use to them."""

_STEPS: ContextVar[Steps | None] = ContextVar("steps", default=None)


class Sandbox(ImmutableSandboxedEnvironment):
    """A Jinja environment over texts in memory: `files` are all that a template may extend or include."""

    intercepted_binops = frozenset(("*", "**", "+", "%"))

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(
            loader=Memory(files),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        self.files = files
        for name in LEFT_OUT:
            del self.filters[name]
        del self.globals["lipsum"]
        self.filters[STEP] = step
        self.filters["replace"] = bounded_replace
        self.filters["join"] = bounded_join
        self.filters["indent"] = bounded_indent(self.filters["indent"])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = Counting().visit(super()._parse(source, name, filename))
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Say whether a template may look at an attribute."""
        if isinstance(obj, str) and attr in PADDING:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute what may become large; SecurityError before it does."""
        if operator == "%" and isinstance(left, (str, bytes)):
            raise SecurityError("% formats no texts here; put them together with ~")
        if operator in BITS and whole(left, right) and BITS[operator](left, right) > LARGEST_BITS:
            raise TooMuchError("the number becomes too large")
        if operator == "*" and largest_product(left, right) > MOST_WRITTEN:
            raise TooMuchError(TOO_LONG)
        if operator == "+" and size(left) + size(right) > MOST_WRITTEN:
            raise TooMuchError(TOO_LONG)
        return super().call_binop(context, operator, left, right)

    def put_together(self, *parts: Any) -> str:
        """Carry out `~`."""
        texts = [str(part) for part in parts]
        return checked("".join(texts) if sum(map(len, texts)) <= MOST_WRITTEN else None)


class Memory(BaseLoader):
    """Gives out texts by their names; a template's file name is its name."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return a text, its name and that it never changes."""
        if template not in self.files:
            raise TemplateNotFound(template)
        return self.files[template], template, lambda: True


class Counting(NodeTransformer):
    """Puts a counter into everything that can be repeated, and a limit on `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Count each pass."""
        return self.counted(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        """Count each call."""
        return self.counted(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        """Count each call."""
        return self.counted(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        """Count each call."""
        return self.counted(node)

    def visit_Include(self, node: nodes.Include) -> list[nodes.Node]:
        """Count it."""
        return [counter(node.lineno), node]

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Let `put_together` do it."""
        self.generic_visit(node)
        return called("put_together", node.nodes, node.lineno)

    def counted(self, node: Any) -> nodes.Node:
        """Put a counter before a node's body."""
        self.generic_visit(node)
        node.body = [counter(node.lineno), *node.body]
        return node  # type: ignore[no-any-return]


def counter(line: int) -> nodes.Node:
    """A statement that counts."""
    return nodes.ExprStmt(nodes.Filter(nodes.Const(""), STEP, [], [], None, None, lineno=line), lineno=line)


@pass_context
def step(context: Context, value: str) -> str:
    """Count a repetition: a pass of a loop, a macro, a block, an include."""
    steps = _STEPS.get()
    if steps is not None:
        steps.taken += 1
        if steps.taken > MOST_STEPS:
            raise TooMuchError(f"it repeats something more than {MOST_STEPS:,} times")
    return value


def called(method: str, arguments: list[nodes.Expr], line: int) -> nodes.Call:
    """A call of a method of the sandbox."""
    return nodes.Call(nodes.EnvironmentAttribute(method), arguments, [], None, None, lineno=line)


def written(pieces: Generator[str, None, None]) -> str:
    """Join what a block gives piece by piece; TooMuchError, where it stands in the template, once it is too much."""
    token = _STEPS.set(Steps())
    try:
        found: list[str] = []
        room = MOST_WRITTEN
        for piece in pieces:
            room -= len(piece)
            if room < 0:
                pieces.throw(TooMuchError(TOO_LONG))
            found.append(piece)
        return "".join(found)
    finally:
        _STEPS.reset(token)


def checked(text: str | None) -> str:
    """Return a text unless it was too long to be made."""
    if text is None:
        raise TooMuchError(TOO_LONG)
    return text


def size(value: Any) -> int:
    """How much a text or a list holds; nothing else counts."""
    return len(value) if isinstance(value, (str, bytes, list, tuple)) else 0


def largest_product(left: Any, right: Any) -> int:
    """How long a text or a list times a number is."""
    if isinstance(right, int):
        return size(left) * right
    return size(right) * left if isinstance(left, int) else 0


def whole(left: Any, right: Any) -> bool:
    """Whether both are whole numbers."""
    return isinstance(left, int) and isinstance(right, int)


BITS: Mapping[str, Callable[[int, int], int]] = {
    "**": lambda left, right: max(1, left.bit_length()) * abs(right),
    "*": lambda left, right: left.bit_length() + right.bit_length(),
}
"""How many bits a power and a product have at most."""


def bounded_replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Do what Jinja's filter `replace` does, unless the text becomes too long."""
    text, old, new = str(value), str(old), str(new)
    places = text.count(old) if count is None else min(count, text.count(old))
    if len(text) + places * len(new) > MOST_WRITTEN:
        return checked(None)
    return text.replace(old, new, -1 if count is None else count)


@pass_environment
def bounded_join(environment: Environment, value: Any, d: Any = "", attribute: Any = None) -> str:
    """Do what Jinja's filter `join` does, unless the text becomes too long."""
    values = list(value) if attribute is None else list(map(make_attrgetter(environment, attribute), value))
    texts = [str(each) for each in values]
    if sum(map(len, texts)) + len(texts) * len(str(d)) > MOST_WRITTEN:
        return checked(None)
    return str(d).join(texts)


def bounded_indent(indent: Callable[..., Any]) -> Callable[..., Any]:
    """Return Jinja's filter `indent` with a limit."""

    def bounded(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> Any:
        each = width if isinstance(width, int) else len(width)
        if len(str(value)) + (str(value).count("\n") + 1) * each > MOST_WRITTEN:
            return checked(None)
        return indent(value, width, first, blank)

    return bounded
