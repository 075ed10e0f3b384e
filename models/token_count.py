"""Count the tokens of a prompt before it is sent, with the model's own tokenizer where possible."""

import json
from collections.abc import Callable
from functools import lru_cache

from taxonaut.models.gguf.chat_prompt import call_note
from taxonaut.models.gguf.runtime import Weights
from taxonaut.models.llm import client
from taxonaut.models.llm.client import token_count
from taxonaut.models.requests import ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.records import ToolSpec

GGUF = "gguf"
AROUND = 24
"""Tokens that a chat template puts around the messages of a request."""

Counter = Callable[[str], int]


def counter_for(settings: ModelSettings) -> Counter:
    """Return a function that counts a text's tokens for this model.

    Exact for GGUF models; for others LiteLLM's tokenizer for the name, or a common one for an unknown name.
    """
    return lru_cache(8_192)(
        gguf_counter(settings.model) if settings.provider == GGUF else litellm_counter(settings.model)
    )


def gguf_counter(model: str) -> Counter:
    """Count by the vocabulary of a GGUF file."""
    weights = Weights.open(ModelCatalog().resolve(model.partition("/")[2]))
    return lambda text: len(weights.tokens(text))


def litellm_counter(model: str) -> Counter:
    """Count by LiteLLM's tokenizer."""
    return lambda text: token_count(model, text)


def prompt_tokens(request: ModelRequest, settings: ModelSettings, count: Counter) -> int:
    """Return the prompt tokens of a request: the messages, and the tool's schema where it is sent."""
    shared = count(f"{request.system}\n\n{request.context}")
    item = count(request.item)
    if settings.provider != GGUF:
        return shared + item + tool_tokens(request.tool, settings, count) + AROUND
    if settings.answer == "scored":
        return shared + item + AROUND + sum(count(choice.texts[0]) for choice in request.choices)
    return shared + item + count(call_note([request.tool])) + AROUND


def tool_tokens(spec: ToolSpec, settings: ModelSettings, count: Counter) -> int:
    """Return the tokens of a tool's schema: those of its JSON, or fewer for OpenAI's models."""
    if settings.api_base is None:
        from taxonaut.models.llm.pydantic_model import tool_definition, tool_json

        counted = client.tool_tokens(settings.model, tool_json(tool_definition(spec)))
        if counted is not None:
            return counted
    tool = {"name": spec.name, "description": spec.description, **spec.parameters}
    return count(json.dumps(tool, ensure_ascii=False))
