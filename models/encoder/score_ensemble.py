"""Join a small language model's scores with an encoder's: each sees what the other does not."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError


class ScoreEnsemble:
    """Add two models' scores, each standardized over a request's options, the language model's by `weight`.

    What the encoder finds too far away to choose stays unchosen; an abstention of the encoder's is one of
    both. Where the language model gives no scores or fails, its reply stands as it is.
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
        """The language model does."""
        return self.model.reads_prompts

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Ask both about every request, at the same time, and join what they say."""
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
    """Return scores with mean 0 and deviation 1; all 0 where they do not differ."""
    mean = sum(scores.values()) / max(len(scores), 1)
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores.values()) / max(len(scores), 1))
    return {choice: (score - mean) / deviation if deviation else 0.0 for choice, score in scores.items()}
