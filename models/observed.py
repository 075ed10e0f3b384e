"""A language model of which is kept and told what it is asked: transcripts, spans, LangChain's callbacks."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from taxonaut.models.llm.prices import prices_of
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state import telemetry
from taxonaut.state.errors import ModelError
from taxonaut.state.records import Transcript

log = logging.getLogger("taxonaut.models")

LANGCHAIN = "langchain_core.runnables.config"


class ObservedModel:
    """Passes requests on; each reply and error comes back with the transcript of its request, if `texts` are kept.

    Within a LangGraph graph, whoever has registered callbacks with LangChain is told of each request and reply.
    """

    reads_prompts = True

    def __init__(self, settings: ModelSettings, model: Answers, *, texts: bool) -> None:
        self.settings = settings
        self.model = model
        self.texts = texts
        self.sent: Callable[..., Mapping[str, Any]] = sender(model) or default_sent

    @property
    def name(self) -> str:
        """The model string."""
        return self.model.name

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer each request, in order; see `Answers`."""
        spans = [telemetry.decision_span(each.about, each.tool.name, self.name) for each in requests]
        asked = [
            each if span is None else replace(each, span=span)
            for each, span in zip(requests, spans, strict=True)
        ]
        told = await self.tell_langchain(requests)
        replies: list[ModelReply | ModelError] = []
        try:
            replies = await self.model.answer(asked)
        finally:
            for place, span in enumerate(spans):
                if span is not None:
                    self.end_span(span, replies[place] if replies else None)
        for run, reply in zip(told, replies, strict=bool(told)):
            await end_langchain(run, reply)
        if log.isEnabledFor(logging.DEBUG):
            for request, reply in zip(requests, replies, strict=True):
                self.log_reply(request, reply)
        if not self.texts:
            return replies
        return [self.with_transcript(*pair) for pair in zip(requests, replies, strict=True)]

    def with_transcript(
        self, request: ModelRequest, reply: ModelReply | ModelError
    ) -> ModelReply | ModelError:
        """Return a reply with what was sent for it; an error gets it as well."""
        turns = reply.turns
        if not turns and isinstance(reply, ModelReply):
            turns = (as_message(request, reply),)
        replied = bool(turns) and turns[-1].get("role") == "assistant"
        asked = self.sent(request, turns[:-1] if replied else turns)
        transcript = Transcript(
            tuple(asked["messages"]), tuple(asked.get("tools") or ()), turns[-1:] if replied else ()
        )
        if isinstance(reply, ModelReply):
            return replace(reply, transcript=transcript)
        reply.transcript = transcript
        return reply

    def end_span(self, span: Any, reply: ModelReply | ModelError | None) -> None:
        """Say in a decision's span what it cost, and end it."""
        if isinstance(reply, ModelReply):
            usage, prices = reply.usage, prices_of(self.settings)
            span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
            span.set_attribute("taxonaut.cached", usage.cached)
            span.set_attribute("taxonaut.attempts", usage.attempts)
            if prices is not None:
                paid = 0 if usage.cached else 1
                cost = prices.cost(usage.prompt_tokens, usage.completion_tokens, usage.reused_tokens)
                span.set_attribute("taxonaut.cost", paid * cost)
        elif isinstance(reply, ModelError):
            telemetry.fail(span, reply)
        span.end()

    def log_reply(self, request: ModelRequest, reply: ModelReply | ModelError) -> None:
        """Log a decision without its texts."""
        values: dict[str, Any] = {
            "model": self.name,
            "tool": request.tool.name,
            "item": request.about,
            "prompt": request.hash,
        }
        if isinstance(reply, ModelError):
            log.debug("decision failed", extra={"taxonaut": {**values, "error": type(reply).__name__}})
            return
        usage = reply.usage
        more = {
            "cached": usage.cached,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "seconds": round(usage.latency_s, 3),
        }
        log.debug("decision", extra={"taxonaut": {**values, **more}})

    async def tell_langchain(self, requests: Sequence[ModelRequest]) -> Sequence[Any]:
        """Tell LangChain's callbacks, if a graph runs with some, that requests are sent; returns a run for each."""
        module = sys.modules.get(LANGCHAIN)
        config = None if module is None else module.var_child_runnable_config.get()
        if (
            module is None
            or config is None
            or not config.get("callbacks")
            or getattr(self.model, "tells_langchain", False)
        ):
            return ()
        from langchain_core.messages import convert_to_messages

        manager = module.get_async_callback_manager_for_config(config)
        if not manager.handlers:
            return ()
        batches = [convert_to_messages(list(self.sent(request, ())["messages"])) for request in requests]
        described = {"name": self.name, "id": ["taxonaut", self.name]}
        given = {"model": self.name, "temperature": self.settings.temperature}
        runs: Sequence[Any] = await manager.on_chat_model_start(
            described, batches, invocation_params=given, name=self.name
        )
        return runs


async def end_langchain(run: Any, reply: ModelReply | ModelError) -> None:
    """Tell LangChain's callbacks of a reply."""
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, LLMResult

    if isinstance(reply, ModelError):
        await run.on_llm_error(reply)
        return
    usage = reply.usage
    tokens = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
    content = json.dumps(dict(reply.arguments), ensure_ascii=False)
    message = AIMessage(content=content, usage_metadata=tokens)
    output = {"token_usage": tokens, "cached": usage.cached}
    await run.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]], llm_output=output))


def sender(model: Any) -> Callable[..., Mapping[str, Any]] | None:
    """Return what tells what a model sends for a request: its own, or that of the model that it asks."""
    while model is not None:
        found: Callable[..., Mapping[str, Any]] | None = getattr(model, "sent", None)
        if callable(found):
            return found
        model = getattr(model, "model", None)
    return None


def default_sent(request: ModelRequest, turns: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a request in the OpenAI format, as a model gets it that does not say how it sends one."""
    tool = request.tool
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    messages = [
        {"role": "system", "content": f"{request.system}\n\n{request.context}"},
        {"role": "user", "content": request.item},
    ]
    return {"messages": [*messages, *turns], "tools": [{"type": "function", "function": function}]}


def as_message(request: ModelRequest, reply: ModelReply) -> Mapping[str, Any]:
    """Return the call that a reply is, where the model does not tell its own words."""
    function = {"name": request.tool.name, "arguments": json.dumps(dict(reply.arguments))}
    calls = [{"id": "call", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}
