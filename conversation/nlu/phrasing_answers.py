"""Choose by examples of phrasing: which option's examples a text is worded like, learned from them in closed form.

Kernel ridge regression (Saunders and others 1998) on two kernels: the third power of the embeddings' cosine, which
looks at near examples only, and the cosine of words and pairs of words, in which a single verb tells.
"""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Lock

import numpy as np
import numpy.typing as npt

from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import Usage

Lookup = Callable[[Sequence[str]], Matrix]
_NONE = 0


@dataclass(frozen=True, slots=True)
class PhrasingSettings:
    """How examples are learned from; the defaults were chosen on the development phrasings of the conversation.

    `ridge`: how little a single example decides. `words`: the share of the words' kernel beside the embeddings'.
    `threshold`: what the best option scores at least (an option's own examples score near 1).
    """

    ridge: float = 0.3
    words: float = 0.5
    threshold: float = 0.25


class PhrasingAnswers:
    """Answers requests whose options' texts are examples of phrasing; the prompt is not read.

    `lookup` gives vectors of examples, from a store for instance. `solved` gives weights of examples that were
    solved for before, if any (`Learned.weights`). A reply has the scores of all options.
    """

    def __init__(
        self,
        embedder: Embedder,
        lookup: Lookup | None = None,
        settings: PhrasingSettings | None = None,
        solved: Callable[[tuple[Choice, ...]], Matrix | None] = lambda _: None,
    ) -> None:
        self.name = f"encoder/{embedder.name}"
        self.reads_prompts = False
        self.settings = settings or PhrasingSettings()
        self._embedder = embedder
        self._solved = solved
        self._lookup = lookup or embedder.embed
        self._learned: dict[tuple[Choice, ...], Learned] = {}
        self._lock = Lock()

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer a batch, in its order, off the event loop."""
        return await computed(partial(self.answer_now, requests))

    def answer_now(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Do what `answer` does, in this thread."""
        started = time.perf_counter()
        vectors = self._embedder.embed([request.text.strip() or "." for request in requests])
        replies: list[ModelReply | ModelError] = []
        for request, vector in zip(requests, vectors, strict=True):
            if not request.choices or not all(choice.texts for choice in request.choices):
                replies.append(ModelReplyError(f"{request.tool.name} has an option without an example"))
                continue
            scores = self.learned(request.choices).scores(request.text, vector)
            replies.append(self._reply(request, scores, (time.perf_counter() - started) / len(requests)))
        return replies

    def learned(self, choices: tuple[Choice, ...]) -> "Learned":
        """Return what the options' examples teach, learned once for the same options."""
        with self._lock:
            if choices not in self._learned:
                self._learned[choices] = Learned(choices, self._lookup, self.settings, self._solved(choices))
            return self._learned[choices]

    def _reply(self, request: ModelRequest, scores: Matrix, latency: float) -> ModelReply:
        each = scores.tolist()
        ranked = sorted(range(len(each)), key=lambda place: -each[place])
        kept = [at for at in ranked[: request.most] if each[at] >= self.settings.threshold]
        chosen = tuple(request.choices[at].id for at in kept)
        return ModelReply(
            chosen=chosen,
            arguments={request.field: list(chosen) or [_NONE]},
            usage=Usage(latency_s=latency),
            scores={choice.id: score for choice, score in zip(request.choices, each, strict=True)},
        )


class Learned:
    """One weight an example and option, found in closed form."""

    def __init__(
        self,
        choices: Sequence[Choice],
        lookup: Lookup,
        settings: PhrasingSettings,
        solved: Matrix | None = None,
    ) -> None:
        groups = [choice.texts for choice in choices]
        texts = [text for group in groups for text in group]
        owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._share = settings.words
        self._vectors = lookup(texts)
        self._grams = Grams(texts)
        self._mean = 1.0 / len(groups)
        self.weights = self._solve(owners, len(groups), settings.ridge) if solved is None else solved

    def _solve(self, owners: npt.NDArray[np.int64], groups: int, ridge: float) -> Matrix:
        """Return the weights (n, options) of the ridge regression."""
        wanted = np.eye(groups, dtype=np.float64)[owners] - self._mean
        kernel = self._kernel(self._grams.among(), self._vectors).astype(np.float64)
        sizes = np.sqrt(np.bincount(owners, minlength=groups)[owners])
        kernel[np.diag_indices_from(kernel)] += ridge * sizes / np.mean(sizes)
        return np.linalg.solve(kernel, wanted).astype(np.float32)

    def scores(self, text: str, vector: Matrix) -> Matrix:
        """Score each option for one text with its vector (d,); near 1 for what fits."""
        found: Matrix = self._kernel(self._grams.near(text)[None], vector[None]) @ self.weights
        scores: Matrix = found[0] + np.float32(self._mean)
        return scores

    def _kernel(self, words: Matrix, vectors: Matrix) -> Matrix:
        near: Matrix = vectors @ self._vectors.T
        near *= np.float32(1 - self._share) * near * near
        near += np.float32(self._share) * words
        return near


class Grams:
    """Words, neighbouring words and words with one between them, rare ones for more, as unit rows.

    A row is sparse: the numbers of its grams with their weights. `holders` are the training rows that have a gram.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        found = [Counter(grams(text)) for text in texts]
        counts = Counter(gram for each in found for gram in each)
        self._tells = {gram: math.log(1 + len(texts) / count) for gram, count in counts.items()}
        self._size = len(texts)
        self._holders: defaultdict[Hashable, list[tuple[int, float]]] = defaultdict(list)
        for row, each in enumerate(found):
            for gram, weight in self._weighed(each).items():
                self._holders[gram].append((row, weight))

    def near(self, text: str) -> Matrix:
        """Return the cosine of a text with each training text, (n,); 0 where no gram is shared."""
        row = np.zeros(self._size, np.float32)
        for gram, weight in self._weighed(Counter(grams(text))).items():
            for holder, its in self._holders.get(gram, ()):
                row[holder] += weight * its
        return row

    def among(self) -> Matrix:
        """Return the cosine of each two training texts, (n, n)."""
        near = np.zeros((self._size, self._size), np.float32)
        for held in self._holders.values():
            rows = np.array([row for row, _ in held])
            weights = np.array([weight for _, weight in held], np.float32)
            near[rows[:, None], rows] += weights[:, None] * weights
        return near

    def _weighed(self, found: Counter[Hashable]) -> dict[Hashable, float]:
        known = {gram: times * self._tells[gram] for gram, times in found.items() if gram in self._tells}
        length = math.sqrt(sum(weight * weight for weight in known.values())) or 1.0
        return {gram: weight / length for gram, weight in known.items()}


def grams(text: str) -> Iterator[Hashable]:
    """Yield a text's words, pairs of neighbours with its two ends, pairs around a word, and the first word."""
    words = text.casefold().split()
    framed = ["", *words, ""]
    yield from words
    yield from pairwise(framed)
    for before, after in zip(words, words[2:], strict=False):
        yield (before, None, after)
    if words:
        yield (None, words[0])
