"""Find the names and alternative names of a label set in texts, word by word."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taxonaut.models.encoder.languages import stop_words
from taxonaut.state.text_words import ENGLISH, cut_words, divide_camel, stem, without_qualifier

_DAMPING = 3.0
_LONGEST_ENDING = 2

Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name found in a text: its number, where it begins, how it is written, whether it is the whole text."""

    name: int
    start: int
    text: str
    is_whole: bool


class NameIndex:
    """Names by the stems of their words.

    A function word is no name, unless it is an acronym: `IT` is found where it is written in capitals. A name of one
    word is found in that word with another ending of up to two letters, so that `universe` is not `university`.
    """

    def __init__(self, names: Iterable[str], language: str = ENGLISH) -> None:
        self._language = language
        self._ignored = stop_words(language)
        self._numbers: dict[Stems, int] = {}
        self._forms: defaultdict[int, set[str]] = defaultdict(set)
        self._lengths: defaultdict[str, set[int]] = defaultdict(set)
        self._known: dict[str, tuple[int, ...]] = {}
        for name in names:
            if name not in self._known:
                self._known[name] = tuple({self._add(words) for words in self._forms_of(name)})
        counts = Counter(word for stems in self._numbers for word in set(stems))
        self._weights = [0.0]
        for stems in self._numbers:
            total = sum(math.log(1 + len(self._numbers) / counts[word]) for word in stems)
            self._weights.append(total / (total + _DAMPING))

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return the numbers of a name, which are those of all names with equal stems; none for an unknown one."""
        return self._known.get(name, ())

    def weight(self, number: int) -> float:
        """Return how telling a name is, from 0 to 1: the sum of its words' idf, damped."""
        return self._weights[number]

    def find(self, text: str) -> tuple[NameMatch, ...]:
        """Return the names in a text from left to right; one that begins inside a longer one must end after it."""
        words = list(cut_words(text))
        stems = self._stems([word for word, _, _ in words])
        found: list[NameMatch] = []
        reached = 0
        for first, one in enumerate(stems):
            for length in sorted(self._lengths.get(one, ()), reverse=True):
                last = first + length
                number = self._numbers.get(stems[first:last], 0) if last <= len(stems) else 0
                if not number or last <= reached:
                    continue
                start, end = words[first][1], words[last - 1][2]
                if length == 1 and not self._fits(number, words[first][0], text[start:end]):
                    continue
                found.append(NameMatch(number, start, text[start:end], length == len(stems)))
                reached = last
                break
        return tuple(found)

    def _forms_of(self, name: str) -> list[list[str]]:
        """Return the words of a name, without its qualifier; of an identifier in camelCase also its parts."""
        name = without_qualifier(name)
        cut = list(cut_words(name))
        forms = [[word for word, _, _ in cut]]
        if len(cut) == 1 and (parts := divide_camel(name[cut[0][1] : cut[0][2]], is_name=False)):
            forms.append(parts)
        if len(cut) == 1 and cut[0][0] in self._ignored and not name.strip().isupper():
            return []
        return [form for form in forms if form]

    def _add(self, words: Sequence[str]) -> int:
        stems = self._stems(words)
        number = self._numbers.setdefault(stems, len(self._numbers) + 1)
        self._lengths[stems[0]].add(len(stems))
        if len(stems) == 1:
            self._forms[number].add(words[0])
        return number

    def _fits(self, number: int, word: str, written: str) -> bool:
        if word in self._ignored:
            return written.isupper() and len(written) > 1
        return any(_is_inflected(word, form) for form in self._forms[number])

    def _stems(self, words: Sequence[str]) -> Stems:
        return tuple(stem(word, self._language) for word in words)


def _is_inflected(word: str, form: str) -> bool:
    short, long = sorted((word, form), key=len)
    return len(long) - len(short) <= _LONGEST_ENDING and long.startswith(
        short[:-1] if short[-1:] == "y" else short
    )
