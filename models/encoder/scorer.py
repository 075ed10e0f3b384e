"""Score options against items: cosine of the best phrase and the whole text, plus a bonus for shared words.

A long text is scored passage by passage; an option's score is that of the passage that fits it best. In place of the
whole text stands the mean of the whole passage and of its sentence that fits best: one sentence is hardly seen in the
vector of a passage. Where the embedder has vectors of words, the best options are compared a second time, word by
word (`words_in_context`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial

import numpy as np

from taxonaut.models.embedder import Embedder, Matrix, embed_queries, reads_words
from taxonaut.models.encoder.item_vectors import ItemVectors, Offsets, to_offsets
from taxonaut.models.encoder.label_space import PATH_SEPARATOR, LabelSpace, subtract_and_normalize
from taxonaut.models.encoder.name_index import NameMatch
from taxonaut.models.encoder.option_texts import PENALTY, Gists, is_code
from taxonaut.models.encoder.passages import (
    Passages,
    PassageSettings,
    cut_passages,
    cut_sentences,
    fit_passages,
)
from taxonaut.models.encoder.phrases import PhraseSettings, phrase_spans
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.encoder.words import Ids, SharedWords
from taxonaut.models.encoder.words_in_context import ContextCache, ContextMatch
from taxonaut.models.requests import OptionText
from taxonaut.models.score_sources import LearnedScores
from taxonaut.state.errors import InputError, VectorsChangedError
from taxonaut.state.records import Place

_BLOCK = 4_000_000
_CUTS = 1_024
_UNKNOWN_SPACE_MIX = 0.5
_RERANKED = 30
"""Options of an item that are compared word by word: with 50, 100 or all, development parts are ranked alike."""
_FEW_WORDS = 40
"""Of a text with more words, `context` counts less, in inverse proportion: more of them are alike by chance."""
_LEAST_WEIGHT = 0.01
_NAME_VECTORS, _ITEM_VECTORS = 65_536, 16_384
"""Vectors of words that are kept: those of names come back, those of items within a batch."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How an item's phrases and its whole text make one score.

    `mix` is the weight of the best phrase, 1 - `mix` that of the whole text; 0 disables phrases, None adapts to the
    label set (`LabelSpace.mix`). `centring` is the share of the labels' mean vector that is subtracted from every
    vector before comparison (Mu and Viswanath 2018, "All-but-the-Top"). `words` is the bonus of a name all of whose
    words are in the text (`SharedWords`). `context` is the weight of the comparison word by word in the scores of the
    best options, where the embedder can do it; 0 disables it (`ContextMatch`). `passages` says how a long text is
    cut; each passage is scored as a text. `cached` bounds the cache of phrase vectors.
    """

    mix: float | None = None
    centring: float = 0.5
    words: float = 0.1
    context: float = 0.25
    phrases: PhraseSettings = field(default_factory=PhraseSettings)
    passages: PassageSettings = field(default_factory=PassageSettings)
    cached: int = 32_768

    def __post_init__(self) -> None:
        for name in ("mix", "centring", "words", "context"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"{name} is {value!r}; give a number from 0 to 1")


class TextScorer:
    """Turns texts into vectors and vectors into scores. Thread-safe.

    Without `space` (label set unknown) nothing is centred, and phrase and whole text have equal weight. `learned` is
    what was learned about labels and nodes; it is added by those who know which option is which.
    """

    def __init__(
        self,
        embedder: Embedder,
        settings: ScoreSettings | None = None,
        space: LabelSpace | None = None,
        learned: LearnedScores | None = None,
    ) -> None:
        self.embedder = embedder
        self.learned = learned
        self.settings = settings or ScoreSettings()
        self.space = space
        known = _UNKNOWN_SPACE_MIX if space is None else space.mix
        self.mix = known if self.settings.mix is None else self.settings.mix
        self.passage_settings = fit_passages(self.settings.passages, getattr(embedder, "max_tokens", None))
        self._shift = None if space is None else (np.float32(self.settings.centring) * space.mean)
        self._cache = VectorCache(
            lambda texts: self.centre(embed_queries(embedder, texts)), self.settings.cached
        )
        self._phrases = self.settings.phrases
        if space is not None:
            self._phrases = replace(self._phrases, language=space.language)
        self._cut = lru_cache(_CUTS)(self._cut_text)

    @cached_property
    def _context(self) -> "tuple[ContextCache, ContextMatch] | None":
        """The words of items, and what compares names with them; None if the embedder has no vectors of words."""
        embedder = self.embedder
        if self.space is None or self.settings.context == 0 or not reads_words(embedder):
            return None
        items = ContextCache(partial(embedder.embed_in_context, queries=True), _ITEM_VECTORS)
        names = ContextCache(embedder.embed_in_context, _NAME_VECTORS)
        return items, ContextMatch(names, self.space.vocabulary)

    def centre(self, vectors: Matrix) -> Matrix:
        """Subtract the scaled mean of the labels from unit vectors (n, d) and rescale to unit length."""
        if self._shift is None:
            return vectors
        self._check_length(vectors, self._shift.shape[0])
        return subtract_and_normalize(vectors, self._shift)

    def _check_length(self, vectors: Matrix, stored: int) -> None:
        """Raise VectorsChangedError if the embedder's vectors are not as long as those of the labels."""
        if vectors.shape[1] != stored:
            raise VectorsChangedError(self.embedder.name, vectors.shape[1], stored)

    def items(self, texts: Sequence[str]) -> ItemVectors:
        """Embed the distinct passages and phrases in one call; a blank text is embedded as a dot."""
        texts = [text if text.strip() else "." for text in texts]
        cut = [self.passages(text) for text in texts]
        passages = [passage for each in cut for passage in each.read]
        wholes = [text[p.start : p.end] for text, each in zip(texts, cut, strict=True) for p in each.read]
        spans, words, names = zip(*map(self._cut, wholes), strict=True) if texts else ((), (), ())
        starts = [p.start + start for p, each in zip(passages, spans, strict=True) for start, _ in each]
        flat = [whole[a:b] for whole, each in zip(wholes, spans, strict=True) for a, b in each]
        is_long = [len(each.read) > 1 for each in cut for _ in each.read]
        pieces = [
            cut_sentences(whole, self.passage_settings) if long else []
            for whole, long in zip(wholes, is_long, strict=True)
        ]
        sentences = [piece for each in pieces for piece in each]
        contexts = self._context[0].get(wholes) if self._context and texts else []
        read = [] if contexts else wholes
        vectors = self._cache.get([*read, *sentences, *flat]) if texts else np.empty((0, 0), np.float32)
        first, second = len(read), len(read) + len(sentences)
        whole = self.centre(np.stack([each.vector for each in contexts])) if contexts else vectors[:first]
        return ItemVectors(
            whole=whole,
            parts=vectors[second:],
            offsets=to_offsets(list(map(len, spans))),
            sentences=vectors[first:second],
            edges=to_offsets(list(map(len, pieces))),
            phrases=tuple(flat),
            starts=np.array(starts, np.int64),
            words=words,
            names=tuple(
                tuple(replace(match, start=passage.start + match.start) for match in found)
                for passage, found in zip(passages, names, strict=True)
            ),
            items=to_offsets([len(each.read) for each in cut]),
            passages=tuple(passage.number for passage in passages),
            totals=tuple(each.total for each in cut),
            contexts=tuple(contexts),
        )

    def held_vectors(self, texts: Sequence[str]) -> dict[str, Matrix]:
        """Return the vectors, not centred, of those texts that were read lately and in one passage."""
        if self._context is None:
            return {}
        return {text: each.vector for text, each in self._context[0].held(texts).items()}

    def passages(self, text: str) -> Passages:
        """Cut a text into the passages that are read."""
        return cut_passages(text, self.passage_settings)

    def words(self, options: Sequence[str | OptionText]) -> SharedWords | None:
        """Prepare option texts (names or paths) for `score`; None if shared words are disabled."""
        if self.space is None or self.settings.words == 0:
            return None
        texts = [option if isinstance(option, str) else option.text for option in options]
        others = [() if isinstance(option, str) else option.alternatives for option in options]
        return SharedWords(
            self.space.vocabulary, [text.rpartition(PATH_SEPARATOR)[2] for text in texts], others
        )

    def centre_gists(self, given: Gists | None) -> Gists | None:
        """Centre the vectors of gists."""
        return None if given is None else Gists(given.rows, self.centre(given.vectors))

    def score(
        self,
        items: ItemVectors,
        options: Matrix,
        words: SharedWords | None = None,
        gists: Gists | None = None,
    ) -> "tuple[Matrix, Evidence]":
        """Score options, unit rows (m, d), for every item: float32 (n, m), higher is better.

        `words` is the result of `words` for the same options, `gists` theirs. The second value names the phrase
        behind a score. Memory on top of the result stays near 32 MB for any number of items and options.
        """
        return self.score_centred(items, self.centre(options), words, self.centre_gists(gists))

    def score_centred(
        self,
        items: ItemVectors,
        options: Matrix,
        words: SharedWords | None = None,
        gists: Gists | None = None,
        *,
        in_context: bool = True,
    ) -> "tuple[Matrix, Evidence]":
        """Score options that are already centred; see `score`. `in_context`: compare the best word by word, too."""
        if len(options) and len(items.whole):
            self._check_length(items.whole, options.shape[1])
        evidence = Evidence(items, options, words)
        scores = np.full((len(items), len(options)), -np.inf, np.float32)
        if not len(items) or not len(options):
            return scores, evidence
        owners = np.repeat(np.arange(len(items)), np.diff(items.items))
        for first, last in _blocks(items.offsets, len(options)):
            block = self.score_passages(items, range(first, last), options, words, gists)
            rows, starts = np.unique(owners[first:last], return_index=True)
            scores[rows] = np.maximum(scores[rows], np.maximum.reduceat(block, starts, axis=0))
        if in_context and words is not None and items.contexts:
            for item, row in enumerate(scores):
                self._compare_words(items, item, row, words)
        return scores, evidence

    def _compare_words(self, items: ItemVectors, item: int, scores: Matrix, words: SharedWords) -> None:
        """Mix the comparison word by word into the scores of an item's best options; the others stay behind these.

        An alternative name that is in the item is as alike as it is telling; codes have no words to compare.
        """
        texts = items.contexts[items.items[item] : items.items[item + 1]]
        count = sum(len(text.words) for text in texts)
        weight = np.float32(self.settings.context * min(1.0, _FEW_WORDS / max(count, 1)))
        if self._context is None or weight < _LEAST_WEIGHT:
            return
        near = np.arange(len(scores))
        if len(scores) > _RERANKED:
            near = np.sort(np.argpartition(-scores, _RERANKED - 1)[:_RERANKED])
        wanted = [words.names[at] for at in near.tolist()]
        alike = np.max([self._context[1].score(text, wanted) for text in texts], axis=0)
        found = [match for each in items.names[items.items[item] : items.items[item + 1]] for match in each]
        alike = np.maximum(alike, [words.named(found, at) for at in near.tolist()])
        alike = np.where([is_code(name) for name in wanted], np.maximum(alike, scores[near]), alike)
        mixed = (1 - weight) * scores[near] + weight * alike
        others = np.delete(np.arange(len(scores)), near)
        if len(others):
            scores[others] -= max(np.float32(0), scores[others].max() - mixed.min())
        scores[near] = mixed

    def score_passages(
        self,
        items: ItemVectors,
        passages: range,
        options: Matrix,
        words: SharedWords | None,
        gists: Gists | None = None,
    ) -> Matrix:
        """Score some passages that follow each other: float32 (passages, options)."""
        whole, best = self._similarities(items, passages, options)
        if words is not None:
            words.lift(whole, best, items.names[passages.start : passages.stop])
        scores = self._mixed(whole, best)
        if gists is not None:
            together = self._mixed(*self._similarities(items, passages, gists.vectors)) - np.float32(PENALTY)
            scores[:, gists.rows] = np.maximum(scores[:, gists.rows], together)
        if words is not None:
            shares = words.shares(items.words[passages.start : passages.stop])
            scores += np.float32(self.settings.words) * shares
        return scores

    def _similarities(self, items: ItemVectors, passages: range, options: Matrix) -> tuple[Matrix, Matrix]:
        """Return the similarities of passages to options (p, m), and of the most similar phrase of each.

        In a long text a passage's is the mean of its own and that of its most similar sentence.
        """
        first, last = passages.start, passages.stop
        low, high = items.offsets[first], items.offsets[last]
        whole: Matrix = items.whole[first:last] @ options.T
        counts = np.diff(items.edges[first : last + 1])
        if long := np.flatnonzero(counts).tolist():
            start, end = items.edges[first], items.edges[last]
            nearest = np.maximum.reduceat(
                items.sentences[start:end] @ options.T, items.edges[first:last][long] - start, axis=0
            )
            whole[long] = (whole[long] + nearest) * np.float32(0.5)
        best = np.maximum.reduceat(items.parts[low:high] @ options.T, items.offsets[first:last] - low, axis=0)
        return whole, best

    def _mixed(self, whole: Matrix, best: Matrix) -> Matrix:
        whole *= np.float32(1 - self.mix)
        best *= np.float32(self.mix)
        whole += best
        return whole

    def _cut_text(self, text: str) -> tuple[tuple[tuple[int, int], ...], Ids, tuple[NameMatch, ...]]:
        found = tuple(phrase_spans(text, self._phrases) if self.mix > 0 else []) or ((0, len(text)),)
        if self.space is None:
            return found, np.empty(0, np.int32), ()
        vocabulary = self.space.vocabulary
        return found, vocabulary.known(text), vocabulary.names.find(text)


class Evidence:
    """Finds, on demand, the phrase of an item that is nearest to an option: a name of it if there is one."""

    def __init__(self, items: ItemVectors, options: Matrix, words: SharedWords | None = None) -> None:
        self._items, self._options, self._words = items, options, words

    def phrases(self, item: int, options: Sequence[int]) -> list[str]:
        """Return the nearest phrase of one item for each of some options, by their rows."""
        return [phrase for phrase, _ in self.find(item, options)]

    def find(self, item: int, options: Sequence[int]) -> list[tuple[str, Place]]:
        """Return the same with the place of each phrase in the item's text."""
        items = self._items
        first, last = items.items[item : item + 2]
        low, high = items.offsets[first], items.offsets[last]
        best = (items.parts[low:high] @ self._options[list(options)].T).argmax(axis=0)
        found = []
        for option, at in zip(options, (low + best).tolist(), strict=True):
            passage = int(np.searchsorted(items.offsets, at, side="right")) - 1
            phrase, start = items.phrases[at], int(items.starts[at])
            named = self._name(range(first, last), option)
            if named is not None:
                passage, phrase, start = named[0], named[1].text, named[1].start
            place = Place(start, start + len(phrase), items.passages[passage], items.totals[item])
            found.append((phrase, place))
        return found

    def _name(self, passages: range, option: int) -> tuple[int, NameMatch] | None:
        """Return the first passage with a name of an option, and where it is."""
        if self._words is None:
            return None
        for passage in passages:
            match = self._words.match(self._items.names[passage], option)
            if match is not None:
                return passage, match
        return None


def _blocks(offsets: Offsets, options: int) -> Iterator[tuple[int, int]]:
    """Divide passages into runs whose phrases make at most `_BLOCK` scores, or one passage."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK // options, side="right")) - 1
        last = min(max(last, first + 1), len(offsets) - 1)
        yield first, last
        first = last
