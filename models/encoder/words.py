"""Score the words that an option's name shares with an item, weighted by idf.

Embedders represent rare names badly; shared words find them. On the development parts of ESCO this ranks a right
label first in 61 % of texts instead of 57 %.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.name_index import NameIndex, NameMatch
from taxonaut.state.text_words import ENGLISH, stems, without_qualifier

Ids = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]

_DAMPING = 5.0
_ENTRIES = 65_536


class Vocabulary:
    """The word stems of a label set with idf weights: log(1 + labels / labels with the word); and its names."""

    def __init__(
        self, names: Sequence[str], language: str = ENGLISH, alternatives: Iterable[str] = ()
    ) -> None:
        self.language = language
        counts = Counter(word for name in names for word in set(stems(without_qualifier(name), language)))
        self._ids = {word: number for number, word in enumerate(sorted(counts), start=1)}
        self._weights = np.array(
            [0.0, *(math.log(1 + len(names) / counts[word]) for word in self._ids)], np.float32
        )
        self._unknown = math.log(1 + len(names))
        self._entries: dict[str, tuple[Ids, Shares]] = {}
        self.names = NameIndex([*names, *alternatives], language)

    def weight(self, word: str) -> float:
        """Return the idf of a word; that of a word of a single label if it occurs in none."""
        ids = self.known(word)
        return float(self._weights[ids].max()) if len(ids) else self._unknown

    def __len__(self) -> int:
        return len(self._weights)

    def known(self, text: str) -> Ids:
        """Return the ids of a text's words that occur in labels, in ascending order."""
        words = set(stems(text, self.language))
        return np.array(sorted(self._ids[word] for word in words if word in self._ids), np.int32)

    def entry(self, name: str) -> tuple[Ids, Shares]:
        """Return a name's word ids and the share of each in the score; never empty."""
        entry = self._entries.get(name)
        if entry is None:
            ids = np.concatenate([np.zeros(1, np.int32), self.known(without_qualifier(name))])
            weights = self._weights[ids]
            entry = (ids, weights / (weights.sum() + np.float32(_DAMPING)))
            if len(self._entries) >= _ENTRIES:
                self._entries.clear()
            self._entries[name] = entry
        return entry


class SharedWords:
    """The words of a list of options, prepared for comparison with many items; and the names each goes by."""

    def __init__(
        self, vocabulary: Vocabulary, names: Sequence[str], alternatives: Sequence[Sequence[str]] = ()
    ) -> None:
        self.names = tuple(names)
        ids, values = zip(*map(vocabulary.entry, names), strict=True) if names else ((), ())
        self._size = len(vocabulary)
        self._ids = np.concatenate(ids) if ids else np.empty(0, np.int32)
        self._values = np.concatenate(values) if values else np.empty(0, np.float32)
        self._starts = np.array([0, *accumulate(map(len, ids))], np.intp)[:-1]
        self._named: dict[int, dict[int, float]] = {}
        index = vocabulary.names
        for row, others in enumerate(alternatives):
            for number in (number for other in others for number in index.numbers(other)):
                self._named.setdefault(number, {})[row] = index.weight(number)
        for row, name in enumerate(names):
            for number in index.numbers(name):
                self._named.setdefault(number, {})[row] = math.sqrt(index.weight(number))

    def shares(self, items: Sequence[Ids]) -> Shares:
        """Return for each item and option (n, m) the weighted share of the name's words in the item, in [0, 1).

        The sum of weights in the divisor is damped, so that names of common words score less.
        """
        shares = np.zeros((len(items), len(self._starts)), np.float32)
        has = np.zeros(self._size, np.float32)
        for row, known in zip(shares, items, strict=True):
            if len(known) and len(row):
                has[known] = 1
                np.add.reduceat(has[self._ids] * self._values, self._starts, out=row)
                has[known] = 0
        return shares

    def lift(self, whole: Matrix, best: Matrix, found: Sequence[Sequence[NameMatch]]) -> None:
        """Raise similarities (n, m) where a name of the option was found in the item, in place.

        A phrase that is an alternative name of an option is as similar as it is telling (`NameIndex.weight`), its
        name as the root of this. So is the whole item, and fully, if it is nothing but the name.
        """
        for row, matches in enumerate(found):
            for match in matches:
                for option, weight in self._named.get(match.name, {}).items():
                    best[row, option] = max(best[row, option], 1.0 if match.is_whole else weight)
                    if match.is_whole:
                        whole[row, option] = 1.0

    def named(self, found: Sequence[NameMatch], option: int) -> float:
        """Return how telling an alternative name of an option is that was found in an item; 0 without one."""
        weights = [(self._named.get(match.name, {}).get(option, 0.0), match.is_whole) for match in found]
        return max((1.0 if whole else weight for weight, whole in weights if 0 < weight < 1), default=0.0)

    def match(self, found: Sequence[NameMatch], option: int) -> NameMatch | None:
        """Return the longest of the names found in an item that is one of an option's."""
        own = [match for match in found if option in self._named.get(match.name, {})]
        return max(own, key=lambda match: len(match.text), default=None)
