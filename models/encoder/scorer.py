"""Score options against items: cosine of the best phrase and the whole text, plus a bonus for shared words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Embedder, Matrix, embed_queries
from taxonaut.models.encoder.item_vectors import ItemVectors
from taxonaut.models.encoder.label_space import PATH_SEPARATOR, LabelSpace, subtract_and_normalize
from taxonaut.models.encoder.phrases import PhraseSettings, phrases
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.encoder.words import Ids, SharedWords
from taxonaut.state.errors import InputError

_BLOCK = 4_000_000
_CUTS = 4_096
_UNKNOWN_SPACE_MIX = 0.5


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How an item's phrases and its whole text make one score.

    `mix` is the weight of the best phrase, 1 - `mix` that of the whole text; 0 disables phrases, None adapts to the
    label set (`LabelSpace.mix`). `centring` is the share of the labels' mean vector that is subtracted from every
    vector before comparison (Mu and Viswanath 2018, "All-but-the-Top"). `words` is the bonus of a name all of whose
    words are in the text (`SharedWords`). `cached` bounds the cache of phrase vectors.
    """

    mix: float | None = None
    centring: float = 0.5
    words: float = 0.075
    phrases: PhraseSettings = field(default_factory=PhraseSettings)
    cached: int = 32_768

    def __post_init__(self) -> None:
        for name in ("mix", "centring", "words"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"{name} is {value!r}; give a number from 0 to 1")


class TextScorer:
    """Turns texts into vectors and vectors into scores. Thread-safe.

    Without `space` (label set unknown) nothing is centred, and phrase and whole text have equal weight.
    """

    def __init__(
        self, embedder: Embedder, settings: ScoreSettings | None = None, space: LabelSpace | None = None
    ) -> None:
        self.embedder = embedder
        self.settings = settings or ScoreSettings()
        self.space = space
        known = _UNKNOWN_SPACE_MIX if space is None else space.mix
        self.mix = known if self.settings.mix is None else self.settings.mix
        self._shift = None if space is None else (np.float32(self.settings.centring) * space.mean)
        self._cache = VectorCache(
            lambda texts: self.centre(embed_queries(embedder, texts)), self.settings.cached
        )
        self._phrases = self.settings.phrases
        if space is not None:
            self._phrases = replace(self._phrases, language=space.language)
        self._cut = lru_cache(_CUTS)(self._cut_text)

    def centre(self, vectors: Matrix) -> Matrix:
        """Subtract the scaled mean of the labels from unit vectors (n, d) and rescale to unit length."""
        if self._shift is None:
            return vectors
        return subtract_and_normalize(vectors, self._shift)

    def items(self, texts: Sequence[str]) -> ItemVectors:
        """Embed the distinct texts and phrases in one call; a blank text is embedded as a dot."""
        texts = [text[: self.settings.phrases.characters] for text in texts]
        wholes = [text if text.strip() else "." for text in texts]
        found, words = zip(*map(self._cut, wholes), strict=True) if texts else ((), ())
        flat = [phrase for each in found for phrase in each]
        vectors = self._cache.get([*wholes, *flat]) if texts else np.empty((0, 0), np.float32)
        offsets = np.array([0, *accumulate(map(len, found))], np.int64)
        return ItemVectors(vectors[: len(texts)], vectors[len(texts) :], offsets, tuple(flat), words)

    def words(self, options: Sequence[str]) -> SharedWords | None:
        """Prepare option texts (names or paths) for `score`; None if shared words are disabled."""
        if self.space is None or self.settings.words == 0:
            return None
        names = [text.rpartition(PATH_SEPARATOR)[2] for text in options]
        return SharedWords(self.space.vocabulary, names)

    def score(
        self, items: ItemVectors, options: Matrix, words: SharedWords | None = None
    ) -> "tuple[Matrix, Evidence]":
        """Score options, unit rows (m, d), for every item: float32 (n, m), higher is better.

        `words` is the result of `words` for the same options. The second value names the phrase behind a score.
        Memory on top of the result stays near 32 MB for any number of items and options.
        """
        return self.score_centred(items, self.centre(options), words)

    def score_centred(
        self, items: ItemVectors, options: Matrix, words: SharedWords | None = None
    ) -> "tuple[Matrix, Evidence]":
        """Score options that are already centred; see `score`."""
        evidence = Evidence(items, options)
        if not len(items) or not len(options):
            return np.empty((len(items), len(options)), np.float32), evidence
        scores: Matrix = items.whole @ options.T
        scores *= np.float32(1 - self.mix)
        for first, last in _blocks(items.offsets, len(options)):
            low, high = items.offsets[first], items.offsets[last]
            similar = items.parts[low:high] @ options.T
            best = np.maximum.reduceat(similar, items.offsets[first:last] - low, axis=0)
            best *= np.float32(self.mix)
            scores[first:last] += best
            if words is not None:
                scores[first:last] += np.float32(self.settings.words) * words.shares(items.words[first:last])
        return scores, evidence

    def _cut_text(self, text: str) -> tuple[tuple[str, ...], Ids]:
        found = phrases(text, self._phrases) if self.mix > 0 else []
        known = self.space.vocabulary.known(text) if self.space is not None else np.empty(0, np.int32)
        return tuple(found) or (text,), known


class Evidence:
    """Finds, on demand, the phrase of an item that is nearest to an option."""

    def __init__(self, items: ItemVectors, options: Matrix) -> None:
        self._items, self._options = items, options

    def phrases(self, item: int, options: Sequence[int]) -> list[str]:
        """Return the nearest phrase of one item for each of some options, by their rows."""
        low, high = self._items.offsets[item], self._items.offsets[item + 1]
        best = (self._items.parts[low:high] @ self._options[list(options)].T).argmax(axis=0)
        return [self._items.phrases[low + place] for place in best]


def _blocks(offsets: npt.NDArray[np.int64], options: int) -> Iterator[tuple[int, int]]:
    """Divide items into runs whose phrases make at most `_BLOCK` scores, or one item."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK // options, side="right")) - 1
        last = min(max(last, first + 1), len(offsets) - 1)
        yield first, last
        first = last
