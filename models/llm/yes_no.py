"""Ask a chat model yes-or-no questions, and score by the log-probabilities of yes and no."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from taxonaut.models.llm.gateway import Gateway, add_usage, as_mapping, opening
from taxonaut.models.llm.pydantic_model import LiteLLMModelSettings, messages_json
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import Usage

LIKELIEST = 5
"""Tokens whose log-probabilities are requested; not all OpenAI-compatible servers give more."""

RARE = -12.0
"""The log-probability of a word outside the likeliest tokens."""


class YesNoGateway(Gateway):
    """A gateway whose requests have one choice and no tool: the model says yes or no in one token.

    The choice's score is log P(yes) - log P(no), upper and lower case together (XMC-Agent, appendix C: "rank
    all labels based on the logits of the response"). ModelReplyError where a server gives no
    log-probabilities.
    """

    async def decide(self, request: ModelRequest) -> ModelReply:
        """Send a request once, with retries, and compare the answer's likeliest tokens."""
        started = time.perf_counter()
        settings: LiteLLMModelSettings = {
            "max_tokens": 1,
            "litellm_arguments": {"logprobs": True, "top_logprobs": LIKELIEST},
        }
        messages: list[ModelMessage] = [opening(request)]
        response, attempts = await self.retry(
            lambda: self.model.request(messages, settings, ModelRequestParameters())
        )
        score = yes_over_no(self.likeliest(response))
        choice = request.choices[0].id
        usage = add_usage(Usage(attempts=0), response, attempts)
        return ModelReply(
            chosen=(choice,) if score > 0 else (),
            arguments={request.field: [choice if score > 0 else 0]},
            usage=replace(usage, latency_s=time.perf_counter() - started),
            scores={choice: score},
            turns=tuple(messages_json([response])),
        )

    def tools(self, request: ModelRequest) -> list[ToolDefinition]:
        """Return no tools: the answer is a word."""
        return []

    def likeliest(self, response: ModelResponse) -> dict[str, float]:
        """Return the log-probabilities of the first token's likeliest spellings."""
        given = (response.provider_details or {}).get("logprobs")
        content = given.get("content") if isinstance(given, Mapping) else getattr(given, "content", None)
        if not content:
            raise ModelReplyError(
                f"{self.name!r} returned no log-probabilities, and labels judged one by one are ranked by "
                "them; use a server that returns them (`logprobs`, such as vLLM or OpenAI), gguf/… or encoder/…"
            )
        rows = as_mapping(content[0])["top_logprobs"]
        return {str(as_mapping(row)["token"]): float(as_mapping(row)["logprob"]) for row in rows}


def yes_over_no(likeliest: Mapping[str, float]) -> float:
    """Return log P(yes) - log P(no) from the likeliest tokens, each word however it is spelt."""
    return together(likeliest, "yes") - together(likeliest, "no")


def together(likeliest: Mapping[str, float], word: str) -> float:
    """Add up the probabilities of one word's spellings; returns the logarithm."""
    share = sum(math.exp(value) for token, value in likeliest.items() if token.strip().casefold() == word)
    return math.log(share) if share else RARE
