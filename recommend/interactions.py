"""A set of user histories: items, training sequences, and lines of a history with the item that came next."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taxonaut.state.errors import InputError

ITEMS, TRAIN, VALID, TEST = "items.jsonl", "train.jsonl", "valid.jsonl", "test.jsonl"
TRAIN_NAMES = (TRAIN, "train_reconstructed.jsonl")


@dataclass(frozen=True)
class Query:
    """What a user had, oldest first, and what came next; items are their rows in `Interactions.items`."""

    user: str
    history: tuple[int, ...]
    target: int


@dataclass(frozen=True)
class Interactions:
    """All that is trained on and measured with; `items` are ids as text."""

    items: tuple[str, ...]
    train: Mapping[str, tuple[int, ...]]
    valid: tuple[Query, ...]
    test: tuple[Query, ...]

    @property
    def longest(self) -> int:
        """How many items the longest history or training sequence has."""
        return max(
            [*map(len, self.train.values()), *(len(query.history) for query in (*self.valid, *self.test))]
        )


def read_interactions(folder: Path) -> Interactions:
    """Read `items`, `train` (or `train_reconstructed`), `valid` and `test`, each a .jsonl file of the folder.

    Raises:
        InputError: A file is missing, a line is no such object, an item is unknown, a user has two sequences.
    """
    items = tuple(str(line["id"]) for _, line in _lines(folder / ITEMS, {"id"}))
    rows = {item: row for row, item in enumerate(items)}
    if len(rows) != len(items):
        raise InputError(f"{folder / ITEMS}: an id stands there twice; every item needs its own")
    train_path = next((folder / name for name in TRAIN_NAMES if (folder / name).is_file()), folder / TRAIN)
    train: dict[str, tuple[int, ...]] = {}
    for place, line in _lines(train_path, {"user", "history"}):
        user = str(line["user"])
        if user in train:
            raise InputError(f"{place}: user {user!r} has a training sequence already; give one line a user")
        train[user] = _rows(line["history"], rows, place)
    valid, test = (
        tuple(
            Query(
                str(line["user"]),
                _rows(line["history"], rows, place),
                _rows([line["target"]], rows, place)[0],
            )
            for place, line in _lines(folder / name, {"user", "history", "target"})
        )
        for name in (VALID, TEST)
    )
    for name, part in ((train_path.name, train), (VALID, valid), (TEST, test)):
        if not part:
            raise InputError(
                f"{str(folder / name)!r} has no line; training, choosing and measuring each need some"
            )
    return Interactions(items, train, valid, test)


def _lines(path: Path, needed: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        raise InputError(
            f"there is no {str(path)!r}; --data DIR names a folder with {ITEMS}, {TRAIN}, {VALID}, {TEST}"
        )
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            place = f"{path}:{number}"
            try:
                line = json.loads(text)
            except ValueError as error:
                raise InputError(f"{place}: {text[:60]!r} is not JSON ({error}); one object a line") from None
            if not isinstance(line, dict) or not needed <= line.keys():
                raise InputError(f"{place}: {text[:60]!r} is no object with {', '.join(sorted(needed))}")
            yield place, line


def _rows(items: object, rows: Mapping[str, int], place: str) -> tuple[int, ...]:
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise InputError(f"{place}: {items!r} is no list of item ids with at least one")
    unknown = next((item for item in items if str(item) not in rows), None)
    if unknown is not None:
        raise InputError(f"{place}: item {unknown!r} is not in {ITEMS}")
    return tuple(rows[str(item)] for item in items)
