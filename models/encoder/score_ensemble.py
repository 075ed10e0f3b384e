"""Ensemble the scores of a small language model and an encoder."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError


class ScoreEnsemble:
    """Sums two models' scores, each standardized over a request's options, the language model's times `weight`.

    Options below the encoder's threshold stay unchosen, so if the encoder abstains, so does the ensemble. If the
    language model fails or gives no scores, its reply is returned unchanged.
    """

    def __init__(self, model: Answers, encoder: Answers, weight: float) -> None:
        self.model = model
        self.encoder = encoder
        self.weight = weight

    @property
    def name(self) -> str:
        """Both model strings."""
        return f"{self.model.name}+{self.encoder.name}"

    @property
    def reads_prompts(self) -> bool:
        """Whether prompts are read, as by the language model."""
        return self.model.reads_prompts

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Ask both models concurrently, and join their replies."""
        said, seen = await asyncio.gather(self.model.answer(requests), self.encoder.answer(requests))
        return [self.join(*three) for three in zip(requests, said, seen, strict=True)]

    def join(
        self, request: ModelRequest, said: ModelReply | ModelError, seen: ModelReply | ModelError
    ) -> ModelReply | ModelError:
        """Join two replies to one request."""
        if isinstance(said, ModelError) or isinstance(seen, ModelError):
            return said
        if said.scores is None or seen.scores is None or request.texts:
            return said
        first, second = standardize(said.scores), standardize(seen.scores)
        scores = {choice: self.weight * first[choice] + second[choice] for choice in second}
        fitting = seen.chosen if len(seen.chosen) < request.most else tuple(scores)
        chosen = tuple(sorted(fitting, key=lambda choice: -scores[choice])[: request.most])
        evidence = seen.evidence or {}
        return replace(
            said,
            chosen=chosen,
            arguments={request.field: list(chosen) or [0]},
            scores=scores,
            evidence={choice: evidence.get(choice, "") for choice in chosen},
        )


def standardize(scores: Mapping[int, float]) -> dict[int, float]:
    """Standardize scores to mean 0 and deviation 1; all 0 if they are equal."""
    mean = sum(scores.values()) / max(len(scores), 1)
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores.values()) / max(len(scores), 1))
    return {choice: (score - mean) / deviation if deviation else 0.0 for choice, score in scores.items()}
