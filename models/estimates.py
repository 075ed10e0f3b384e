"""Estimate the cost of a language model without calling it: an encoder decides, tokens are counted."""

import json
from collections.abc import Sequence
from dataclasses import replace

from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import Counter, counter_for, prompt_tokens
from taxonaut.state.errors import ModelError
from taxonaut.state.records import Usage

PROPOSE, FIELD = "propose_category", "categories"
"""The tool by which an architect answers, and its argument."""

DESCRIPTION = "What belongs here, said in one short sentence of some twelve words."
"""A description of typical length."""


class Proposed:
    """The labels behind categories that were proposed in one role, for comparing them in another."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[dict[str, Choice]]] = {}

    def add(self, choices: Sequence[Choice]) -> None:
        """Keep one proposal's categories; another proposal may have the same names for other labels."""
        proposal = {choice.texts[0]: choice for choice in choices}
        for name in proposal:
            self.by_name.setdefault(name, []).append(proposal)

    def behind(self, choices: Sequence[Choice]) -> dict[str, Choice]:
        """Return the latest proposal that all of these categories are from; nothing if there is none."""
        names = {choice.texts[0] for choice in choices}
        known = self.by_name.get(choices[0].texts[0], []) if choices else []
        return next((proposal for proposal in reversed(known) if names <= proposal.keys()), {})


class EstimatingAnswers:
    """Answers requests and counts the tokens that a language model would read and write.

    It proposes the request's suggestions, the largest first; otherwise the encoder chooses. Categories
    that were proposed are compared by the labels that stood behind them: roles that share `proposed` know these.
    """

    reads_prompts = True

    def __init__(
        self,
        settings: ModelSettings,
        encoder: Answers,
        counter: Counter | None = None,
        proposed: Proposed | None = None,
    ) -> None:
        self.name = settings.model
        self.settings = settings
        self.encoder = encoder
        self.count = counter or counter_for(settings)
        self.known = proposed or Proposed()

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer in order; nothing is sent."""
        chosen = [request for request in requests if not proposes(request)]
        replies = iter(await self.encoder.answer([self.filled(request) for request in chosen]))
        return [
            self.costed(request, self.proposed(request) if proposes(request) else next(replies))
            for request in requests
        ]

    def proposed(self, request: ModelRequest) -> ModelReply:
        """Propose what is suggested."""
        self.known.add(request.choices)
        taken = request.choices[: request.most]
        if request.field:
            numbers = tuple(choice.id for choice in taken)
            return ModelReply(chosen=numbers, arguments={request.field: list(numbers)}, usage=Usage())
        categories = [{"name": choice.texts[0], "description": DESCRIPTION} for choice in taken]
        return ModelReply(chosen=(), arguments={FIELD: categories}, usage=Usage())

    def filled(self, request: ModelRequest) -> ModelRequest:
        """Add the texts of the labels behind a proposed category to its name."""
        behind = self.known.behind(request.choices)
        choices = tuple(
            replace(choice, texts=behind.get(choice.texts[0], choice).texts) for choice in request.choices
        )
        return replace(request, choices=choices)

    def costed(self, request: ModelRequest, reply: ModelReply | ModelError) -> ModelReply | ModelError:
        """Return the reply with the tokens it would have cost."""
        if isinstance(reply, ModelError):
            return reply
        writes = self.settings.answer != "scored"
        usage = Usage(
            prompt_tokens=prompt_tokens(request, self.settings, self.count),
            completion_tokens=self.count(json.dumps(dict(reply.arguments))) if writes else 0,
        )
        return replace(reply, usage=usage)


def proposes(request: ModelRequest) -> bool:
    """Return whether a request asks for centres."""
    return request.tool.name == PROPOSE


class Tally:
    """Wraps a model and counts its requests and tokens, or its comparisons if it reads no prompts."""

    def __init__(self, model: Answers) -> None:
        self.model = model
        self.name = model.name
        self.reads_prompts = model.reads_prompts
        self.requests = self.comparisons = self.prompt_tokens = self.completion_tokens = 0

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Pass requests on, and count."""
        replies = await self.model.answer(requests)
        if self.reads_prompts:
            self.requests += len(replies)
        else:
            self.comparisons += len(replies)
        for reply in replies:
            if isinstance(reply, ModelReply):
                self.prompt_tokens += reply.usage.prompt_tokens
                self.completion_tokens += reply.usage.completion_tokens
        return replies
