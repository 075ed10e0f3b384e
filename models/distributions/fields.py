"""Parts of a text that have a name: columns of a table, or marks such as `[first term: Rome]` in the text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.state.records import Item

_MARK = re.compile(r"\[([^\[\]:]{1,40}): ([^\[\]]{1,200})\]")
_COMMON = 0.9
"""Share of the texts that must have a part for it to be a feature of all."""

MOST = 4
"""Named parts that are read at most."""


@dataclass(frozen=True, slots=True)
class TextParts:
    """A text, its named parts in order, and the text with each part's value replaced by the part's number.

    `between` is what stands between the first two parts' values in the text, and which of the two comes first: what
    a relation of two terms is mostly said by.
    """

    text: str
    values: tuple[str, ...] = ()
    masked: str = ""
    between: str = ""


def named_parts(item: Item) -> dict[str, str]:
    """Return an item's named parts: its columns but the first, or the marks in its text."""
    if len(item.columns) > 1:
        return dict(item.columns[1:])
    return dict(_MARK.findall(item.text))


def common_names(items: Sequence[Item]) -> tuple[str, ...]:
    """Return the names of parts that nearly all items have, at most `MOST`, in the order of the first item."""
    found: dict[str, int] = {}
    for item in items:
        for name in named_parts(item):
            found[name] = found.get(name, 0) + 1
    return tuple(name for name, count in found.items() if count >= _COMMON * len(items))[:MOST]


def split_parts(item: Item, names: Sequence[str]) -> TextParts:
    """Return an item's text with the parts of these names; a missing one is empty."""
    parts = named_parts(item)
    values = tuple(parts.get(name, "") for name in names)
    if not names:
        return TextParts(item.text)
    bare = item.columns[0][1] if len(item.columns) > 1 else _MARK.sub("", item.text).strip()
    masked = bare
    for number, value in sorted(enumerate(values), key=lambda each: -len(each[1])):
        if value:
            masked = masked.replace(value, f" part{number}part ")
    return TextParts(item.text, values, masked, _between(bare, values))


def _between(text: str, values: Sequence[str]) -> str:
    """Return the words between the first two values, each marked as such, and the values' order."""
    places = [text.find(value) if value else -1 for value in values[:2]]
    if len(places) < 2 or min(places) < 0:
        return ""
    first, second = (0, 1) if places[0] <= places[1] else (1, 0)
    middle = text[places[first] + len(values[first]) : places[second]].split()
    before = text[: places[first]].split()[-3:]
    after = text[places[second] + len(values[second]) :].split()[:3]
    words = (
        [f"m_{word}" for word in middle] + [f"b_{word}" for word in before] + [f"a_{word}" for word in after]
    )
    return " ".join(re.sub(r"\W", "", word).lower() for word in [f"order{first}", *words])
