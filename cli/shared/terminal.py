"""Print text of users and models as it is: no markup is interpreted, no control character gets through."""

import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from taxonaut.workspace.core.text_format import (
    LONGEST_NAME,
    PATH_SIGN,
    clipped,
    counted,
    escape_json,
    printable,
)

__all__ = [
    "LONGEST_NAME",
    "PATH_SIGN",
    "PIPE_WIDTH",
    "clipped",
    "counted",
    "err",
    "is_interactive",
    "out",
    "path_text",
    "prepare_streams",
    "print_json",
    "printable",
    "styled",
    "utf8_output",
]

PIPE_WIDTH = 200
"""Columns where the output goes into a file or a pipe and no width is known."""


def is_interactive() -> bool:
    """Whether somebody is at a terminal who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def styled(text: str, style: str = "") -> Text:
    """Return a text for rich, as it is."""
    return Text(printable(text), style)


def path_text(path: Sequence[str]) -> Text:
    """Return a path with its last step standing out; JSON has the whole names."""
    steps = [clipped(printable(step), LONGEST_NAME) for step in path]
    shown = Text(PATH_SIGN.join(steps[:-1]), "dim")
    if steps[:-1]:
        shown.append(PATH_SIGN, "dim")
    return shown.append(steps[-1] if steps else "", "bold not dim")


def out() -> Console:
    """Return a console on standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Return a console on standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:

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
    sys.stdout.write(escape_json(json.dumps(value, ensure_ascii=False, indent=indent)) + "\n")


def prepare_streams() -> None:
    """Give the process the standard streams that it was started without, and let no character end it.

    A closed stream reads nothing and writes nowhere; what the terminal's encoding does not have is escaped.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # or the next file that is opened takes its number
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def utf8_output() -> None:
    """Let standard output speak UTF-8 from here on, whatever the terminal's settings say."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
