"""Look up names of the index: exact, ignoring case and accents, or with similar spelling."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from taxonaut.conversation.nlu.mentions import TOP, path_names, resolve_place
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.core.text_format import PATH_SIGN

LONGEST = 16
"""Maximum words of a name or path in a message."""

ALIKE = 82.0
CLEARLY = 5.0
"""Minimum similarity (0 to 100) of a name in a question, and minimum lead over the next name."""

NEAR = 60.0
MOST = 6

_BEFORE = re.compile(
    r"^(?:(?:the|a|an|our|my|category|categories|node|nodes|branch|section|label|labels|called|named)\s+)+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\s+(?:category|categories|node|branch|section|label|for me|please|pls|plz|again|too))+$",
    re.IGNORECASE,
)
_JOINING = frozenset({"and", "or", "the"})


def key(name: str) -> str:
    """Fold case, accents and blanks of a name; changes require equal keys."""
    plain = name.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(plain.split())


def loose_key(name: str) -> str:
    """Fold also plurals, punctuation and joining words."""
    return " ".join(word for word in fold_name(name).split() if word not in _JOINING)


def strip_nouns(words: str) -> str:
    """Strip *the*, *category* and similar words around a name."""
    return _AFTER.sub("", _BEFORE.sub("", words.strip(" ,;:.!?"))).strip(" ,;:.!?")


def group_by_key(named: Iterable[tuple[str, Place]]) -> dict[str, list[Place]]:
    """Group places by the keys of their names."""
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for name, place in named:
        found[key(name)].append(place)
    return dict(found)


@dataclass(frozen=True)
class Names:
    """The names of one version of an index."""

    index: Index
    version: int

    @cached_property
    def places(self) -> dict[str, list[Place]]:
        """Nodes, and labels without a node, by the keys of their names."""
        nodes = self.index.node_names()
        own = {label for _, _, label in nodes}
        labels = [(label.name, label.id) for label in self.index.all_labels() if label.id not in own]
        return group_by_key([*((name, node) for node, name, _ in nodes), *labels])

    @cached_property
    def labels(self) -> dict[str, list[Place]]:
        """All labels by the keys of their names."""
        return group_by_key([(label.name, label.id) for label in self.index.all_labels()])

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """Keys by their loose form."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.places:
            found[loose_key(name)].append(name)
        return dict(found)

    def has(self, words: str, *, loosely: bool = False) -> bool:
        """Return whether words are a name, or a path of names."""
        steps = words.split(PATH_SIGN.strip())
        return all(
            (loose_key(step) in self.alike) if loosely else (key(step) in self.places) for step in steps
        )

    def spans(
        self, said: str, words: Sequence[tuple[int, int]], *, loosely: bool = False
    ) -> Iterator[tuple[int, int]]:
        """Yield the longest names in a message, as half-open ranges of words."""
        first = 0
        while first < len(words):
            last = min(first + LONGEST, len(words))
            while last > first and not self.has(said[words[first][0] : words[last - 1][1]], loosely=loosely):
                last -= 1
            if last > first:
                yield first, last
            first = max(last, first + 1)

    def exact(self, words: str, *, labels: bool = False) -> tuple[Place, ...]:
        """Return all places with exactly this name, path or id, ignoring case and accents."""
        wanted = " ".join(words.split())
        if not labels and wanted.casefold() in TOP:
            return (self.index.root(),)
        number = wanted.casefold().removeprefix("node ").removeprefix("#")
        if (
            not labels
            and number != wanted
            and number.isdecimal()
            and self.index.has_node(NodeId(int(number)))
        ):
            return (NodeId(int(number)),)
        if self.index.has_label(LabelId(wanted)):
            return (LabelId(wanted) if labels else resolve_place(self.index, wanted),)
        *above, last = map(key, wanted.split(PATH_SIGN.strip()))
        found = (self.labels if labels else self.places).get(last, [])
        return tuple(place for place in found if not above or self._below(place, above))

    def like(self, words: str, *, labels: bool = False) -> tuple[Place, ...]:
        """Return the places a question may mean: by exact name, loose form or similar spelling."""
        wanted = strip_nouns(words)
        for said in (words, wanted):
            if found := self.exact(said, labels=labels):
                return found
        *above, last = wanted.split(PATH_SIGN.strip())
        keys = self.alike.get(loose_key(last), [])
        if not keys:
            ranked = self._ranked(last, ALIKE)
            keys = [name for name, score in ranked if score > ranked[0][1] - CLEARLY]
        path = PATH_SIGN.join(above)
        places = [
            place
            for name in keys
            for place in self.exact(f"{path}{PATH_SIGN}{name}" if path else name, labels=labels)
        ]
        return tuple(dict.fromkeys(places))

    def near(self, words: str, *, labels: bool = False) -> tuple[Place, ...]:
        """Return a few places with similar names, for suggestions only."""
        found = [
            place
            for name, _ in self._ranked(strip_nouns(words), NEAR)
            for place in self.exact(name, labels=labels)
        ]
        return tuple(dict.fromkeys(found))[:MOST]

    def path(self, place: Place) -> str:
        """Format the path of a place."""
        return PATH_SIGN.join(path_names(self.index, place)) or "the top"

    def _ranked(self, words: str, least: float) -> list[tuple[str, float]]:
        from rapidfuzz import fuzz, process

        wanted = loose_key(words)
        if len(wanted) < 3:
            return []
        found = process.extract(
            wanted, self.alike.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=least, limit=MOST
        )
        return [(name, score) for alike, score, _ in found for name in self.alike[alike]]

    def _below(self, place: Place, above: Sequence[str]) -> bool:
        """Return whether the names occur in this order above a place."""
        left = iter(map(key, reversed(path_names(self.index, place)[:-1])))
        return all(step in left for step in reversed(above))
