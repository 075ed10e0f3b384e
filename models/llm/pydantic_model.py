"""LiteLLM as a model of pydantic-ai, by which decisions, conversations and `pydantic_ai.Agent` send requests."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings as PydanticSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from taxonaut.models.llm import client
from taxonaut.models.settings import ModelSettings
from taxonaut.state.records import ToolSpec

REQUEST = "taxonaut_request"
"""The argument under which a provider of ours gets the ModelRequest, and under which its answer carries details."""

ANSWER = "taxonaut_answer"
"""The argument that says how a provider of ours answers: `generated` or `scored`."""

WRITTEN = "arguments"
"""Among the details of a ToolCallPart: its arguments character by character, so that a prompt stays what it was."""


class LiteLLMModelSettings(PydanticSettings, total=False):
    """pydantic-ai's settings of a request, and LiteLLM's."""

    litellm_arguments: Mapping[str, Any]
    """More arguments of `litellm.acompletion`."""


class LiteLLMModel(Model[Any]):
    """A pydantic-ai model whose requests are calls of `litellm.acompletion`, one try each.

    A request whose parameters allow a text leaves the choice to the model; any other must call a tool, as the
    role's `tool_choice` says it. Retries are the caller's (`Gateway.retry`).
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.role_settings = settings

    @property
    def model_name(self) -> str:
        """The LiteLLM model string."""
        return self.role_settings.model

    @property
    def system(self) -> str:
        """The provider, for telemetry; nothing is sent anywhere."""
        return self.role_settings.provider

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: PydanticSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Send one request and return the whole answer."""
        tools = tools_json(model_request_parameters)
        extra = extra_arguments(model_settings, model_request_parameters)
        reply = await client.complete(self.role_settings, messages_json(messages), tools, extra)
        return read_response(reply, self.model_name)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: PydanticSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Send one request, whose answer is read as it comes."""
        tools = tools_json(model_request_parameters)
        extra = extra_arguments(model_settings, model_request_parameters)
        async with aclosing(
            client.stream(self.role_settings, messages_json(messages), tools, extra)
        ) as chunks:
            yield LiteLLMStream(model_request_parameters, self.role_settings, chunks)


@dataclass
class LiteLLMStream(StreamedResponse):
    """LiteLLM's chunks as events of pydantic-ai, which puts texts and tool calls together."""

    role_settings: ModelSettings
    chunks: AsyncIterator[Any]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        async for chunk in self.chunks:
            if getattr(chunk, "usage", None) is not None:
                self._usage = read_usage(chunk)
            for event in self.read_chunk(chunk):
                yield event

    def read_chunk(self, chunk: Any) -> Iterator[ModelResponseStreamEvent]:
        """Read the text and the pieces of tool calls of one chunk."""
        if not chunk.choices:
            return
        delta = chunk.choices[0].delta
        if delta.content:
            yield from self._parts_manager.handle_text_delta(vendor_part_id="text", content=delta.content)
        for piece in delta.tool_calls or ():
            yield from self._parts_manager.handle_tool_call_delta_events(
                vendor_part_id=piece.index,
                tool_name=piece.function.name or None,
                args=piece.function.arguments,
                tool_call_id=piece.id,
            )

    @property
    def model_name(self) -> str:
        """The LiteLLM model string."""
        return self.role_settings.model

    @property
    def provider_name(self) -> str:
        """The provider."""
        return self.role_settings.provider

    @property
    def provider_url(self) -> str | None:
        """The server's URL, where one is set."""
        return self.role_settings.api_base

    @property
    def timestamp(self) -> datetime:
        """When the request was sent."""
        return self.started


def extra_arguments(
    model_settings: PydanticSettings | None, parameters: ModelRequestParameters
) -> dict[str, Any]:
    """Return the arguments of a request that replace those of its role."""
    free = parameters.allow_text_output and (parameters.function_tools or parameters.output_tools)
    arguments: dict[str, Any] = {"tool_choice": "auto"} if free else {}
    for name in ("temperature", "max_tokens", "seed"):
        if model_settings and name in model_settings:
            arguments[name] = model_settings[name]
    more = model_settings.get("litellm_arguments") if model_settings else None
    return {**arguments, **more} if isinstance(more, Mapping) else arguments


def tool_definition(spec: ToolSpec) -> ToolDefinition:
    """Return one of our tools as pydantic-ai describes a tool."""
    return ToolDefinition(
        name=spec.name, description=spec.description, parameters_json_schema=dict(spec.parameters)
    )


def tools_json(parameters: ModelRequestParameters) -> list[dict[str, Any]]:
    """Return all tools of a request, function and output tools alike, in the OpenAI format."""
    return list(map(tool_json, [*parameters.function_tools, *parameters.output_tools]))


def tool_json(tool: ToolDefinition) -> dict[str, Any]:
    """Return a tool in the OpenAI format."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description or "",
            "parameters": tool.parameters_json_schema,
        },
    }


def messages_json(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    """Return a conversation in the OpenAI format."""
    rows: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            rows.append(response_json(message))
            continue
        if message.instructions:
            rows.append({"role": "system", "content": message.instructions})
        rows.extend(part_json(part) for part in message.parts)
    return rows


def part_json(part: Any) -> dict[str, Any]:
    """Return one part of a request in the OpenAI format."""
    match part:
        case SystemPromptPart():
            return {"role": "system", "content": part.content}
        case UserPromptPart(content=str(content)):
            return {"role": "user", "content": content}
        case ToolReturnPart():
            return {
                "role": "tool",
                "tool_call_id": part.tool_call_id,
                "content": part.model_response_str(),
            }
        case RetryFeedbackPart():
            return {"role": "user", "content": part.model_response()}
    raise UserError(f"taxonaut sends text only; a {type(part).__name__} cannot be sent")


def response_json(message: ModelResponse) -> dict[str, Any]:
    """Return a model's earlier answer in the OpenAI format."""
    text = "".join(part.content for part in message.parts if isinstance(part, TextPart))
    calls = [
        {
            "id": part.tool_call_id,
            "type": "function",
            "function": {"name": part.tool_name, "arguments": arguments_json(part)},
        }
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    row: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        row["tool_calls"] = calls
    return row


def arguments_json(call: ToolCallPart) -> str:
    """Return a call's arguments as they were written, where that is known; else pydantic-ai's compact JSON."""
    written = (call.provider_details or {}).get(WRITTEN)
    return str(written) if written is not None else call.args_as_json_str()


def read_response(reply: Any, model_name: str) -> ModelResponse:
    """Read LiteLLM's answer: text, tool calls, tokens, log-probabilities, and the details of a provider of ours."""
    choice = reply.choices[0]
    message = choice.message
    parts: list[ModelResponsePart] = []
    if message.content:
        parts.append(TextPart(content=message.content))
    for call in message.tool_calls or ():
        parts.append(
            ToolCallPart(
                tool_name=call.function.name or "",
                args=call.function.arguments or "{}",
                tool_call_id=call.id or "call",
            )
        )
    details = getattr(reply, "_hidden_params", {}).get(REQUEST)
    if (likely := getattr(choice, "logprobs", None)) is not None:
        details = {**(details or {}), "logprobs": likely}
    return ModelResponse(
        parts=parts, model_name=model_name, usage=read_usage(reply), provider_details=details
    )


def read_usage(reply: Any) -> RequestUsage:
    """Read the tokens of an answer, or of a chunk that carries them."""
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return RequestUsage(
        input_tokens=getattr(usage, "prompt_tokens", 0) or 0,
        output_tokens=getattr(usage, "completion_tokens", 0) or 0,
        cache_read_tokens=getattr(details, "cached_tokens", 0) or 0,
    )
