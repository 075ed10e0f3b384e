"""Answers made of templates: short plain lines filled from what a tool found."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.workspace.core.text_format import LONGEST_NAME, PATH_SIGN, clipped, counted, printable

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).parent / "templates"
LONGEST_TEXT = 120
"""Characters of an item's text that an answer repeats."""


def answer(template: str, **values: Any) -> str:
    """Fill a template of this folder; no name or text in it can be markup or end a line."""
    return environment().get_template(f"{template}.j2").render(values).strip("\n")


@lru_cache(1)
def environment() -> "ImmutableSandboxedEnvironment":
    """Return the environment the templates are rendered in."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters.update(named=named, path=path, counted=counted, quoted=quoted, share=share)
    return made


def shown(value: object) -> object:
    """Return what a template writes of a value: a text without control signs, a number with its thousands."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else value


def named(name: str) -> str:
    """Return a name as it is shown."""
    return clipped(printable(name), LONGEST_NAME)


def path(names: Sequence[str]) -> str:
    """Return a path as it is shown; the root is the top."""
    return PATH_SIGN.join(map(named, names)) or "the top"


def quoted(text: str) -> str:
    """Return an item's text, or a part of it, between quotation marks."""
    return f"“{clipped(' '.join(printable(text).split()), LONGEST_TEXT)}”"


def share(part: float) -> str:
    """Write a share in per cent."""
    return f"{part:.0%}"


def folded(text: str, most: int = 100) -> str:
    """Fold an answer to one line."""
    return clipped(" ".join(printable(text).split()), most)
