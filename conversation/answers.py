"""Render answers from templates: short plain lines."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.workspace.core.text_format import LONGEST_NAME, PATH_SIGN, clipped, counted, printable

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).parent / "templates"
LONGEST_TEXT = 120
"""Maximum characters of an item's text in an answer."""


def render_answer(template: str, **values: Any) -> str:
    """Render a template of this package; values cannot contain markup or line breaks."""
    return get_environment().get_template(f"{template}.j2").render(values).strip("\n")


@lru_cache(1)
def get_environment() -> "ImmutableSandboxedEnvironment":
    """Return the Jinja environment of the templates."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=format_value,
    )
    environment.filters.update(
        named=format_name, path=format_path, counted=counted, quoted=quote, share=format_share
    )
    return environment


def format_value(value: object) -> object:
    """Format a value for a template: text without control characters, numbers with thousands separators."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else value


def format_name(name: str) -> str:
    """Format a name."""
    return clipped(printable(name), LONGEST_NAME)


def format_path(names: Sequence[str]) -> str:
    """Format a path; the root is `the top`."""
    return PATH_SIGN.join(map(format_name, names)) or "the top"


def quote(text: str) -> str:
    """Format an item's text, or a part of it, in quotation marks."""
    return f"“{clipped(' '.join(printable(text).split()), LONGEST_TEXT)}”"


def format_share(part: float) -> str:
    """Format a share in per cent."""
    return f"{part:.0%}"


def one_line(text: str, most: int = 100) -> str:
    """Return a text on one line, cut to `most` characters."""
    return clipped(" ".join(printable(text).split()), most)
