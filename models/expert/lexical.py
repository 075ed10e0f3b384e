"""Hashed TF-IDF features of texts: words, word pairs and character n-grams.

N-grams are hashed (Weinberger et al. 2009), a batch at a time in NumPy: a polynomial rolling hash of a span is a
difference of prefix sums, so that no strings are made. Term frequencies are sublinear, and each block of a row
(`BLOCKS`) has unit length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


LONGEST_TITLE = 200
"""Maximum characters of a title."""

_END = re.compile(r"(?<=[.!?|])\s+|\s+[-–—|:]\s+|\n")


def split_title(text: str) -> tuple[str, str]:
    """Split a text at the first end of a sentence into title and rest; without one it is all title."""
    found = _END.search(text, 0, LONGEST_TITLE)
    if found is None:
        return text, ""
    return text[: found.start()], text[found.end() :]


KINDS = WORD, PAIR, TITLE, TITLE_PAIR, GRAM = range(5)
"""Kinds of n-grams: words, word pairs, both of titles, and character n-grams of words."""

BLOCKS = {"words": (WORD, TITLE), "titles": (TITLE, GRAM), "grams": (GRAM, len(KINDS))}
"""Ranges of kinds (end exclusive) that are normalized together: each block of a row has unit length."""

BUCKETS = 1 << 21
"""Hash buckets per kind; the lexicon keeps those that occur."""

WORD_CHARACTERS = 4_000
GRAM_CHARACTERS = 150
"""Maximum characters read for words, and for character n-grams: the start of a text says what a product is."""

GRAMS = (2, 3, 4, 5)
LEAST_TEXTS = (1, 1, 1, 1, 2)
"""Minimum document frequency of an n-gram, per kind."""

FEW = 50_000
"""N-grams up to which those that occur once are kept. Of more, half occur once, and nothing is lost without them."""

MOST = BUCKETS * len(KINDS)
"""Maximum n-grams of a lexicon: all buckets."""

AT_ONCE = 512
"""Texts hashed per batch, some 10,000 bytes each."""

_BASE = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The known n-grams: ascending hash values (V,), and inverse document frequencies (V,).

    A hash value is a bucket plus BUCKETS times the kind, so that the columns of a kind are contiguous.
    """

    buckets: Numbers
    idf: NDArray[np.float32]

    @classmethod
    def fit(
        cls, texts: Sequence[str], always: Sequence[str] = (), *, lexical: bool = True, most: int = MOST
    ) -> "Lexicon":
        """Build a lexicon from texts; n-grams of `always` (the categories' names) are kept however rare.

        At most `most` are kept: first those of `always`, then by document frequency. Without `lexical` the lexicon
        is empty.
        """
        if not lexical:
            return cls(np.empty(0, np.int64), np.empty(0, np.float32))
        buckets, counts = count_ngrams(texts)
        kept = counts >= np.array(LEAST_TEXTS)[buckets // BUCKETS]
        if kept.sum() > FEW:
            kept &= counts > 1
        needed, _ = count_ngrams(always, names=True)
        known = np.union1d(buckets[kept], needed)
        frequency = np.zeros(len(known), np.float64)
        frequency[np.searchsorted(known, buckets[kept])] = counts[kept]
        there = np.isin(buckets, needed)
        frequency[np.searchsorted(known, buckets[there])] = counts[there]
        if len(known) > most:
            chosen = np.sort(np.lexsort((-frequency, ~np.isin(known, needed)))[:most])
            known, frequency = known[chosen], frequency[chosen]
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        return cls(known, idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.buckets)

    @property
    def blocks(self) -> dict[str, slice]:
        """The column range of each block."""
        return {
            name: slice(*np.searchsorted(self.buckets, [first * BUCKETS, last * BUCKETS]).tolist())
            for name, (first, last) in BLOCKS.items()
        }

    def rows(self, texts: Sequence[str], *, names: bool = False) -> "csr_matrix":
        """Return TF-IDF rows, sparse float32 of shape (len(texts), V); unknown n-grams are ignored.

        `names`: the texts are category names, which count as titles too.
        """
        from scipy.sparse import csr_matrix, vstack

        starts = range(0, len(texts), AT_ONCE)
        parts = [self.part(texts[start : start + AT_ONCE], names=names) for start in starts]
        if not parts:
            return csr_matrix((0, len(self)), dtype=np.float32)
        return csr_matrix(vstack(parts, format="csr")) if len(parts) > 1 else parts[0]

    def part(self, texts: Sequence[str], *, names: bool = False) -> "csr_matrix":
        """Return TF-IDF rows of one batch; see `rows`."""
        from scipy.sparse import csr_matrix

        row, found = hash_ngrams(texts, names=names)
        keys, counts = np.unique(found * len(texts) + row, return_counts=True)
        found, row = np.divmod(keys, max(len(texts), 1))
        column = np.asarray(np.searchsorted(self.buckets, found))
        known = np.flatnonzero(np.append(self.buckets, -1)[column] == found)
        row, column, counts = row[known], column[known], counts[known]
        weights = (1 + np.log(counts)) * self.idf[column]
        starts = [columns.start for columns in self.blocks.values()]
        block = row * len(starts) + np.searchsorted(starts, column, side="right")
        length = np.sqrt(np.bincount(block, weights=weights**2))
        weights /= length[block]
        shape = len(texts), len(self)
        made: csr_matrix = csr_matrix((weights.astype(np.float32), (row, column)), shape=shape)
        return made


def count_ngrams(texts: Sequence[str], *, names: bool = False) -> tuple[Numbers, Numbers]:
    """Return the ascending hash values of texts, and the document frequency of each."""
    if not texts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    counts = np.zeros(MOST, np.int32)
    for start in range(0, len(texts), AT_ONCE):
        row, found = hash_ngrams(texts[start : start + AT_ONCE], names=names)
        values, times = np.unique(np.unique(found * AT_ONCE + row) // AT_ONCE, return_counts=True)
        counts[values] += times.astype(np.int32)
    there = np.flatnonzero(counts)
    return there, counts[there].astype(np.int64)


def hash_ngrams(texts: Sequence[str], *, names: bool = False) -> tuple[Numbers, Numbers]:
    """Return every n-gram of a batch: the index of its text and its hash value, kind by kind.

    A text that is all title has no title n-grams, unless with `names`.
    """
    lowered = [text[:WORD_CHARACTERS].lower() for text in texts]
    lengths = np.fromiter(map(len, lowered), np.int64, len(lowered)) + 1
    characters = np.frombuffer("\0".join([*lowered, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum(lengths)
    spans = _Spans(characters)
    begin, end = _words(characters)
    if not len(begin):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    text = np.searchsorted(ends, begin, side="right")
    pair = np.flatnonzero(text[1:] == text[:-1])
    one = spans.hash(begin, end, 1)
    two = _mix_bits(one[:-1][pair] * np.uint64(31) + one[1:][pair])
    place = begin - (ends - lengths)[text]
    near = place < GRAM_CHARACTERS
    gram_word, grams = _grams(spans, begin[near], end[near])
    titles = np.fromiter((_title_length(each, names=names) for each in lowered), np.int64, len(lowered))
    title = place < titles[text]
    title_pair = title[:-1][pair] & title[1:][pair]
    rows = [text, text[pair], text[title], text[pair][title_pair], text[near][gram_word]]
    found = [
        (values % np.uint64(BUCKETS)).astype(np.int64) + kind * BUCKETS
        for kind, values in zip(KINDS, (one, two, one[title], two[title_pair], grams), strict=True)
    ]
    return np.concatenate(rows), np.concatenate(found)


def words_by_hash(text: str) -> dict[int, tuple[str, ...]]:
    """Return the words and word pairs of a text by hash value."""
    lowered = text[:WORD_CHARACTERS].lower()
    characters = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), np.uint32)
    words = [lowered[begin:end] for begin, end in zip(*_words(characters), strict=True)]
    _, found = hash_ngrams([text])
    return dict(zip(found.tolist(), [*((word,) for word in words), *pairwise(words)], strict=False))


def _title_length(text: str, *, names: bool) -> int:
    """Return the number of characters that count as a title."""
    title, rest = split_title(text)
    return len(title) if rest or names else 0


def _words(characters: NDArray[np.uint32]) -> tuple[Numbers, Numbers]:
    """Return the start and end offsets of words: runs of letters and digits."""
    inside = _letters()[np.minimum(characters, 0xFFFF)]
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    return edges[::2], edges[1::2]


def _grams(spans: "_Spans", begin: Numbers, end: Numbers) -> tuple[Numbers, NDArray[np.uint64]]:
    """Return the character n-grams of space-padded words: the word's index and the hash value.

    The whole padded word is excluded, because it is a word n-gram already.
    """
    words, values = [], []
    for size in GRAMS:
        count = np.maximum(end - begin + 3 - size, 0)
        count[count == 1] = 0
        word = np.repeat(np.arange(len(begin)), count)
        offset = np.arange(len(word)) - np.repeat(np.cumsum(count) - count, count)
        start = begin[word] - 1 + offset
        stop = start + size
        inner_start, inner_stop = np.maximum(start, begin[word]), np.minimum(stop, end[word])
        edge = (start < begin[word]) * np.uint64(2) + (stop > end[word]) * np.uint64(5)
        words.append(word)
        values.append(_mix_bits(spans.hash(inner_start, inner_stop, 7) + edge.astype(np.uint64) * _MIX))
    return np.concatenate(words), np.concatenate(values)


class _Spans:
    """Polynomial rolling hash of spans, by prefix sums of character * base ** position."""

    def __init__(self, characters: NDArray[np.uint32]) -> None:
        self.power, self.inverse = _powers(len(characters) + 1)
        self.sums = np.zeros(len(characters) + 1, np.uint64)
        with np.errstate(over="ignore"):
            np.cumsum(
                (characters.astype(np.uint64) + np.uint64(1)) * self.power[: len(characters)],
                out=self.sums[1:],
            )

    def hash(self, begin: Numbers, end: Numbers, kind: int) -> NDArray[np.uint64]:
        """Return a 64-bit hash of each span; `kind` salts it per kind of n-gram."""
        with np.errstate(over="ignore"):
            found = (self.sums[end] - self.sums[begin]) * self.inverse[begin]
            return _mix_bits(found + np.uint64(kind))


def _mix_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of 64-bit values (hash finalizer)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(32))) * _MIX
        return values ^ (values >> np.uint64(29))


def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of the base and of its inverse, modulo 2 ** 64."""
    size = 1 << max(count - 1, 1).bit_length()
    return _all_powers(_BASE, size)[:count], _all_powers(_INVERSE, size)[:count]


@cache
def _all_powers(base: int, size: int) -> NDArray[np.uint64]:
    """Return `size` powers of a base, by doubling."""
    powers = np.ones(1, np.uint64)
    step = base
    with np.errstate(over="ignore"):
        while len(powers) < size:
            powers = np.concatenate([powers, powers * np.uint64(step)])
            step = step * step & _MASK
    return powers


@cache
def _letters() -> NDArray[np.bool_]:
    """Return which characters of Unicode's first plane are letters or digits; all others count as letters."""
    table = np.fromiter((chr(code).isalnum() for code in range(1 << 16)), np.bool_, 1 << 16)
    table[-1] = True
    return table
