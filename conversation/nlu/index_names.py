"""The names of an index as they are found in what somebody says: whatever their case, plural or punctuation."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from taxonaut.state.ids import LabelId, Place
from taxonaut.state.index.index import Index
from taxonaut.tools.write.propose_category import folded

Words = tuple[str, ...]

_JOINING = frozenset({"and", "or", "&", ",", "+", "the", "'", "-"})
_LONGEST = 12


@lru_cache(65_536)
def fold(word: str) -> str:
    """A word without case, accents and plural s; nothing for one that only joins others."""
    return "" if word in _JOINING else folded(word.replace("'", "").replace("’", ""))


def key_of(name: str) -> Words:
    """The words by which a name is known; *Health & Beauty* and *health and beauty* are the same."""
    key: list[str] = []
    for piece in name.casefold().split():
        key += parts(piece)
    return tuple(key)


@lru_cache(65_536)
def parts(piece: str) -> Words:
    """The words of what stands between blanks."""
    return tuple(word for word in fold(piece).split() if fold(word))


@dataclass(frozen=True)
class Names:
    """All names of an index: what has each, by the words of the name, and the names that have a word.

    `places` holds nodes, and labels that are no nodes; `labels` all labels.
    """

    places: dict[Words, list[Place]] = field(default_factory=dict)
    labels: dict[Words, list[LabelId]] = field(default_factory=dict)
    having: dict[str, set[Words]] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index) -> "Names":
        """Read the names of an index; for 10,000 labels this takes some 0.2 s."""
        places: defaultdict[Words, list[Place]] = defaultdict(list)
        labels: defaultdict[Words, list[LabelId]] = defaultdict(list)
        nodes = set[LabelId]()
        for node, name, own in index.node_names():
            places[key_of(name)].append(node)
            if own is not None:
                nodes.add(own)
        for label in index.all_labels():
            key = key_of(label.name)
            labels[key].append(label.id)
            if label.id not in nodes:
                places[key].append(label.id)
        having: defaultdict[str, set[Words]] = defaultdict(set)
        for key in places:
            for word in key:
                having[word].add(key)
        return cls(dict(places), dict(labels), dict(having))

    def spans(self, words: Sequence[str]) -> Iterator[tuple[int, int, Words]]:
        """Yield the names in a row of words, the longest at each place, as (first, last, key)."""
        at = 0
        while at < len(words):
            found = self._longest(words, at)
            if found is None:
                at += 1
            else:
                yield at, found[0], found[1]
                at = found[0]

    def _longest(self, words: Sequence[str], at: int) -> tuple[int, Words] | None:
        key: list[str] = []
        best: tuple[int, Words] | None = None
        if not fold(words[at]):
            return None
        for last in range(at, min(at + _LONGEST, len(words))):
            if not words[last]:
                break
            key += fold(words[last]).split()
            if words[last] not in _JOINING and tuple(key) in self.places:
                best = (last + 1, tuple(key))
        return best

    def near(self, words: Iterable[str], most: int) -> list[Words]:
        """Return the names that share words with these, those with the largest common part first."""
        wanted = {part for word in words for part in fold(word).split()}
        shared: defaultdict[Words, int] = defaultdict(int)
        for word in wanted:
            for key in self.having.get(word, ()):
                shared[key] += 1
        ranked = sorted(shared, key=lambda key: (-shared[key] / len(wanted | set(key)), key))
        return ranked[:most]
