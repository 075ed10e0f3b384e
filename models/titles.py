"""Where the title of a product's text ends."""

import re

LONGEST_TITLE = 200
"""Characters among which a title's end is looked for."""

_END = re.compile(r"(?<=[.!?|])\s+|\s+[-–—|:]\s+|\n")


def divided(text: str) -> tuple[str, str]:
    """Divide a text at the first end of a sentence into its title and the rest; without one it is a title."""
    found = _END.search(text, 0, LONGEST_TITLE)
    if found is None:
        return text, ""
    return text[: found.start()], text[found.end() :]
