"""Read single keys from a terminal; what is typed ahead is not lost."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

CTRL_C, CTRL_D, ESCAPE = "\x03", "\x04", "\x1b"

SEQUENCE_S = 0.05
"""Seconds in which the rest of an arrow key arrives."""


class Keys:
    """The keyboard, key by key, within a `with` block; `lines` gives it back for a line of text."""

    def __enter__(self) -> Self:
        self._former = _read_keys_only()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore(self._former)

    @contextmanager
    def lines(self) -> Iterator[None]:
        """Read whole lines within the block."""
        _restore(self._former)
        try:
            yield
        finally:
            self._former = _read_keys_only()

    def read(self) -> str:
        """Wait for a key and return it; Ctrl-C and the end of the input are keys, arrow keys are ESCAPE and more."""
        try:
            return _read_key()
        except KeyboardInterrupt:
            return CTRL_C


if sys.platform == "win32":

    def _read_keys_only() -> None:
        return None

    def _restore(former: None) -> None:
        return None

    def _read_key() -> str:
        import msvcrt

        key = msvcrt.getwch()
        return ESCAPE + msvcrt.getwch() if key in ("\x00", "\xe0") else key

else:
    import select
    import termios
    import tty
    from typing import Any

    def _read_keys_only() -> Any:
        """Turn line editing and echo off; what was typed ahead stays (TCSADRAIN). Return the former settings."""
        former = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        return former

    def _restore(former: Any) -> None:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, former)

    def _read_key() -> str:
        source = sys.stdin.fileno()
        first = os.read(source, 1)
        if not first:
            return CTRL_D
        rest = b""
        if first[0] >= 0xC0:  # the rest of a character of several bytes
            rest = os.read(source, 3 if first[0] >= 0xF0 else 2 if first[0] >= 0xE0 else 1)
        while first == ESCAPE.encode() and select.select([source], [], [], SEQUENCE_S)[0]:
            rest += os.read(source, 1)
            if rest[-1:].isalpha() or rest[-1:] == b"~":
                break
        return (first + rest).decode("utf-8", "replace")
