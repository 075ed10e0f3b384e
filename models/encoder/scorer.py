"""Score options against items: cosine of the best phrase and the whole text, plus a bonus for shared words."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import accumulate
from statistics import median
from threading import Lock

import numpy as np
import numpy.typing as npt

from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Embedder, Matrix, embed_queries
from taxonaut.models.encoder.phrases import PhraseSettings, phrases
from taxonaut.models.encoder.words import Ids, SharedWords, Vocabulary
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import InputError, ModelError, ModelReplyError
from taxonaut.state.records import Usage

_BLOCK = 4_000_000
_CUTS = 4_096
_WORDS_OF_A_NAME = 4
_NONE = 0
_UNKNOWN_SPACE_MIX = 0.5

PATH_SEPARATOR = " > "
"""Separates the names of a path in an option's text, from the top down."""


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


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Statistics of a label set: its mean vector (d,), its size, its typical name length, its vocabulary."""

    mean: Matrix
    labels: int
    words_a_name: float
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(()))

    @classmethod
    def of(cls, names: Sequence[str], vectors: Matrix) -> "LabelSpace | None":
        """Compute it from the labels' names and vectors (m, d); None for fewer than two labels."""
        if len(names) < 2:
            return None
        words_a_name = median(len(name.split()) for name in names)
        return cls(vectors.mean(axis=0), len(names), words_a_name, Vocabulary(names))

    @property
    def mix(self) -> float:
        """The weight of the best phrase.

        It grows with the number of labels, because finer labels are named by smaller parts of a text: 0.2 for 150
        labels, 0.37 for 1,000, 0.6 from 14,000 on. It is 0.15 for labels that are sentences.
        """
        share = min(max(0.2 * math.log10(self.labels / 14), 0.15), 0.6)
        return share if self.words_a_name <= _WORDS_OF_A_NAME else 0.15


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """Items as unit vectors: `whole` (n, d), and `parts` (p, d), the concatenated phrases of all items.

    The phrases of item i are `parts[offsets[i]:offsets[i + 1]]`, at least one each (a text without phrases has
    itself), their texts at the same indices of `phrases`. `words` holds the ids of each item's words in the label
    set's vocabulary.
    """

    whole: Matrix
    parts: Matrix
    offsets: npt.NDArray[np.int64]
    phrases: tuple[str, ...]
    words: tuple[Ids, ...]

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: Sequence[int]) -> "ItemVectors":
        """Return some of the items, in the order given."""
        spans = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows]
        return ItemVectors(
            self.whole[list(rows)],
            np.concatenate([self.parts[span] for span in spans]) if spans else self.parts[:0],
            np.array([0, *accumulate(span.stop - span.start for span in spans)], np.int64),
            tuple(phrase for span in spans for phrase in self.phrases[span]),
            tuple(self.words[row] for row in rows),
        )


class VectorCache:
    """A cache of text vectors. It is emptied when it would exceed `limit` texts."""

    def __init__(self, load: Callable[[Sequence[str]], Matrix], limit: int) -> None:
        self._load, self._limit = load, limit
        self._rows: dict[str, int] = {}
        self._vectors: Matrix = np.empty((0, 0), np.float32)
        self._lock = Lock()

    def get(self, texts: Sequence[str]) -> Matrix:
        """Return one row per text; distinct unknown texts are loaded in one call."""
        with self._lock:
            unknown = list(dict.fromkeys(text for text in texts if text not in self._rows))
            if unknown and len(self._rows) + len(unknown) > self._limit:
                self._rows.clear()
                unknown = list(dict.fromkeys(texts))
            if unknown:
                self._add(unknown, self._load(unknown))
            rows = self._rows
            return self._vectors[[rows[text] for text in texts]]

    def _add(self, texts: Sequence[str], vectors: Matrix) -> None:
        start = len(self._rows)
        end = start + len(texts)
        if start == 0:
            self._vectors = np.array(vectors, np.float32)
        else:
            if end > len(self._vectors):
                grown = np.empty((2 * end, vectors.shape[1]), np.float32)
                grown[:start] = self._vectors[:start]
                self._vectors = grown
            self._vectors[start:end] = vectors
        self._rows.update(zip(texts, range(start, end), strict=True))


def option_vectors(texts: Sequence[str], lookup: Callable[[Sequence[str]], Matrix]) -> Matrix:
    """Look up the vectors of names or paths, unit rows (n, d).

    A path `a > b > c` becomes the mean of its name `c` and of `b > c`: on trees that is nearer to the items than the
    name, the parent and name, or the whole path (`benchmarks/phrases.py`).
    """
    parts = [text.split(PATH_SEPARATOR)[-2:] for text in texts]
    wanted = [PATH_SEPARATOR.join(part) for part in parts] + [part[-1] for part in parts]
    distinct = list(dict.fromkeys(wanted))
    row = {text: place for place, text in enumerate(distinct)}
    found = lookup(distinct)
    vectors: Matrix = found[[row[text] for text in wanted[: len(texts)]]]
    vectors = vectors + found[[row[text] for text in wanted[len(texts) :]]]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-6))
    return vectors


def subtract_and_normalize(vectors: Matrix, shift: Matrix) -> Matrix:
    """Subtract a vector from unit vectors (n, d) and rescale to unit length."""
    moved: Matrix = vectors - shift
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), np.float32(1e-6))
    return moved


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
        found = phrases(text, self.settings.phrases) if self.mix > 0 else []
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


_Chosen = tuple[list[int], dict[int, float], dict[int, str]]


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How scores become a choice.

    Options that score at least `threshold` are chosen, up to `most` of the request; without any the reply abstains.
    On development parts unrelated labels score 0.05 to 0.08, and fewer than 3 in 100 right ones below 0.1; raise it
    to 0.3 if most texts may fit no label at all. `cached` bounds the cache of option vectors.
    """

    threshold: float = 0.1
    cached: int = 65_536


class EncoderProvider:
    """Answers requests by `text` and `choices`; prompts are not read.

    An option's score is the best of its texts'. A text may be a path (`option_vectors`). `lookup` returns the unit
    vectors of texts, (n, d), for instance from a store; by default they are embedded.
    """

    def __init__(
        self,
        scorer: TextScorer,
        lookup: Callable[[Sequence[str]], Matrix] | None = None,
        settings: EncoderSettings | None = None,
    ) -> None:
        self.name = f"encoder/{scorer.embedder.name}"
        self.reads_prompts = False
        self.settings = settings or EncoderSettings()
        self._scorer = scorer
        load = lookup or scorer.embedder.embed
        self._options = VectorCache(
            lambda texts: scorer.centre(option_vectors(texts, load)), self.settings.cached
        )

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer a batch in order, off the event loop; requests with equal choices share one matrix product."""
        return await computed(partial(self.answer_now, requests))

    def answer_now(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer a batch in this thread; see `answer`."""
        started = time.perf_counter()
        texts = list(dict.fromkeys(request.text for request in requests))
        row = {text: number for number, text in enumerate(texts)}
        items = self._scorer.items(texts)
        groups: dict[tuple[Choice, ...], list[int]] = {}
        by_identity: dict[int, list[int]] = {}
        for place, request in enumerate(requests):
            members = by_identity.get(id(request.choices))
            if members is None:
                members = by_identity[id(request.choices)] = groups.setdefault(request.choices, [])
            members.append(place)
        found: dict[int, _Chosen | ModelError] = {}
        for choices, places in groups.items():
            if not choices or not all(choice.texts for choice in choices):
                error = ModelReplyError(
                    f"{requests[places[0]].tool.name} has an option without a text to compare"
                )
                found.update((place, error) for place in places)
                continue
            chosen_items = items.take([row[requests[place].text] for place in places])
            most = [requests[place].most for place in places]
            found.update(zip(places, self._choose(chosen_items, choices, most), strict=True))
        latency = (time.perf_counter() - started) / max(len(requests), 1)
        return [self._reply(request, found[place], latency) for place, request in enumerate(requests)]

    def _choose(self, items: ItemVectors, choices: tuple[Choice, ...], most: Sequence[int]) -> list[_Chosen]:
        """Score one list of choices for several items."""
        texts = [text for choice in choices for text in choice.texts]
        starts = [0, *accumulate(len(choice.texts) for choice in choices)]
        vectors, words = self._options.get(texts), self._scorer.words(texts)
        by_text, evidence = self._scorer.score_centred(items, vectors, words)
        single = len(texts) == len(choices)
        scores = by_text if single else np.maximum.reduceat(by_text, starts[:-1], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        ids = [choice.id for choice in choices]
        answers = []
        for item, (row, best) in enumerate(zip(scores, order, strict=True)):
            kept = [int(at) for at in best[: most[item]] if row[at] >= self.settings.threshold]
            behind = [starts[at] + int(by_text[item, starts[at] : starts[at + 1]].argmax()) for at in kept]
            chosen = [ids[at] for at in kept]
            spoken = evidence.phrases(item, behind) if behind else []
            answers.append(
                (chosen, dict(zip(ids, row.tolist(), strict=True)), dict(zip(chosen, spoken, strict=True)))
            )
        return answers

    def _reply(
        self,
        request: ModelRequest,
        answer: _Chosen | ModelError,
        latency: float,
    ) -> ModelReply | ModelError:
        if isinstance(answer, ModelError):
            return answer
        chosen, scores, evidence = answer
        return ModelReply(
            chosen=tuple(chosen),
            arguments={request.field: chosen or [_NONE]},
            usage=Usage(latency_s=latency),
            scores=scores,
            evidence=evidence,
        )


def _blocks(offsets: npt.NDArray[np.int64], options: int) -> Iterator[tuple[int, int]]:
    """Divide items into runs whose phrases make at most `_BLOCK` scores, or one item."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK // options, side="right")) - 1
        last = min(max(last, first + 1), len(offsets) - 1)
        yield first, last
        first = last
