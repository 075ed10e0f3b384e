"""Format user and model texts, and counts, for display."""

import re

PATH_SIGN = " > "

LONGEST_NAME = 160
"""Most characters of a displayed label or node name."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_IN_LINE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPECIAL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Replace each run of control characters by a space, and drop characters that change text direction."""
    control = _CONTROL_IN_LINE if keep_lines else _CONTROL
    return _DIRECTION.sub("", control.sub(" ", text))


def escape_json(text: str) -> str:
    r"""Write control characters, and those that change text direction, as `\uXXXX` in a JSON text."""
    return _SPECIAL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def clipped(text: str, most: int) -> str:
    """Truncate a text to `most` characters, the last an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 label` or `2 branches`."""
    ending = "" if count == 1 else "es" if noun.endswith(("ch", "ss")) else "s"
    return f"{count:,} {noun}{ending}"
