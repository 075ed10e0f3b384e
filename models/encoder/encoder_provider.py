"""Answer requests by comparing an item with the options' texts, without a language model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate

import numpy as np

from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.item_vectors import ItemVectors
from taxonaut.models.encoder.option_texts import gists, option_vectors
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import Place, Usage

_NONE = 0
_WORDS = 512
"""Nodes whose branches' texts are kept prepared for the comparison of words."""

_Chosen = tuple[list[int], dict[int, float], dict[int, str], dict[int, Place]]


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

    An option's score is the best of its texts', with what was learned about its label or node (`TextScorer.learned`)
    added. A text may be a path (`option_vectors`); alternative names and
    descriptions count as well (`Gists`). `lookup` returns the unit vectors of texts, (n, d), for instance from a
    store; by default they are embedded.
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
        self._words = lru_cache(_WORDS)(scorer.words)
        self._options = VectorCache(
            lambda options: scorer.centre(option_vectors(options, load)), self.settings.cached
        )
        self._gists = lru_cache(_WORDS)(lambda options: scorer.centre_gists(gists(options, load)))

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
            asked = [requests[place].text for place in places]
            chosen_items = items.take([row[text] for text in asked])
            most = [requests[place].most for place in places]
            found.update(zip(places, self._choose(chosen_items, asked, choices, most), strict=True))
        latency = (time.perf_counter() - started) / max(len(requests), 1)
        return [self._reply(request, found[place], latency) for place, request in enumerate(requests)]

    def _choose(
        self, items: ItemVectors, asked: Sequence[str], choices: tuple[Choice, ...], most: Sequence[int]
    ) -> list[_Chosen]:
        """Score one list of choices for several items."""
        texts = tuple(text for choice in choices for text in choice.compared)
        starts = [0, *accumulate(len(choice.texts) for choice in choices)]
        single = len(texts) == len(choices)
        words = self._scorer.words(texts) if single else self._words(texts)
        more = self._gists(texts) if any(choice.options for choice in choices) else None
        by_text, evidence = self._scorer.score_centred(
            items, self._options.get(texts), words, more, in_context=single
        )
        scores = by_text if single else np.maximum.reduceat(by_text, starts[:-1], axis=1)
        if self._scorer.learned is not None:
            scores = self._scorer.learned.add(asked, tuple(choice.key for choice in choices), scores)
        order = np.argsort(-scores, axis=1, kind="stable")
        ids = [choice.id for choice in choices]
        answers = []
        for item, (row, best) in enumerate(zip(scores, order, strict=True)):
            kept = [int(at) for at in best[: most[item]] if row[at] >= self.settings.threshold]
            behind = [starts[at] + int(by_text[item, starts[at] : starts[at + 1]].argmax()) for at in kept]
            chosen = [ids[at] for at in kept]
            found = evidence.find(item, behind) if behind else []
            spoken = {id_: phrase for id_, (phrase, _) in zip(chosen, found, strict=True)}
            places = {id_: place for id_, (_, place) in zip(chosen, found, strict=True) if place.passages > 1}
            answers.append((chosen, dict(zip(ids, row.tolist(), strict=True)), spoken, places))
        return answers

    def _reply(
        self,
        request: ModelRequest,
        answer: _Chosen | ModelError,
        latency: float,
    ) -> ModelReply | ModelError:
        if isinstance(answer, ModelError):
            return answer
        chosen, scores, evidence, places = answer
        return ModelReply(
            chosen=tuple(chosen),
            arguments={request.field: chosen or [_NONE]},
            usage=Usage(latency_s=latency),
            scores=scores,
            evidence=evidence,
            places=places,
        )
