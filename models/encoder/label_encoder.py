"""Assign labels to centres with an encoder, by cosine similarity of whole texts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np

from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_space import subtract_and_normalize
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import Usage


@dataclass(frozen=True, slots=True)
class LabelEncoderSettings:
    """How similarities become a choice.

    A text takes its nearest option and those within `margin` of it, up to the request's `most`; none if even the
    nearest is less similar than `threshold`. Further ones need a similarity of `further`, by default `threshold`.
    `centring` is the share of the options' mean that is subtracted from all vectors of a request: what the options
    have in common does not distinguish them, and a text that has only that fits none. `cached` bounds the vector
    cache.
    """

    threshold: float = 0.1
    margin: float = 0.0
    further: float | None = None
    cached: int = 65_536
    centring: float = 0.0


class LabelEncoder:
    """Compares labels with centres by their whole texts.

    A text's similarity to an option is that to the nearest of the option's texts. `lookup` returns the unit vectors
    of texts, (n, d); the scorer centres them as it does an item's.
    """

    reads_prompts = False

    def __init__(
        self,
        scorer: TextScorer,
        lookup: Callable[[Sequence[str]], Matrix],
        settings: LabelEncoderSettings | None = None,
    ) -> None:
        self.name = f"encoder/{scorer.embedder.name}"
        self.settings = settings or LabelEncoderSettings()
        self._vectors = VectorCache(
            lambda texts: scorer.centre(option_vectors(texts, lookup)), self.settings.cached
        )

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer a batch in order, off the event loop."""
        return await computed(partial(self.answer_now, requests))

    def answer_now(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer a batch in this thread; see `answer`."""
        return [self.answer_one(request) for request in requests]

    def answer_one(self, request: ModelRequest) -> ModelReply | ModelError:
        """Answer a request about one or several texts."""
        if not request.choices or not all(choice.texts for choice in request.choices):
            return ModelReplyError(f"{request.tool.name} has an option without a text to compare")
        started = time.perf_counter()
        each, best = self.choose(request)
        usage = Usage(latency_s=time.perf_counter() - started)
        if request.texts:
            arguments = {str(number): list(ids) or [0] for number, ids in enumerate(each, start=1)}
            return ModelReply(chosen=(), arguments=arguments, usage=usage, each=tuple(each))
        scores = {choice.id: float(score) for choice, score in zip(request.choices, best[0], strict=True)}
        return ModelReply(each[0], {request.field: list(each[0]) or [0]}, usage, scores)

    def choose(self, request: ModelRequest) -> tuple[list[tuple[int, ...]], Matrix]:
        """Return the chosen option ids of each text, and all similarities (texts, options)."""
        options = [text for choice in request.choices for text in choice.texts]
        starts = [0, *accumulate(len(choice.texts) for choice in request.choices)][:-1]
        texts = self._vectors.get(request.texts or (request.text,))
        known = self._vectors.get(options)
        if self.settings.centring:
            shift = np.float32(self.settings.centring) * known.mean(axis=0)
            texts, known = subtract_and_normalize(texts, shift), subtract_and_normalize(known, shift)
        alike: Matrix = np.maximum.reduceat(texts @ known.T, starts, axis=1)
        ids = np.array([choice.id for choice in request.choices])
        order = np.argsort(-alike, axis=1, kind="stable")[:, : request.most]
        found = []
        further = self.settings.threshold if self.settings.further is None else self.settings.further
        for row, places in zip(alike, order, strict=True):
            nearest = row[places[0]]
            least = max(further, nearest - self.settings.margin)
            taken = (
                places[row[places] >= min(least, nearest)]
                if nearest >= self.settings.threshold
                else places[:0]
            )
            found.append(tuple(ids[taken].tolist()))
        return found, alike
