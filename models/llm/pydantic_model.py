"""LiteLLM as a model of pydantic-ai, used by decisions, conversations and `pydantic_ai.Agent`."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import UnexpectedModelBehavior, UserError
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
from taxonaut.models.llm.errors import LONGEST_SAID, UnreadableReplyError
from taxonaut.models.llm.redaction import redact, redact_key
from taxonaut.models.settings import ModelSettings
from taxonaut.models.validation import SURROGATE
from taxonaut.state.records import ToolSpec

REQUEST = "taxonaut_request"
"""The argument under which a provider of ours gets the ModelRequest, and under which its answer carries details."""

ANSWER = "taxonaut_answer"
"""The argument that tells an in-process provider how to answer: `generated` or `scored`."""

ADAPTER = "taxonaut_adapter"
"""The argument that tells an in-process provider which LoRA adapter to add to its weights: the path of a file."""

WRITTEN = "arguments"
"""Among the details of a ToolCallPart: its arguments character by character, so that a prompt stays what it was."""

REASONING, FINISH = "reasoning", "finish"
"""Among the details of a ModelResponse: what the model thought before its answer, and why it stopped."""

MOST_TOKENS = 2**40
"""A server that reports more tokens than this for one reply does not count them."""

LOOK_AT_THE_SERVER = "look at the log of the server, or correct `api_base` in taxonaut.toml"
WITHHELD = "use another model, or leave this item out"


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
        return read_response(reply, self.role_settings)

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


class CallPieces:
    """Tells which call of a stream a piece belongs to.

    Some servers give each call the index 0, others repeat a call's name in each of its pieces: another id is another
    call, and so is a name once the arguments before it are whole.
    """

    def __init__(self) -> None:
        self.current: dict[Any, int] = {}
        self.ids: dict[int, str] = {}
        self.arguments: dict[int, str] = {}

    def slot(self, piece: Any) -> tuple[int, bool]:
        """Return a number for the call of a piece, and whether the piece is its first."""
        slot = self.current.get(piece.index)
        function = piece.function
        another = slot is None or (
            piece.id != self.ids[slot]
            if piece.id and self.ids[slot]
            else bool(function.name) and is_json(self.arguments[slot])
        )
        if slot is None or another:
            slot = self.current[piece.index] = len(self.ids)
            self.ids[slot], self.arguments[slot] = piece.id or "", ""
        self.arguments[slot] += function.arguments or ""
        return slot, another


def is_json(text: str) -> bool:
    """Return whether a text is a whole JSON value."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@dataclass
class LiteLLMStream(StreamedResponse):
    """LiteLLM's chunks as events of pydantic-ai, which puts texts and tool calls together."""

    role_settings: ModelSettings
    chunks: AsyncIterator[Any]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    calls: "CallPieces" = field(default_factory=lambda: CallPieces())
    thoughts: list[str] = field(default_factory=list)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        async for chunk in self.chunks:
            if getattr(chunk, "usage", None) is not None:
                self._usage = read_usage(chunk)
            try:
                events = list(self.read_chunk(chunk))
            except (AttributeError, TypeError, ValueError, UnexpectedModelBehavior) as error:
                raise UnreadableReplyError(f"a chunk cannot be read ({error})", LOOK_AT_THE_SERVER) from None
            for event in events:
                yield event
        if thought := "".join(self.thoughts):
            self.provider_details = {REASONING: cleaned(thought, self.role_settings)}

    def read_chunk(self, chunk: Any) -> Iterator[ModelResponseStreamEvent]:
        """Read the text and the pieces of tool calls of one chunk."""
        if not getattr(chunk, "choices", None):
            return
        if getattr(chunk.choices[0], "finish_reason", None) == "content_filter":
            raise UnreadableReplyError("its content filter withheld the reply", WITHHELD)
        delta = chunk.choices[0].delta
        if isinstance(thought := getattr(delta, "reasoning_content", None), str):
            self.thoughts.append(thought)
        if text := cleaned(getattr(delta, "content", None), self.role_settings):
            yield from self._parts_manager.handle_text_delta(vendor_part_id="text", content=text)
        for piece in getattr(delta, "tool_calls", None) or ():
            slot, is_new = self.calls.slot(piece)
            yield from self._parts_manager.handle_tool_call_delta_events(
                vendor_part_id=slot,
                tool_name=(cleaned(piece.function.name, self.role_settings) or None) if is_new else None,
                args=arguments_text(piece.function.arguments) if piece.function.arguments else None,
                tool_call_id=piece.id if is_new else None,
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


def read_response(reply: Any, settings: ModelSettings) -> ModelResponse:
    """Read LiteLLM's reply: text, tool calls, tokens, log-probabilities, and details of in-process providers.

    Raises UnreadableReplyError where it has no message, or where a filter or the model withheld it.
    """
    choice = first_choice(reply)
    message = getattr(choice, "message", None)
    if message is None:
        raise UnreadableReplyError("its reply has no message", LOOK_AT_THE_SERVER)
    text = cleaned(message.content, settings)
    parts: list[ModelResponsePart] = [TextPart(content=text)] if text else []
    legacy = getattr(message, "function_call", None)
    for call in message.tool_calls or ([legacy] if legacy is not None else ()):
        function = getattr(call, "function", call)
        parts.append(
            ToolCallPart(
                tool_name=cleaned(function.name, settings),
                args=redact_key(arguments_text(function.arguments), settings),
                tool_call_id=cleaned(getattr(call, "id", None), settings) or "call",
            )
        )
    finish = getattr(choice, "finish_reason", None)
    if not any(isinstance(part, ToolCallPart) for part in parts):
        check_not_withheld(message, finish, settings)
    details = dict(getattr(reply, "_hidden_params", {}).get(REQUEST) or {})
    if (likely := getattr(choice, "logprobs", None)) is not None:
        details["logprobs"] = likely
    if thought := cleaned(getattr(message, "reasoning_content", None), settings):
        details[REASONING] = thought
    if finish is not None:
        details[FINISH] = finish
    return ModelResponse(
        parts=parts, model_name=settings.model, usage=read_usage(reply), provider_details=details or None
    )


def first_choice(reply: Any) -> Any:
    """Return the first choice of a reply. Raises UnreadableReplyError if it has none."""
    choices = getattr(reply, "choices", None)
    if not choices:
        raise UnreadableReplyError("its reply has no choices", LOOK_AT_THE_SERVER)
    return choices[0]


def check_not_withheld(message: Any, finish: Any, settings: ModelSettings) -> None:
    """Raise UnreadableReplyError for a reply that a content filter stopped, or that is a refusal."""
    if finish == "content_filter":
        raise UnreadableReplyError("its content filter withheld the reply", WITHHELD)
    fields = getattr(message, "provider_specific_fields", None)
    refusal = getattr(message, "refusal", None) or (
        fields.get("refusal") if isinstance(fields, Mapping) else None
    )
    if refusal:
        raise UnreadableReplyError(
            f"it refused to answer: {redact(cleaned(refusal, settings), settings)[:LONGEST_SAID]}", WITHHELD
        )


def arguments_text(arguments: Any) -> str:
    """Return a call's arguments as JSON that can be sent again; half of a character stays, as an escape."""
    if not arguments:
        return "{}"
    if not isinstance(arguments, str):
        return json.dumps(arguments, default=str)
    return SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", arguments)


def cleaned(text: Any, settings: ModelSettings) -> str:
    """Return a server's text without the key in use, halves of characters as U+FFFD; empty for anything but text."""
    return redact_key(SURROGATE.sub("\ufffd", text), settings) if isinstance(text, str) else ""


def read_usage(reply: Any) -> RequestUsage:
    """Read the tokens of a reply, or of a chunk that carries them; what is no possible count is 0."""
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return RequestUsage(
        input_tokens=count(getattr(usage, "prompt_tokens", 0)),
        output_tokens=count(getattr(usage, "completion_tokens", 0)),
        cache_read_tokens=count(getattr(details, "cached_tokens", 0)),
    )


def count(value: Any) -> int:
    """Return a number of tokens as a server gave it; 0 for anything that is none."""
    return value if isinstance(value, int) and 0 <= value < MOST_TOKENS else 0
