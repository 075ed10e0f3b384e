"""Find how the steps of paths are separated, and split them."""

import re
from collections.abc import Iterable, Sequence

SEPARATORS = (" > ", ">", " » ", "»", " → ", "→", " :: ", "::", " / ", "/", "\\", "|", " - ")
"""What is tried, the surest first."""

_DOTTED = re.compile(r"[^\W\d][\w\- ]*(?:\.[^\W\d.][\w\- ]*)*")
_SHARE = 0.3
_SAMPLE = 2_000


def find_separator(texts: Sequence[str], tried: Sequence[str] = SEPARATORS) -> str:
    """Return the separator of the steps of paths, or "" if the texts are no paths.

    Texts are paths if those with a separator have what is before it in common: beginnings of some are other texts,
    or several texts share one. So `TV/Video` in a list of names is none.
    """
    for separator in tried:
        sample = [_without_ends(text, separator) for text in texts[:_SAMPLE]]
        whole = set(sample)
        parts = [
            tuple(step.strip() for step in text.split(separator)) for text in sample if separator in text
        ]
        if len(parts) < max(1, _SHARE * len(sample)) or any("" in steps for steps in parts):
            continue
        known = {tuple(step.strip() for step in text.split(separator)) for text in whole}
        below = sum(steps[:-1] in known for steps in parts)
        if below >= 0.5 * len(parts):
            return separator
        heads = [steps[0] for steps in parts]
        if separator.strip() in (">", "»", "→", "::") and (len(parts) >= 0.5 * len(sample)):
            return separator
        if len(parts) >= 0.9 * len(sample) and len(set(heads)) <= 0.5 * len(heads):
            return separator
    return ""


def _without_ends(text: str, separator: str) -> str:
    """Return a text without the separator that paths from a root begin with, as in `/Home/Garden`."""
    text = text.strip()
    return text.removeprefix("/").removesuffix("/") if separator.strip() == "/" else text


def are_dotted(texts: Sequence[str]) -> bool:
    """Whether all texts are names joined by dots, as in `food.fruit.apples`, and several begin alike."""
    heads = [text.partition(".")[0] for text in texts]
    return (
        len(texts) > 1
        and all(_DOTTED.fullmatch(text) for text in texts)
        and any("." in text for text in texts)
        and len(set(heads)) < len(heads)
    )


def split_path(text: str, separator: str, name: str = "") -> tuple[str, ...]:
    """Split a path at a separator, which a backslash before it makes part of a step.

    Where a path ends in `name`, the name is one step, whatever is in it. Blank steps are dropped.
    """
    text = text.strip()
    if name and text.endswith(name) and text != name:
        head = text[: -len(name)].rstrip()
        if head.endswith(separator.strip()):
            return (*split_path(head[: -len(separator.strip())], separator), name)
    if name and text == name:
        return (name,)
    marked = text.replace(f"\\{separator.strip()}", "\x00") if separator.strip() else text
    steps = marked.split(separator)
    return tuple(
        step.strip().replace("\x00", separator.strip())
        for step in steps
        if step.strip().strip("\x00") or "\x00" in step
    )


def split_places(text: str, separator: str) -> Iterable[str]:
    """Return the paths in a cell: several stand on lines of their own, or between `;` or `|`."""
    for divider in ("\n", ";", "|"):
        pieces = [piece.strip() for piece in text.split(divider) if piece.strip()]
        if (
            divider.strip() != separator.strip()
            and len(pieces) > 1
            and all(separator.strip() in piece for piece in pieces)
        ):
            return pieces
    return [text]
