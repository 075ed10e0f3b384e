"""Match the labels of one taxonomy to those of another by names, paths and vectors."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.text_words import ENGLISH, stems
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.labels.label_sets import Entry, Key, LabelSet

Matrix = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Matrix]
"""Returns unit vectors of texts, shape (len(texts), dimension)."""

MatchKind = Literal["exact", "close", "broad"]

BLOCK = 512
"""Labels compared at a time with all of the other taxonomy."""


@dataclass(frozen=True, slots=True)
class MatchWeights:
    """How much counts: words of names, words of what is above, vectors of names, and of paths; they sum to 1.

    `inherit`: what a label takes over of its parent's score with a category, for want of a better match.
    """

    name_words: float = 0.1
    words_above: float = 0.1
    name_vectors: float = 0.5
    path_vectors: float = 0.3
    inherit: float = 0.7


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label of the first taxonomy and one of the second; `rank` counts a label's matches from 1.

    `kind`: `exact` (a name of both is nearly the same, and so is the place), `close`, or `broad` (the other is the
    more general).
    """

    source: Entry
    target: Entry
    score: float
    kind: MatchKind
    rank: int = 1


EXACT = 0.9
"""The least score of an exact match whose parents have other names: labels of one name with a lower one are of other
kinds, such as thermostats of cars and of houses."""

_SMALL_WORDS = frozenset({"and", "for", "in", "of", "or", "the"})


def match_sets(
    source: LabelSet,
    target: LabelSet,
    embed: Embed | None,
    *,
    top: int = 1,
    least: float = 0.0,
    one_to_one: bool = False,
    weights: MatchWeights | None = None,
    language: str = ENGLISH,
) -> list[LabelMatch]:
    """Return the `top` best matches of each label of `source` with a score of at least `least`, in its order.

    Without `embed` words alone are compared. `one_to_one`: no two labels get the same match (the assignment with the
    highest sum of scores); `top` is 1 then.
    """
    ones, others = source.labels, target.labels
    if not ones or not others:
        return []
    scorer = PairScorer(others, embed, weights or MatchWeights(), language)
    keep = min(len(others), max(top, _MOST_CANDIDATES))
    found: dict[Key, list[tuple[float, int]]] = {}
    for start in range(0, len(ones), BLOCK):
        block = ones[start : start + BLOCK]
        scores = scorer.scores(block)
        best = np.argpartition(-scores, keep - 1, axis=1)[:, :keep]
        for entry, row, columns in zip(block, scores, best, strict=True):
            found[entry.key] = sorted(
                ((float(row[column]), int(column)) for column in columns), key=_best_first
            )
    _inherit(source, found, scorer.weights.inherit)
    if one_to_one:
        found = _assigned(found, len(others))
    return [
        LabelMatch(entry, others[column], min(score, 1.0), _kind(entry, others[column], score, target), rank)
        for entry in ones
        for rank, (score, column) in enumerate(found[entry.key][: 1 if one_to_one else top], start=1)
        if score >= least
    ]


_MOST_CANDIDATES = 10


def _best_first(pair: tuple[float, int]) -> tuple[float, int]:
    return -pair[0], pair[1]


def _inherit(source: LabelSet, found: dict[Key, list[tuple[float, int]]], share: float) -> None:
    """Add the matches of what is above a label to its own, from the top down, for `share` of their scores."""
    if not share:
        return
    for entry in source.entries.values():
        if entry.key not in found:
            continue
        merged = {column: score for score, column in found[entry.key]}
        for parent in entry.parents:
            for score, column in found.get(parent, ()):
                merged[column] = max(merged.get(column, 0.0), share * score)
        ranked = sorted(((score, column) for column, score in merged.items()), key=_best_first)
        found[entry.key] = ranked[:_MOST_CANDIDATES]


def _assigned(found: Mapping[Key, list[tuple[float, int]]], width: int) -> dict[Key, list[tuple[float, int]]]:
    from scipy.optimize import linear_sum_assignment

    keys = list(found)
    columns = sorted({column for pairs in found.values() for _, column in pairs})
    at = {column: place for place, column in enumerate(columns)}
    matrix = np.zeros((len(keys), len(columns)), np.float32)
    for row, key in enumerate(keys):
        for score, column in found[key]:
            matrix[row, at[column]] = score
    kept: dict[Key, list[tuple[float, int]]] = {key: [] for key in keys}
    for row, place in zip(*linear_sum_assignment(-matrix), strict=True):
        if matrix[row, place] > 0:
            kept[keys[row]] = [(float(matrix[row, place]), columns[place])]
    return kept


def _kind(one: Entry, other: Entry, score: float, target: LabelSet) -> MatchKind:
    if _names(one) & _names(other) and (
        score >= EXACT or _words(one.path[-2:-1]) == _words(other.path[-2:-1])
    ):
        return "exact"
    others = {fold_name(each) for each in (other.name, *other.alternatives)}
    above = {fold_name(name) for name in one.path[:-1]}
    if others & above or any(set(each.split()) < set(fold_name(one.name).split()) for each in others):
        return "broad"
    return "close" if target.children.get(other.key) is None or len(one.path) <= len(other.path) else "broad"


def _names(entry: Entry) -> set[frozenset[str]]:
    return {_words([each]) for each in (entry.name, *entry.alternatives)}


def _words(names: Sequence[str]) -> frozenset[str]:
    """Return the words of names without plural s and words such as "and"; equal ones are nearly the same."""
    words = frozenset(word for name in names for word in fold_name(name).split())
    return words - _SMALL_WORDS or words


class PairScorer:
    """Compares labels with those of one taxonomy, `others`."""

    def __init__(
        self, others: Sequence[Entry], embed: Embed | None, weights: MatchWeights, language: str = ENGLISH
    ) -> None:
        self.others, self.embed, self.weights, self.language = others, embed, weights, language
        self.words = _Words(language)
        self.names = self.words.learn([entry.name for entry in others])
        owners = [(row, name) for row, entry in enumerate(others) for name in entry.alternatives]
        self.also = self.words.learn([name for _, name in owners]) if owners else None
        self.owner = np.array([row for row, _ in owners], dtype=np.intp)
        self.above = self.words.learn([" ".join(entry.path[:-1]) for entry in others])
        self.words.weigh()
        self.tops = np.array([len(entry.path) <= 1 for entry in others])
        self.has_tree = not self.tops.all()
        self.vectors = (
            None
            if embed is None
            else (embed([e.name for e in others]), embed([path_text(e) for e in others]))
        )

    def scores(self, entries: Sequence[Entry]) -> Matrix:
        """Return how alike each entry is to each of the others, about 0 to 1, shape (len(entries), len(others))."""
        words, weights = self.words, self.weights
        found = self._words_in_common(words.vectors([entry.name for entry in entries]))
        owners = [(row, name) for row, entry in enumerate(entries) for name in entry.alternatives]
        if owners:
            also = self._words_in_common(words.vectors([name for _, name in owners]))
            np.maximum.at(found, np.array([row for row, _ in owners]), also)
        total = weights.name_words * found
        above = words.vectors([" ".join(entry.path[:-1]) for entry in entries])
        agreement = (above @ words.matrix(self.above).T).toarray().astype(np.float32)
        used = weights.name_words
        if self.has_tree and any(len(entry.path) > 1 for entry in entries):
            tops = np.array([len(entry.path) <= 1 for entry in entries])
            agreement[np.ix_(tops, self.tops)] = 1.0
            total += weights.words_above * agreement
            used += weights.words_above
        if self.vectors is not None and self.embed is not None:
            names, paths = self.vectors
            alike = np.clip(self.embed([e.name for e in entries]) @ names.T, 0, 1)
            total += weights.name_vectors * np.maximum(alike, found)
            total += weights.path_vectors * np.clip(
                self.embed([path_text(e) for e in entries]) @ paths.T, 0, 1
            )
            used += weights.name_vectors + weights.path_vectors
        scores: Matrix = (total / used).astype(np.float32)
        return scores

    def _words_in_common(self, names: Any) -> Matrix:
        found: Matrix = (names @ self.words.matrix(self.names).T).toarray().astype(np.float32)
        if self.also is not None:
            also = (names @ self.words.matrix(self.also).T).toarray().astype(np.float32)
            np.maximum.at(found.T, self.owner, also.T)
        return found


def path_text(entry: Entry) -> str:
    """Return the path of a label as it is embedded."""
    return " > ".join(entry.path)


class _Words:
    """Stems of texts as unit vectors, rarer ones heavier (inverse document frequency in what was learned)."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.numbers: dict[str, int] = {}
        self.texts: Counter[int] = Counter()
        self.count = 0
        self.idf: NDArray[np.float64] = np.zeros(0)
        self.kept: dict[int, Any] = {}

    def learn(self, texts: Sequence[str]) -> list[Counter[int]]:
        """Count the stems of texts, and number them."""
        rows = []
        for text in texts:
            row = Counter(
                self.numbers.setdefault(stem, len(self.numbers)) for stem in stems(text, self.language)
            )
            self.texts.update(row.keys())
            rows.append(row)
        self.count += len(texts)
        return rows

    def weigh(self) -> None:
        """Compute the weight of each stem."""
        counts = np.array([self.texts[number] for number in range(len(self.numbers))])
        self.idf = np.log((1 + self.count) / (1 + counts)) + 1

    def matrix(self, rows: list[Counter[int]]) -> Any:
        """Return learned texts as unit vectors in a sparse matrix, made once."""
        if id(rows) not in self.kept:
            self.kept[id(rows)] = self._matrix(rows, np.zeros(len(rows)))
        return self.kept[id(rows)]

    def vectors(self, texts: Sequence[str]) -> Any:
        """Return texts as vectors; stems that were not learned count in their lengths."""
        unknown = self.idf.max(initial=1.0)
        rows: list[Counter[int]] = []
        extra = np.zeros(len(texts))
        for place, text in enumerate(texts):
            found = stems(text, self.language)
            rows.append(Counter(self.numbers[stem] for stem in found if stem in self.numbers))
            extra[place] = sum(unknown**2 for stem in found if stem not in self.numbers)
        return self._matrix(rows, extra)

    def _matrix(self, rows: Sequence[Counter[int]], extra: NDArray[np.float64]) -> Any:
        from scipy.sparse import csr_matrix

        ends = np.cumsum([0, *map(len, rows)])
        columns = np.fromiter((number for row in rows for number in row), np.int64, ends[-1])
        values = self.idf[columns] if len(columns) else np.zeros(0)
        squares = np.add.reduceat(np.append(values**2, 0), ends[:-1]) if len(rows) else np.zeros(0)
        squares[np.diff(ends) == 0] = 0
        lengths = np.sqrt(squares + extra)
        values = values / np.repeat(np.where(lengths > 0, lengths, 1), np.diff(ends))
        return csr_matrix((values, columns, ends), shape=(len(rows), len(self.numbers)))
