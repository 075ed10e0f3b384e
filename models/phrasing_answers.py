"""Choose by examples of phrasing: which option's examples a text is worded like, learned from them in closed form.

Kernel ridge regression (Saunders and others 1998) on two kernels: the third power of the embeddings' cosine, which
looks at near examples only, and the cosine of words and pairs of words, in which a single verb tells.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Lock

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.threads import computed
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import Usage

Lookup = Callable[[Sequence[str]], Matrix]
_NONE = 0
_POWER = 3


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

    `lookup` gives vectors of examples, from a store for instance. A reply has the scores of all options.
    """

    def __init__(
        self,
        embedder: Embedder,
        lookup: Lookup | None = None,
        settings: PhrasingSettings | None = None,
    ) -> None:
        self.name = f"encoder/{embedder.name}"
        self.reads_prompts = False
        self.settings = settings or PhrasingSettings()
        self._embedder = embedder
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
                self._learned[choices] = Learned(choices, self._lookup, self.settings)
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

    def __init__(self, choices: Sequence[Choice], lookup: Lookup, settings: PhrasingSettings) -> None:
        groups = [choice.texts for choice in choices]
        texts = [text for group in groups for text in group]
        owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._share = settings.words
        self._vectors = lookup(texts)
        self._grams = Grams(texts)
        self._rows = self._grams.rows(texts)
        self._mean = 1.0 / len(groups)
        wanted = np.eye(len(groups), dtype=np.float64)[owners] - self._mean
        kernel = self._kernel(self._rows, self._vectors).astype(np.float64)
        sizes = np.sqrt(np.bincount(owners, minlength=len(groups))[owners])
        kernel[np.diag_indices_from(kernel)] += settings.ridge * sizes / np.mean(sizes)
        self._weights = np.linalg.solve(kernel, wanted).astype(np.float32)

    def scores(self, text: str, vector: Matrix) -> Matrix:
        """Score each option for one text with its vector (d,); near 1 for what fits."""
        found: Matrix = self._kernel(self._grams.rows([text]), vector[None]) @ self._weights
        found += np.float32(self._mean)
        return found[0]

    def _kernel(self, rows: Matrix, vectors: Matrix) -> Matrix:
        near: Matrix = (1 - self._share) * (vectors @ self._vectors.T) ** _POWER
        near += self._share * (rows @ self._rows.T)
        return near


class Grams:
    """Words, neighbouring words and words with one between them, rare ones for more, as unit rows."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = Counter(gram for text in texts for gram in set(grams(text)))
        self._columns = {gram: column for column, gram in enumerate(counts)}
        self._tells = np.array([math.log(1 + len(texts) / count) for count in counts.values()], np.float32)

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Return one row a text; a text without a known gram is 0."""
        rows: npt.NDArray[np.float32] = np.zeros((len(texts), len(self._columns)), np.float32)
        for row, text in zip(rows, texts, strict=True):
            known = [self._columns[gram] for gram in grams(text) if gram in self._columns]
            np.add.at(row, known, self._tells[known])
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
        return rows


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
