"""What people and models wrote, and counts, as plain text that a person can be shown."""

import re

PATH_SIGN = " > "

LONGEST_NAME = 160
"""Characters of a label's or a node's name in what a person reads."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_IN_LINE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return a text with a space for each run of control signs, and without signs that turn lines around."""
    control = _CONTROL_IN_LINE if keep_lines else _CONTROL
    return _DIRECTION.sub("", control.sub(" ", text))


def clipped(text: str, most: int) -> str:
    """Return a text of at most `most` characters, the last a sign that there was more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, such as `1 label` or `2 branches`."""
    ending = "" if count == 1 else "es" if noun.endswith(("ch", "ss")) else "s"
    return f"{count:,} {noun}{ending}"
