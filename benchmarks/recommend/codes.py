"""What an item's vector is made of: tokens in slots, read from TIGER-style files."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PAD = "<pad>"
RESOLVER = "<resolver_{}>"


class BadCodes(ValueError):
    """A file of codes cannot be used; the message says what it needs."""


@dataclass(frozen=True)
class Codes:
    """The tokens of all items.

    `table` is (items, slots) of token numbers, rows in the order of the items; 0 is the pad. `tokens` gives a
    number its text. Equal tokens are one token, in whichever slot they stand; slots of different kinds have
    different tokens (`<a_3>`, `<b_3>`). `resolved` says whether the last slot was added here to tell items
    apart that share all else, and `beyond_first` how many items have anything but the first resolver.
    """

    name: str
    table: NDArray[np.int64]
    tokens: tuple[str, ...]
    resolved: bool
    beyond_first: int

    @property
    def first(self) -> list[str]:
        """The token of the first slot of every item."""
        return [self.tokens[number] for number in self.table[:, 0]]


def item_ids(items: Sequence[str]) -> Codes:
    """Give every item one slot with a token of its own."""
    return coded("ids", items, {item: [f"<item_{item}>"] for item in items})


def read_codes(name: str, path: Path, items: Sequence[str]) -> Codes:
    """Read `{item: [token, …]}`, as many tokens for every item.

    Raises:
        BadCodes: No such file, no such JSON, items without codes, or rows of different length.
    """
    if not path.is_file():
        raise BadCodes(f"there is no {str(path)!r}; --codes NAME=FILE names a file {{item: [token, …]}}")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadCodes(f"{str(path)!r} is not JSON ({error})") from None
    if not isinstance(rows, dict):
        raise BadCodes(f"{str(path)!r} holds {type(rows).__name__}, not an object {{item: [token, …]}}")
    for item, row in rows.items():
        if not isinstance(row, list) or not all(isinstance(token, str) for token in row):
            raise BadCodes(f"{str(path)!r}: {item!r} has {row!r}, not a list of tokens")
    return coded(name, items, rows)


def coded(name: str, items: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Codes:
    """Number tokens, and add a resolver slot where two items share all of theirs.

    Raises:
        BadCodes: Items without codes, or rows of different length.
    """
    missing = [item for item in items if item not in rows]
    if missing:
        raise BadCodes(
            f"{name!r} has no codes for {len(missing)} items ({missing[0]!r}); give each a row, padded with {PAD}"
        )
    lengths = Counter(len(rows[item]) for item in items)
    if len(lengths) != 1 or 0 in lengths:
        raise BadCodes(
            f"{name!r} has rows of {sorted(lengths)} tokens; give every item as many, padded with {PAD}"
        )
    found = [list(rows[item]) for item in items]
    seen: Counter[tuple[str, ...]] = Counter()
    resolvers = []
    for row in found:
        resolvers.append(seen[tuple(row)])
        seen[tuple(row)] += 1
    resolved = len(seen) < len(items)
    if resolved:
        found = [[*row, RESOLVER.format(number)] for row, number in zip(found, resolvers, strict=True)]
    tokens = list(dict.fromkeys([PAD, *(token for row in found for token in row)]))
    numbers = {token: number for number, token in enumerate(tokens)}
    table = np.array([[numbers[token] for token in row] for row in found], dtype=np.int64)
    return Codes(name, table, tuple(tokens), resolved, sum(number > 0 for number in resolvers))
