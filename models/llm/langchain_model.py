"""A LangChain chat model in a role: it answers requests by tool calls, and leads conversations."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taxonaut.models.chat_model import Call, ChatReply, Message, OnToken
from taxonaut.models.llm.redaction import redact
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.validation import cannot_decide, checked, parse_arguments
from taxonaut.state.errors import InputError, ModelError, ModelReplyError, ModelUnavailableError
from taxonaut.state.records import ToolSpec, Usage

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage


class LangChainModel:
    """Answer requests, and lead conversations, with a LangChain chat model that calls tools.

    >>> Workspace.open("shop", models={"navigator": ChatOpenAI(model="gpt-4.1-mini")})

    The model's own retries and time limits hold; `repairs` times it is told what was wrong with its call of a
    request. At most `concurrency` requests are in flight. Replies are not cached.
    """

    reads_prompts = True
    tells_langchain = True
    """LangChain's callbacks see its calls without being told."""

    def __init__(self, model: "BaseChatModel", *, repairs: int = 2, concurrency: int = 16) -> None:
        self.model = model
        self.repairs = repairs
        self.concurrency = concurrency
        given = (getattr(model, each, None) for each in ("model_name", "model", "name"))
        self.name = next((each for each in given if isinstance(each, str) and each), type(model).__name__)

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer each request, in order; what the model raises becomes a ModelError in its place."""
        places = asyncio.Semaphore(self.concurrency)

        async def one(request: ModelRequest) -> ModelReply | ModelError:
            async with places:
                try:
                    return await self.converse(request)
                except ModelError as error:
                    return error

        return list(await asyncio.gather(*map(one, requests)))

    async def converse(self, request: ModelRequest) -> ModelReply:
        """Ask until the tool call is valid, telling the model what was wrong, at most `repairs` times."""
        from langchain_core.messages import HumanMessage, SystemMessage

        messages: list[BaseMessage] = [
            SystemMessage(f"{request.system}\n\n{request.context}"),
            HumanMessage(request.item),
        ]
        asking = self.bound([request.tool], tool_choice=request.tool.name)
        usage, started = Usage(attempts=0), time.perf_counter()
        for remaining in range(self.repairs, -1, -1):
            message = await self.ask(asking, messages)
            usage = added(usage, message)
            try:
                reply = read(request, message)
            except ModelReplyError as error:
                if not remaining:
                    raise ModelReplyError(
                        f"{self.name!r} made no valid call of {request.tool.name} in {self.repairs + 1} tries (the "
                        f"last one: {str(error).rstrip('.')}); give a model that calls tools"
                    ) from None
                messages += [message, correction(message, str(error))]
                continue
            return replace(reply, usage=replace(usage, latency_s=time.perf_counter() - started))
        raise AssertionError("unreachable")

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Answer the last message of a conversation; the text is passed to `on_token` as it is streamed."""
        started = time.perf_counter()
        asking = self.bound(tools) if tools else self.model
        message = await self.stream(asking, messages, on_token)
        usage = replace(added(Usage(attempts=0), message), latency_s=time.perf_counter() - started)
        wrong = "".join(
            f"The arguments of {call['name']} are not valid JSON." for call in message.invalid_tool_calls[:1]
        )
        calls = () if wrong else tuple(Call(call["name"], call["args"]) for call in message.tool_calls)
        return ChatReply(str(message.text), calls, usage, wrong)

    async def stream(self, asking: Any, messages: Sequence[Message], on_token: OnToken) -> "AIMessage":
        """Read one answer to its end; whatever the model's own package raises is a ModelUnavailableError."""
        from langchain_core.messages import convert_to_messages

        whole: Any = None
        try:
            with untraced_outside_graphs():
                async for piece in asking.astream(convert_to_messages([dict(each) for each in messages])):
                    whole = piece if whole is None else whole + piece
                    if text := str(piece.text):
                        on_token(text)
        except Exception as error:  # noqa: BLE001 – whatever the model's package raises
            raise self.unavailable(error) from None
        if whole is None:
            raise ModelUnavailableError(
                f"the LangChain model {self.name!r} gave no answer: its stream was empty"
            )
        answer: AIMessage = whole
        return answer

    def bound(self, tools: Sequence[ToolSpec], tool_choice: str | None = None) -> Any:
        """Return the model with tools that it may call; `tool_choice`: the one that it must call."""
        functions = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in tools
        ]
        try:
            return self.model.bind_tools(functions, tool_choice=tool_choice)
        except NotImplementedError:
            raise InputError(
                f"the LangChain model {self.name!r} calls no tools: it has no bind_tools; give one that does"
            ) from None

    async def ask(self, asking: Any, messages: "Sequence[BaseMessage]") -> "AIMessage":
        """Send the messages; whatever the model's own package raises is a ModelUnavailableError."""
        try:
            with untraced_outside_graphs():
                answer: AIMessage = await asking.ainvoke(list(messages))
        except Exception as error:  # noqa: BLE001 – whatever the model's package raises
            raise self.unavailable(error) from None
        return answer

    def unavailable(self, error: Exception) -> ModelUnavailableError:
        """Make the error for an answer that did not come."""
        return ModelUnavailableError(
            f"the LangChain model {self.name!r} gave no answer: {type(error).__name__}: {redact(str(error))}"
        )


@contextmanager
def untraced_outside_graphs() -> Iterator[None]:
    """Keep LangChain from tracing a call to LangSmith, but in a graph that the workspace's settings trace."""
    from langsmith import tracing_context
    from langsmith.run_helpers import get_tracing_context

    with tracing_context(enabled=bool(get_tracing_context().get("enabled"))):
        yield


def read(request: ModelRequest, message: "AIMessage") -> ModelReply:
    """Return the answer's tool call; ModelReplyError if there is none or it is not on offer."""
    if message.tool_calls:
        call = message.tool_calls[0]
        arguments = parse_arguments(request, call["name"], call["args"])
    elif message.invalid_tool_calls:
        broken = message.invalid_tool_calls[0]
        arguments = parse_arguments(request, broken["name"] or "", broken["args"] or "{}")
    else:
        raise ModelReplyError(f"Answer with a call of the tool {request.tool.name}, not with text.")
    chosen, each = checked(request, arguments)
    return ModelReply(
        chosen=chosen,
        arguments=arguments,
        usage=Usage(),
        reason=str(arguments.get("reason", "")),
        each=each,
        undecided=cannot_decide(request, arguments),
    )


def correction(message: "AIMessage", error: str) -> "BaseMessage":
    """Say what was wrong, as the answer to the faulty call if there was one."""
    from langchain_core.messages import HumanMessage, ToolMessage

    content = f"{error}\n\nFix the errors and try again."
    if message.tool_calls and message.tool_calls[0]["id"]:
        return ToolMessage(content, tool_call_id=message.tool_calls[0]["id"])
    return HumanMessage(content)


def added(usage: Usage, message: "AIMessage") -> Usage:
    """Add what one answer cost, as far as the model says."""
    used = message.usage_metadata
    return replace(
        usage,
        prompt_tokens=usage.prompt_tokens + (used["input_tokens"] if used else 0),
        completion_tokens=usage.completion_tokens + (used["output_tokens"] if used else 0),
        attempts=usage.attempts + 1,
    )
