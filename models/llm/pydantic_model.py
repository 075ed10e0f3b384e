"""A pydantic-ai model over LiteLLM, so that one adapter serves single decisions and whole conversations."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings as PydanticSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from taxonaut.models.llm import client as litellm_door
from taxonaut.models.settings import ModelSettings

BESIDE = "taxonaut_request"
"""The request's own record, handed to our in-process providers beside the messages."""

ANSWER = "taxonaut_answer"
"""How an in-process provider answers: `generated` or `scored`."""


class LiteLLMModel(Model[Any]):
    """pydantic-ai's Model, each request one `litellm.acompletion`.

    `request` is the light door a decision takes: it costs a fraction of an agent loop (docs/results.md).
    The same object serves `pydantic_ai.Agent`.
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
        """Send one request; retries are the gateway's business."""
        tools = [as_tool(tool) for tool in declared_tools(model_request_parameters)]
        extra = (model_settings or {}).get("extra_body")
        reply = await litellm_door.complete(
            self.role_settings, as_messages(messages), tools, extra if isinstance(extra, Mapping) else {}
        )
        return as_response(reply, self.model_name)


def declared_tools(parameters: ModelRequestParameters) -> list[ToolDefinition]:
    """All tools of a request, function and output tools alike."""
    return [*parameters.function_tools, *parameters.output_tools]


def as_tool(tool: ToolDefinition) -> dict[str, Any]:
    """Return a tool in the OpenAI format."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description or "",
            "parameters": tool.parameters_json_schema,
        },
    }


def as_messages(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    """Return a conversation in the OpenAI format."""
    rows: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            rows.append(as_assistant(message))
            continue
        if message.instructions:
            rows.append({"role": "system", "content": message.instructions})
        rows.extend(as_row(part) for part in message.parts)
    return rows


def as_row(part: Any) -> dict[str, Any]:
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


def as_assistant(message: ModelResponse) -> dict[str, Any]:
    """Return a model's earlier answer in the OpenAI format."""
    text = "".join(part.content for part in message.parts if isinstance(part, TextPart))
    calls = [
        {
            "id": part.tool_call_id,
            "type": "function",
            "function": {"name": part.tool_name, "arguments": part.args_as_json_str()},
        }
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    row: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        row["tool_calls"] = calls
    return row


def as_response(reply: Any, model_name: str) -> ModelResponse:
    """Read LiteLLM's answer: tool calls, text, tokens, and what our providers put beside it."""
    message = reply.choices[0].message
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
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return ModelResponse(
        parts=parts,
        model_name=model_name,
        usage=RequestUsage(
            input_tokens=getattr(usage, "prompt_tokens", 0) or 0,
            output_tokens=getattr(usage, "completion_tokens", 0) or 0,
            cache_read_tokens=getattr(details, "cached_tokens", 0) or 0,
        ),
        provider_details=getattr(reply, "_hidden_params", {}).get(BESIDE),
    )
