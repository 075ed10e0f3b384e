"""Language models in a conversation: an answer is streamed as text, or is calls of tools."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from taxonaut.models.chat_model import Call, ChatReply, Message, OnToken
from taxonaut.models.llm import client
from taxonaut.models.llm.errors import TransientError, past_deadline
from taxonaut.models.llm.gateway import Gateway, add_usage
from taxonaut.models.llm.pydantic_model import WRITTEN, tool_definition
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.records import ToolSpec, Usage


class LiteLLMChatModel:
    """A model behind LiteLLM in conversations, with a gateway's timeouts, retries and concurrency limit.

    An answer that broke off is asked for again only where nothing of it has been handed on.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.gateway = Gateway(settings)

    @property
    def name(self) -> str:
        """The LiteLLM model string."""
        return self.settings.model

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Send the conversation, hand on the text of the answer as it comes, and read its calls when it is whole."""
        started = time.perf_counter()
        history = read_messages(messages)
        parameters = ModelRequestParameters(function_tools=list(map(tool_definition, tools)))
        async with client.session(), self.gateway.limit():
            try:
                async with asyncio.timeout(self.settings.deadline_s):
                    response, attempts = await self.gateway.retry(
                        lambda: self.stream(history, parameters, on_token)
                    )
            except TimeoutError:
                raise past_deadline(self.settings) from None
        usage = add_usage(Usage(attempts=0), response, attempts)
        usage = replace(usage, latency_s=time.perf_counter() - started)
        text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
        try:
            calls = tuple(read_call(part) for part in response.parts if isinstance(part, ToolCallPart))
        except ValueError as error:
            return ChatReply(text, (), usage, str(error))
        return ChatReply(text, calls, usage)

    async def stream(
        self, history: list[ModelMessage], parameters: ModelRequestParameters, on_token: OnToken
    ) -> ModelResponse:
        """Read one answer to its end; once some of it has come, an error is none that a retry may follow."""
        begun = False
        try:
            async with self.gateway.model.request_stream(history, None, parameters) as events:
                async for event in events:
                    begun = True
                    match event:
                        case PartStartEvent(part=TextPart(content=text)) if text:
                            on_token(text)
                        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                            on_token(text)
                return events.get()
        except TransientError as error:
            if begun:
                raise ModelUnavailableError(
                    f"{error} (the answer had begun; say it again to ask anew)"
                ) from None
            raise


def read_messages(rows: Sequence[Message]) -> list[ModelMessage]:
    """Read a conversation in the OpenAI format; `pydantic_model.messages_json` writes the same rows."""
    messages: list[ModelMessage] = []
    names: dict[str, str] = {}
    for row in rows:
        if row["role"] != "assistant":
            messages.append(ModelRequest(parts=[read_part(row, names)]))
            continue
        parts: list[ModelResponsePart] = [TextPart(content=row["content"])] if row.get("content") else []
        for call in row.get("tool_calls") or ():
            function = call["function"]
            names[call["id"]] = function["name"]
            parts.append(
                ToolCallPart(
                    tool_name=function["name"],
                    args=function["arguments"],
                    tool_call_id=call["id"],
                    provider_details={WRITTEN: function["arguments"]},
                )
            )
        messages.append(ModelResponse(parts=parts))
    return messages


def read_part(row: Message, names: Mapping[str, str]) -> ModelRequestPart:
    """Read a message of the user, of a tool or of the system; `names` are those of the calls by their ids."""
    if row["role"] == "tool":
        identity = row["tool_call_id"]
        return ToolReturnPart(
            tool_name=names.get(identity, ""), content=row["content"], tool_call_id=identity
        )
    if row["role"] == "system":
        return SystemPromptPart(content=row["content"])
    return UserPromptPart(content=row["content"])


def read_call(part: ToolCallPart) -> Call:
    """Read a call; ValueError says in words a model can act on why it cannot be read."""
    try:
        arguments = json.loads(part.args or "{}") if not isinstance(part.args, dict) else part.args
    except ValueError as error:
        raise ValueError(f"The arguments of {part.tool_name} are not valid JSON ({error}).") from None
    if not isinstance(arguments, dict):
        raise ValueError(f"The arguments of {part.tool_name} must be a JSON object.")
    return Call(part.tool_name, arguments)
