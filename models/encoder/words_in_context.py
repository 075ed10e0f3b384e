"""Compare the words of an item with the words of options' names, each read in its context.

Late interaction (Khattab and Zaharia 2020, "ColBERT", 3.2) without training, on the token vectors whose mean is a
text's vector: every word of a name looks for its like in the item. A single vector says what a text is about as a
whole; here each word of a name has to be found, and rare ones count more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from threading import Lock

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix, TextInContext
from taxonaut.models.encoder.words import Vocabulary
from taxonaut.state.text_words import without_qualifier

_BEST, _SECOND = np.float32(0.7), np.float32(0.3)
_IDF_POWER = 1.5
_WEIGHTS = 65_536


@dataclass(frozen=True, slots=True)
class NameWords:
    """The words of a name that are looked for: unit rows (w, d) and the share of each in the score, (w,)."""

    vectors: npt.NDArray[np.float16]
    shares: Matrix


class ContextCache:
    """A cache of texts with their words. It is emptied when it would hold more than `limit` vectors."""

    def __init__(self, load: Callable[[Sequence[str]], list[TextInContext]], limit: int) -> None:
        self._load, self._limit = load, limit
        self._known: dict[str, TextInContext] = {}
        self._size = 0
        self._lock = Lock()

    def get(self, texts: Sequence[str]) -> list[TextInContext]:
        """Return one entry per text; distinct unknown texts are loaded in one call."""
        with self._lock:
            known = self._known
            unknown = list(dict.fromkeys(text for text in texts if text not in known))
            loaded = self._load(unknown) if unknown else []
            size = sum(len(each.words) + 1 for each in loaded)
            found = {text: known[text] for text in texts if text in known}
            found.update(zip(unknown, loaded, strict=True))
            if self._size + size > self._limit:
                self._known, self._size = {}, 0
            self._known.update(zip(unknown, loaded, strict=True))
            self._size += size
            return [found[text] for text in texts]

    def held(self, texts: Sequence[str]) -> dict[str, TextInContext]:
        """Return those of the texts that are held; nothing is loaded."""
        with self._lock:
            return {text: self._known[text] for text in texts if text in self._known}


class ContextMatch:
    """Scores names by their words in context. `names` gives their vectors, `vocabulary` the idf of a word."""

    def __init__(self, names: ContextCache, vocabulary: Vocabulary) -> None:
        self._names = names
        self._weight = lru_cache(_WEIGHTS)(lambda word: vocabulary.weight(word) ** _IDF_POWER)

    def score(self, item: TextInContext, names: Sequence[str]) -> Matrix:
        """Return how well an item says each name, float32 (names,), mostly within 0 and 1.

        It is the mean over the name's words, weighted by idf to the power of 1.5, of 0.7 times its highest cosine
        with a word of the item and 0.3 times its second highest: a single word alike by chance counts less.
        """
        words = [self._words(name, found) for name, found in zip(names, self._names.get(names), strict=True)]
        if not len(item.vectors):
            return np.zeros(len(names), np.float32)
        known = np.concatenate([each.vectors for each in words]).astype(np.float32)
        shares = np.concatenate([each.shares for each in words])
        alike = item.vectors.astype(np.float32) @ known.T
        best = alike.max(axis=0)
        if len(alike) > 1:
            best = _BEST * best + _SECOND * np.partition(alike, -2, axis=0)[-2]
        starts = [0, *accumulate(len(each.shares) for each in words)][:-1]
        scores: Matrix = np.add.reduceat(best * shares, starts)
        return scores

    def _words(self, name: str, found: TextInContext) -> NameWords:
        end = len(without_qualifier(" ".join(name.split())))
        count = sum(start < end for start in found.starts)
        if not count:
            return NameWords(found.vector[None].astype(np.float16), np.ones(1, np.float32))
        weights = np.array([self._weight(word) for word in found.words[:count]], np.float32)
        return NameWords(found.vectors[:count], weights / weights.sum())
