"""The words of all labels in memory, so that a search over a million labels takes milliseconds.

It finds what a scan of the table finds, in the same order: a word of the query may be any part of a word of a label.
The distinct words of the labels are one array of bytes that is looked through; by word it is known which labels have
it in their name, alternative names, id or code, and description. A label that was changed since is read again when
something is searched for, and looked through by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump

_Ints = NDArray[np.int32]
_Texts = tuple[str, str, str, str]

_BLOCK = 50_000
_MOST_CHANGED = 20_000
"""Changed labels that are looked through one by one; with more of them, all words are read again."""

_MOST_EQUAL = 1_000
_END = "\0"

FIELDS = ("name", "alternatives", "code", "description")
WEIGHTS = (4, 3, 2, 1)
"""What a word of a query counts by the best field that it is in."""

_SELECT = (
    "SELECT number, lower(name) AS name, lower(alternatives) AS alternatives, "
    "lower(id) || ' ' || lower(notation) AS code, lower(description) AS description FROM labels"
)
_BETWEEN = f"{_SELECT} WHERE number BETWEEN ? AND ? ORDER BY number"
_SOME = f"{_SELECT} WHERE number IN (SELECT unnest($1::BIGINT[]))"
_STATE = (
    "SELECT number, hash(id, name, alternatives, description, notation) AS state FROM labels ORDER BY number"
)


@dataclass(frozen=True, slots=True)
class _Places:
    """Which labels have a word in one field: `labels[starts[word]:starts[word + 1]]`, by their places."""

    labels: _Ints
    starts: _Ints

    def of(self, words: NDArray[np.int64]) -> _Ints:
        """Return the places of all labels that have any of some words; a label may be there twice."""
        firsts, counts = self.starts[words].astype(np.int64), self.starts[words + 1] - self.starts[words]
        firsts, counts = firsts[counts > 0], counts[counts > 0]
        ends = counts.cumsum()
        steps = np.arange(ends[-1] if ends.size else 0) + np.repeat(firsts - ends + counts, counts)
        found: _Ints = self.labels[steps]
        return found


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the labels as they were at one moment; a place is a label's row in `numbers`."""

    numbers: NDArray[np.int64]
    states: NDArray[np.uint64]
    lengths: _Ints
    letters: bytes
    starts: NDArray[np.int64]
    fields: tuple[_Places, ...]

    def containing(self, part: str) -> NDArray[np.int64]:
        """Return the words that contain a part."""
        wanted, letters = part.encode(), np.frombuffer(self.letters, dtype=np.uint8)
        found = np.flatnonzero(letters[: letters.size - len(wanted) + 1] == wanted[0])
        for step, letter in enumerate(wanted[1:], start=1):
            found = found[letters[found + step] == letter]
        words = self.starts.searchsorted(found, side="right") - 1
        return words[np.diff(words, prepend=-1) > 0]

    def exactly(self, word: str) -> NDArray[np.int64]:
        """Return the number of a word, in an array, which is empty for an unknown one."""
        place = self.letters.find(b"\n" + word.encode() + b"\n")
        return self.starts.searchsorted([place + 1]) if place >= 0 else np.empty(0, dtype=np.int64)

    def places(self, numbers: Iterable[int]) -> NDArray[np.int64]:
        """Return the places of those of some labels that are known."""
        wanted = np.fromiter(numbers, dtype=np.int64)
        there = np.minimum(self.numbers.searchsorted(wanted), max(self.numbers.size - 1, 0))
        return there[self.numbers[there] == wanted] if self.numbers.size else there[:0]


class LabelWords:
    """Finds labels by their words, once `build` was called. Hold `database.lock` but for `build`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._words: _Words | None = None
        self._touched: set[int] = set()
        self._changed: dict[int, _Texts | None] = {}
        """The texts of labels that are not as they were read, None for one that is gone."""
        self._doubted = False

    @property
    def is_built(self) -> bool:
        """Whether labels can be found."""
        return self._words is not None

    def build(self) -> None:
        """Read the words of all labels: some 5 seconds of work for a million. Any thread may do it."""
        words = _read_words(self._database)
        with self._database.lock:
            self._words, self._doubted = words, True
            self._touched.clear()
            self._changed.clear()

    def touch(self, numbers: Iterable[int]) -> None:
        """Say that labels were changed or added."""
        if self._words is not None:
            self._touched.update(numbers)

    def touch_again(self) -> None:
        """Say that what was changed may be as it was before, after a rollback."""
        self._touched.update(self._changed)

    def doubt(self) -> None:
        """Say that any label may have changed: what did is found out when something is searched for."""
        self._doubted = True

    def search(self, words: Sequence[str], whole: str, limit: int, without: Iterable[int]) -> list[int]:
        """Return the numbers of up to `limit` labels that contain words, the best first; see `IndexReader.search`.

        `whole` is the query in lower case, `without` are labels that are not looked for.
        """
        kept = self._current()
        left_out = set(without)
        hidden = kept.places({*left_out, *self._changed})
        equal = _find_equal(kept, whole, hidden)
        texts = self._texts(kept.numbers[equal].tolist())
        texts |= {
            number: each
            for number, each in self._changed.items()
            if each is not None and number not in left_out
        }
        ranked = [
            (not _is_equal(each, whole), -hits, len(each[0]), number)
            for number, each in texts.items()
            if (hits := _count_hits(each, words))
        ]
        places, counts = _find(kept, words, limit, hidden)
        ranked += [
            (True, -int(hit), int(kept.lengths[place]), int(kept.numbers[place]))
            for place, hit in zip(places, counts, strict=True)
            if int(kept.numbers[place]) not in texts
        ]
        return [number for *_, number in sorted(ranked)[:limit]]

    def _current(self) -> _Words:
        """Return the words, after what was changed since they were read was read again."""
        assert self._words is not None
        if self._doubted:
            self._touched.update(self._find_changed(self._words), self._changed)
            self._doubted = False
        if len(self._touched) + len(self._changed) > _MOST_CHANGED:
            self.build()
            self._doubted = False
        if self._touched:
            found = self._texts(list(self._touched))
            self._changed |= {number: found.get(number) for number in self._touched}
            self._touched.clear()
        return self._words

    def _find_changed(self, words: _Words) -> list[int]:
        now = self._database.columns(_STATE)
        numbers, states = np.asarray(now["number"], np.int64), np.asarray(now["state"], np.uint64)
        gone = np.setdiff1d(words.numbers, numbers, assume_unique=True)
        places = np.minimum(words.numbers.searchsorted(numbers), max(words.numbers.size - 1, 0))
        if not words.numbers.size:
            return list(map(int, numbers))
        same = (words.numbers[places] == numbers) & (words.states[places] == states)
        return list(map(int, (*gone, *numbers[~same])))

    def _texts(self, numbers: Sequence[int]) -> dict[int, _Texts]:
        rows = self._database.rows(_SOME, [numbers]) if numbers else []
        return {number: (name, other, code, text) for number, name, other, code, text in rows}


def _read_words(database: Database) -> _Words:
    state = database.columns(_STATE)  # first, so that what changes after it is found to be changed
    numbers = np.asarray(state["number"], dtype=np.int64)
    known: defaultdict[str, int] = defaultdict(count().__next__)
    end = known[_END]
    found: dict[str, list[tuple[_Ints, _Ints]]] = {field: [] for field in FIELDS}
    lengths = np.zeros(numbers.size, dtype=np.int32)
    for first in range(0, numbers.size, _BLOCK):
        some = numbers[first : first + _BLOCK]
        columns = database.columns(_BETWEEN, [int(some[0]), int(some[-1])])
        there = np.searchsorted(numbers, np.asarray(columns["number"])).astype(np.int32)
        for field in FIELDS:
            texts = np.asarray(columns[field], dtype=object).tolist()
            joined = f"\n{_END}\n".join(text.replace(_END, " ") if _END in text else text for text in texts)
            pieces = joined.split()
            words = np.fromiter(map(known.__getitem__, pieces), dtype=np.int32, count=len(pieces))
            ends = words == end
            found[field].append((words[~ends], there[ends.cumsum()[~ends]]))
            if field == "name":
                lengths[there] = list(map(len, texts))
    letters = "\n".join(("", *known, "")).encode()
    starts = np.flatnonzero(np.frombuffer(letters, dtype=np.uint8) == ord("\n"))[:-1] + 1
    return _Words(
        numbers,
        np.asarray(state["state"], dtype=np.uint64),
        lengths,
        letters,
        starts,
        tuple(_by_word(found.pop(field), len(known)) for field in FIELDS),
    )


def _by_word(blocks: Sequence[tuple[_Ints, _Ints]], many: int) -> _Places:
    words = np.concatenate([words for words, _ in blocks] or [np.empty(0, dtype=np.int32)])
    labels = np.concatenate([labels for _, labels in blocks] or [np.empty(0, dtype=np.int32)])
    starts = np.zeros(many + 1, dtype=np.int32)
    np.cumsum(np.bincount(words, minlength=many), out=starts[1:])
    return _Places(labels[np.argsort(words, kind="stable")], starts)


def _find(
    kept: _Words, words: Sequence[str], limit: int, hidden: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the best labels, in no order, and what they count.

    Where enough labels have all words in their names, no other is as good, and the other fields are not looked at.
    """
    parts = [kept.containing(word) for word in words]
    hits = np.zeros(kept.numbers.size, dtype=np.int16)
    best = [np.zeros(kept.numbers.size, dtype=np.int8) for _ in words]
    for field, weight in zip(kept.fields, WEIGHTS, strict=True):
        for part, counts in zip(parts, best, strict=True):
            labels = field.of(part)
            fresh = labels[counts[labels] == 0]
            counts[fresh] = weight
        if weight == WEIGHTS[0]:
            full = np.logical_and.reduce([counts > 0 for counts in best])
            full[hidden] = False
            if np.count_nonzero(full) >= limit:
                hits[full] = weight * len(words)
                break
    else:
        hits = np.add.reduce(best, dtype=np.int16)
        hits[hidden] = 0
    places = np.flatnonzero(hits)
    if places.size > limit:
        order = (
            (-hits[places].astype(np.int64) << 48) + (kept.lengths[places].astype(np.int64) << 31) + places
        )
        places = places[np.argpartition(order, limit - 1)[:limit]]
    return places, hits[places].astype(np.int64)


def _find_equal(kept: _Words, whole: str, hidden: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of labels whose name, id or code may be the whole query, or an alternative name."""
    name, alternatives, code, _ = kept.fields
    pieces = [kept.exactly(piece) for piece in whole.split()]
    named = _common(name, pieces)
    named = named[kept.lengths[named] == len(whole)]
    other = _common(alternatives, [kept.containing(piece) for piece in dump(whole).split()])
    found = np.concatenate([named[:_MOST_EQUAL], other[:_MOST_EQUAL], _common(code, pieces)[:_MOST_EQUAL]])
    return np.setdiff1d(found, hidden)


def _common(field: _Places, words: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the places of labels that have each of some words in a field."""
    found: NDArray[np.int64] | None = None
    for each in sorted(words, key=len):
        here = np.unique(field.of(each)).astype(np.int64)
        found = here if found is None else np.intersect1d(found, here, assume_unique=True)
        if not found.size:
            break
    return np.empty(0, dtype=np.int64) if found is None else found


def _count_hits(texts: _Texts, words: Sequence[str]) -> int:
    return sum(
        next((weight for text, weight in zip(texts, WEIGHTS, strict=True) if word in text), 0)
        for word in words
    )


def _is_equal(texts: _Texts, whole: str) -> bool:
    name, alternatives, code, _ = texts
    id_, _, notation = code.rpartition(" ")
    return whole in (name, id_, notation) or dump(whole) in alternatives
