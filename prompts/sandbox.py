"""The sandbox that templates run in: Jinja's own, over texts in memory, deterministic, with a limit to its output."""

from collections.abc import Generator, Mapping

from jinja2 import DictLoader, StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT = 1_000_000
"""Characters that a rendered block may have."""


class Sandbox(ImmutableSandboxedEnvironment):
    """A Jinja environment over texts: `files` are all that a template may extend or include."""

    intercepted_binops = frozenset(("*", "**"))
    """Operators whose constants are computed when a template is rendered, not already when it is loaded."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(
            loader=DictLoader(files),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        # The same variables render the same prompt: nothing random.
        del self.filters["random"]
        del self.globals["lipsum"]


def join_output(pieces: Generator[str, None, None]) -> str:
    """Join the pieces of a block's output; SecurityError, raised at its line of the template, once it is too long."""
    found: list[str] = []
    left = LONGEST_OUTPUT
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            pieces.throw(SecurityError(f"the text becomes longer than {LONGEST_OUTPUT:,} characters"))
        found.append(piece)
    return "".join(found)
