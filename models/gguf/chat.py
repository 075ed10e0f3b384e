"""Conversations with `gguf/…` models: tool calls by constrained decoding, answers streamed."""

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taxonaut.models.chat_model import Call, ChatReply, Message, OnToken, without_oldest
from taxonaut.models.gguf.chat_template import Message as PlainMessage
from taxonaut.models.gguf.tool_call import GgufChat, Sampling
from taxonaut.models.llm.errors import past_deadline
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec, Usage

ANSWER = ToolSpec("answer", "Answer the person in words.", {"type": "object", "properties": {}})
"""The pseudo-tool that is chosen to answer in words."""

ANSWER_PROMPT = "Now write your answer to the person, in plain words and short."

CALL_TOKENS = 160
"""Maximum tokens of a call."""

ANSWER_TOKENS = 256
"""Default maximum tokens of an answer."""

SHORTEST = 40
"""Messages with fewer characters are not cut."""

LONGEST_STRING = 160
"""Maximum characters of a string in a call."""

_LONGEST_LINE = 70
_KEPT = frozenset(
    {
        "type",
        "properties",
        "required",
        "enum",
        "const",
        "items",
        "minItems",
        "maxItems",
        "anyOf",
        "$ref",
        "$defs",
    }
)


class GenerationCancelled(Exception):
    """Nobody waits for this text any more."""


class GgufChatModel:
    """A chat model of this process, used in conversations.

    If messages do not fit its window, the oldest are dropped, a call always with its result; then the longest texts
    are cut. The user's last message stays.
    """

    def __init__(self, settings: ModelSettings, chat: GgufChat) -> None:
        self.settings = settings
        self.chat = chat

    @property
    def name(self) -> str:
        """The model string."""
        return self.settings.model

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Choose a tool, or answer in words. Raises ModelError if not even the last message fits."""
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                return await self.take_step(messages, tools, on_token)
        except TimeoutError:
            raise past_deadline(self.settings) from None

    async def take_step(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Reply without a deadline; see `reply`."""
        offered = [*map(constrainable, tools), ANSWER]
        fitting = await self.fit_window(messages, tool_note(offered))
        sampling = Sampling(self.settings.temperature, self.settings.seed, CALL_TOKENS)
        try:
            chosen = await self.write(fitting, offered, sampling, None)
        except ModelReplyError as error:
            return ChatReply("", (), Usage(), f"{error}; use short arguments")
        if chosen.tool != ANSWER.name:
            given = {name: value for name, value in chosen.arguments.items() if value is not None}
            return ChatReply("", (Call(chosen.tool, given),), chosen.usage)
        call = {"role": "assistant", "content": call_json(ANSWER.name, {})}
        asked = [*fitting, call, {"role": "user", "content": ANSWER_PROMPT}]
        written = await self.write(asked, (), replace(sampling, max_tokens=self.answer_tokens), on_token)
        return ChatReply(written.text.strip(), (), add_usage(chosen.usage, written.usage))

    @property
    def answer_tokens(self) -> int:
        """The maximum tokens of an answer."""
        named = "max_tokens" in self.settings.model_fields_set
        return self.settings.max_tokens if named else ANSWER_TOKENS

    async def write(
        self,
        messages: Sequence[PlainMessage],
        tools: Sequence[ToolSpec],
        sampling: Sampling,
        on_token: OnToken | None,
    ) -> Any:
        """Generate, passing pieces of text to this event loop; cancelling this coroutine stops generation."""
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def on_piece(piece: str) -> None:
            if stopped.is_set():
                raise GenerationCancelled
            if piece and on_token is not None:
                loop.call_soon_threadsafe(on_token, piece)

        try:
            return await asyncio.wrap_future(self.chat.submit_turn(messages, tools, sampling, on_piece))
        finally:
            stopped.set()

    async def fit_window(self, messages: Sequence[Message], tools: str) -> list[PlainMessage]:
        """Return messages that leave room for an answer: drop the oldest first, then cut the longest."""
        system = "\n\n".join(str(each["content"]) for each in messages if each["role"] == "system")
        head: PlainMessage = {"role": "system", "content": f"{system}\n\n{tools}".strip()}
        around: list[PlainMessage] = [
            {"role": "assistant", "content": call_json(ANSWER.name, {})},
            {"role": "user", "content": ANSWER_PROMPT},
        ]
        wanted = max(CALL_TOKENS, self.answer_tokens)

        async def fits(kept: Sequence[PlainMessage]) -> bool:
            left = await asyncio.wrap_future(self.chat.submit_room([head, *merge_turns([*kept, *around])]))
            return left >= wanted

        rest = [each for each in messages if each["role"] != "system"]
        kept = list(map(plain_message, rest))
        while not await fits(kept):
            if (fewer := without_oldest(rest)) is not None:
                rest = fewer
                kept = list(map(plain_message, rest))
                continue
            longest = max(kept, key=lambda each: len(each["content"]))
            if len(longest["content"]) < SHORTEST:
                break
            kept = [drop_second_half(each) if each is longest else each for each in kept]
        return [head, *merge_turns(kept)]


def constrainable(tool: ToolSpec) -> ToolSpec:
    """Return a tool with a schema that a grammar can enforce; optional arguments may be null."""
    return replace(tool, parameters=constrainable_schema(tool.parameters))


def constrainable_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Remove from a schema what a grammar cannot enforce; the call is validated against all of it later."""
    made: dict[str, Any] = {key: value for key, value in schema.items() if key in _KEPT}
    if "properties" in made:
        required = made.get("required", ())
        made["properties"] = {
            name: inner if name in required else {"anyOf": [inner, {"type": "null"}]}
            for name, inner in (
                (name, constrainable_schema(part)) for name, part in made["properties"].items()
            )
        }
    if "items" in made:
        made["items"] = constrainable_schema(made["items"])
    if "anyOf" in made:
        made["anyOf"] = [constrainable_schema(each) for each in made["anyOf"]]
    if made.get("type") == "string" and "enum" not in made:
        made["maxLength"] = min(LONGEST_STRING, schema.get("maxLength", LONGEST_STRING))
    if isinstance(made.get("type"), list):
        return {"anyOf": [constrainable_schema({**schema, "type": kind}) for kind in made["type"]]}
    return made


def tool_note(tools: Sequence[ToolSpec]) -> str:
    """Return the instruction to choose a tool: one line per tool, and the form of a call."""
    lines = [f"- {signature(tool)}: {first_line(tool.description)}" for tool in tools]
    how = 'Choose one tool. Write its call as JSON: {"name": …, "arguments": {…}}'
    return "\n".join(["Tools:", *lines, how])


def signature(tool: ToolSpec) -> str:
    """Return a tool's name with its arguments; optional ones end in `?`."""
    required = tool.parameters.get("required", ())
    names = (name if name in required else f"{name}?" for name in tool.parameters.get("properties", {}))
    return f"{tool.name}({', '.join(names)})"


def first_line(description: str) -> str:
    """Return the first sentence of a description, cut to a short line."""
    said = description.strip().partition("\n")[0].partition(". ")[0].rstrip(".")
    return said if len(said) <= _LONGEST_LINE else said[:_LONGEST_LINE].rpartition(" ")[0] + " …"


def plain_message(message: Message) -> PlainMessage:
    """Return a message as plain text: a call as its JSON, a tool's result as a user message."""
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    written = [call_json(call["name"], json.loads(call["arguments"])) for call in calls]
    text = "\n".join(part for part in [str(message.get("content") or ""), *written] if part)
    if message["role"] == "tool":
        return {"role": "user", "content": f"Result: {text}"}
    return {"role": "assistant" if message["role"] == "assistant" else "user", "content": text}


def call_json(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as JSON, as the grammar does."""
    return json.dumps({"name": name, "arguments": dict(arguments)}, ensure_ascii=False)


def merge_turns(messages: Sequence[PlainMessage]) -> list[PlainMessage]:
    """Join consecutive messages of one role, because templates require turns."""
    joined: list[dict[str, str]] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1]["content"] += f"\n\n{message['content']}"
        else:
            joined.append(dict(message))
    return list(joined)


def drop_second_half(message: PlainMessage) -> PlainMessage:
    """Return a message without its second half."""
    text = message["content"]
    return {"role": message["role"], "content": f"{text[: len(text) // 2]} […]"}


def add_usage(first: Usage, second: Usage) -> Usage:
    """Add the costs of two requests."""
    return Usage(
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        reused_tokens=first.reused_tokens + second.reused_tokens,
        latency_s=first.latency_s + second.latency_s,
        attempts=first.attempts + second.attempts,
    )
