"""Language models in conversations: a reply is streamed as text, or calls tools."""

import asyncio
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
from taxonaut.models.llm.errors import TransientError, UnreadableReplyError, past_deadline
from taxonaut.models.llm.gateway import Gateway, add_usage
from taxonaut.models.llm.pydantic_model import LOOK_AT_THE_SERVER, REASONING, WRITTEN, tool_definition
from taxonaut.models.llm.text_calls import TextGate, read_calls, repaired, without_thoughts
from taxonaut.models.settings import ModelSettings
from taxonaut.models.validation import read_arguments
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.records import ToolSpec, Usage


class LiteLLMChatModel:
    """A model behind LiteLLM in conversations, with the gateway's timeouts, retries and concurrency limit.

    A reply that broke off is requested again only if none of its text was passed on.
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
        """Send the conversation, pass on the text of the reply as it comes, and read its calls at the end.

        Raises ModelError; a reply without text and calls is an error too.
        """
        started = time.perf_counter()
        history = read_messages(messages)
        parameters = ModelRequestParameters(function_tools=list(map(tool_definition, tools)))
        await client.load_litellm()  # imported before the deadline runs
        async with client.session(), self.gateway.limit():
            try:
                async with asyncio.timeout(self.settings.deadline_s):
                    (response, gate), attempts = await self.gateway.retry(
                        lambda: self.stream(history, parameters, on_token)
                    )
            except TimeoutError:
                raise past_deadline(self.settings) from None
            except UnreadableReplyError as error:
                raise ModelReplyError(f"{self.name!r} gave no answer: {error}; {error.advice}") from None
        usage = add_usage(Usage(attempts=0), response, attempts)
        usage = replace(usage, latency_s=time.perf_counter() - started)
        reply = read_reply(response, tools, "\n".join(str(each.get("content")) for each in messages), usage)
        if reply.text:
            gate.release()
        return reply

    async def stream(
        self, history: list[ModelMessage], parameters: ModelRequestParameters, on_token: OnToken
    ) -> tuple[ModelResponse, TextGate]:
        """Read one reply to its end; once some of its text was passed on, no error is followed by a retry."""
        gate = TextGate(on_token)
        try:
            async with self.gateway.model.request_stream(history, None, parameters) as events:
                async for event in events:
                    match event:
                        case PartStartEvent(part=TextPart(content=text)) if text:
                            gate.add(text)
                        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                            gate.add(text)
                response = events.get()
        except (TransientError, UnreadableReplyError) as error:
            if gate.passed:
                raise ModelUnavailableError(
                    f"{self.name!r}: {error} (the answer had begun; say it again to ask anew)"
                    if isinstance(error, UnreadableReplyError)
                    else f"{error} (the answer had begun; say it again to ask anew)"
                ) from None
            raise
        if not response.parts and not (response.provider_details or {}).get(REASONING):
            raise UnreadableReplyError("its reply is empty", LOOK_AT_THE_SERVER)
        return response, gate


def read_reply(response: ModelResponse, tools: Sequence[ToolSpec], shown: str, usage: Usage) -> ChatReply:
    """Read the text and the calls of a whole reply; `shown` is what the model was shown, which is no call of its own.

    A text that is exactly one call is read as that call.
    """
    written = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    text = without_thoughts(written).strip() if written else ""
    text = text if text != written.strip() else written
    try:
        calls = tuple(read_call(part) for part in response.parts if isinstance(part, ToolCallPart))
    except ModelReplyError as error:
        return ChatReply(text, (), usage, str(error))
    if calls or not tools:
        return ChatReply(text, calls, usage)
    thought = (response.provider_details or {}).get(REASONING) or ""
    found = read_calls(text or thought, tools, shown)
    if len(found) == 1:
        return ChatReply("", (Call(found[0].name, found[0].arguments),), usage)
    if found:
        return ChatReply("", (), usage, "Call one tool at a time.")
    return ChatReply(text, (), usage)


def read_messages(rows: Sequence[Message]) -> list[ModelMessage]:
    """Convert a conversation from the OpenAI format; `pydantic_model.messages_json` is the inverse."""
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
    """Convert a message of the user, a tool or the system; `names` are the called tools by call id."""
    if row["role"] == "tool":
        identity = row["tool_call_id"]
        return ToolReturnPart(
            tool_name=names.get(identity, ""), content=row["content"], tool_call_id=identity
        )
    if row["role"] == "system":
        return SystemPromptPart(content=row["content"])
    return UserPromptPart(content=row["content"])


def read_call(part: ToolCallPart) -> Call:
    """Read a call. Raises ModelReplyError, in words a model can act on."""
    given = part.args or "{}"
    return Call(
        part.tool_name, read_arguments(part.tool_name, repaired(given) if isinstance(given, str) else given)
    )
