"""What an item's vector is made of: tokens in slots, read from TIGER-style files."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.errors import InputError

PAD = "<pad>"
RESOLVER = "<resolver_{}>"


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
    return make_codes("ids", items, {item: [f"<item_{item}>"] for item in items})


def read_codes(name: str, path: Path, items: Sequence[str]) -> Codes:
    """Read `{item: [token, …]}`, as many tokens for every item.

    Raises:
        InputError: No such file, no such JSON, items without codes, or rows of different length.
    """
    return make_codes(name, items, read_code_rows(path))


def read_code_rows(path: Path) -> dict[str, list[str]]:
    """Read `{item: [token, …]}` as it is.

    Raises:
        InputError: No such file, no such JSON, no item.
    """
    if not path.is_file():
        raise InputError(f"there is no {str(path)!r}; give a JSON file {{item: [token, …]}}")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not JSON ({error})") from None
    if not isinstance(rows, dict):
        raise InputError(f"{str(path)!r} holds {type(rows).__name__}, not an object {{item: [token, …]}}")
    for item, row in rows.items():
        if not isinstance(row, list) or not all(isinstance(token, str) for token in row):
            raise InputError(f"{str(path)!r}: {item!r} has {row!r}, not a list of tokens")
    if not rows:
        raise InputError(f"{str(path)!r} has no item; give an object {{item: [token, …]}}")
    return rows


def make_codes(name: str, items: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Codes:
    """Number tokens, and add a resolver slot where two items share all of theirs.

    Raises:
        InputError: Items without codes, or rows of different length.
    """
    missing = [item for item in items if item not in rows]
    if missing:
        raise InputError(
            f"{name!r} has no codes for {len(missing)} items ({missing[0]!r}); give each a row, padded with {PAD}"
        )
    lengths = Counter(len(rows[item]) for item in items)
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(
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
