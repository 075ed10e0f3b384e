"""Jinja's immutable sandbox over in-memory sources, deterministic, with bounded output."""

from collections.abc import Generator, Mapping

from jinja2 import DictLoader, StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT = 1_000_000
"""Maximum characters of a rendered block."""


class Sandbox(ImmutableSandboxedEnvironment):
    """A Jinja environment whose templates may extend or include only `files`."""

    intercepted_binops = frozenset(("*", "**"))
    """Operators not folded on constants at load time, so that they are evaluated when rendered."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(
            loader=DictLoader(files),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        # Equal variables must render equal prompts.
        del self.filters["random"]
        del self.globals["lipsum"]


def join_output(pieces: Generator[str, None, None]) -> str:
    """Join the pieces of a block's output. Raises SecurityError, at the template's line, if it is too long."""
    found: list[str] = []
    left = LONGEST_OUTPUT
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            pieces.throw(SecurityError(f"the text becomes longer than {LONGEST_OUTPUT:,} characters"))
        found.append(piece)
    return "".join(found)
