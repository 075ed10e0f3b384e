"""Print what people and models wrote as data: no markup is read in it, no control sign gets through."""

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PIPE_WIDTH = 200
"""Columns where the output goes into a file or a pipe and no width is known."""

PATH_SIGN = " > "

LONGEST_NAME = 160
"""Characters of a label's or a node's name in what a person reads."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_IN_LINE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONE = re.compile("[\ud800-\udfff]")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return a text with a space for each run of control signs, and without signs that turn lines around."""
    control = _CONTROL_IN_LINE if keep_lines else _CONTROL
    return _DIRECTION.sub("", control.sub(" ", text))


def clipped(text: str, most: int) -> str:
    """Return a text of at most `most` characters, the last a sign that there was more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def styled(text: str, style: str = "") -> "Text":
    """Return a text for rich, as it is."""
    from rich.text import Text

    return Text(printable(text), style)


def path_text(path: Sequence[str]) -> "Text":
    """Return a path with its last step standing out; JSON has the whole names."""
    from rich.text import Text

    steps = [clipped(printable(step), LONGEST_NAME) for step in path]
    shown = Text(PATH_SIGN.join(steps[:-1]), "dim")
    if steps[:-1]:
        shown.append(PATH_SIGN, "dim")
    return shown.append(steps[-1] if steps else "", "bold not dim")


def out() -> "Console":
    """Return a console on standard output."""
    return _console(stderr=False)


def err() -> "Console":
    """Return a console on standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    class PlainConsole(Console):
        """A console that leaves a broken pipe to the command line's own handling."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return PlainConsole(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Write a JSON value to standard output, in UTF-8."""
    utf8_output()
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    sys.stdout.write(_LONE.sub("\ufffd", text) + "\n")


def utf8_output() -> None:
    """Let standard output speak UTF-8 from here on, whatever the terminal's settings say."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, such as `1 label` or `2 branches`."""
    ending = "" if count == 1 else "es" if noun.endswith(("ch", "ss")) else "s"
    return f"{count:,} {noun}{ending}"
