"""Turn messages into prompt tokens that fit the window; only the template may produce special tokens."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.models.gguf.chat_template import ChatTemplate, Message, Piece
from taxonaut.models.gguf.runtime import Weights
from taxonaut.state.errors import ModelError
from taxonaut.state.records import ToolSpec

_CHARACTERS_A_TOKEN = 8
_KEPT_END = 16
_TEMPLATE_KEY = "tokenizer.chat_template"


class PromptWriter:
    """Writes prompts for one model. Thread-safe."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._template = ChatTemplate(weights.metadata(_TEMPLATE_KEY), weights.bos, weights.eos)

    def tokens(self, messages: Sequence[Message], room: int, item_room: int) -> list[int]:
        """Write the prompt in at most `room` tokens, the last message's text in at most `item_room`.

        The middle of that text is cut if necessary, so that the template's text around it stays. Raises ModelError if
        everything else already fills the room.
        """
        pieces = self._template.pieces([_cut_text(message, room) for message in messages])
        read = [self._read(piece, first=place == 0) for place, piece in enumerate(pieces)]
        item = max(place for place, piece in enumerate(pieces) if piece.content is not None)
        read[item] = _cut_middle(read[item], item_room)
        excess = sum(map(len, read)) - room
        if excess > 0:
            keep = len(read[item]) - excess
            if keep <= 0:
                raise ModelError(
                    f"the prompt has {room + excess - len(read[item])} tokens without the item and the "
                    f"model has room for {room}; offer fewer options at once (options_per_request) or give "
                    "it a larger window"
                )
            read[item] = _cut_middle(read[item], keep)
        return [token for part in read for token in part]

    def length(self, messages: Sequence[Message]) -> int:
        """Count the tokens of a prompt, uncut."""
        pieces = self._template.pieces(messages)
        return sum(len(self._read(piece, first=place == 0)) for place, piece in enumerate(pieces))

    def _read(self, piece: Piece, first: bool) -> list[int]:
        own = piece.content is None
        tokens = self._weights.tokens(piece.text, special=own, ends=first and own)
        return tokens[1:] if len(tokens) > 1 and tokens[0] == tokens[1] == self._weights.bos_token else tokens


def call_note(tools: Sequence[ToolSpec]) -> str:
    """Return the instruction for a tool call: the tools, and the JSON that the grammar allows."""
    if len(tools) == 1:
        return f"Answer with the arguments of {_tool_summary(tools[0])}, as JSON: {skeleton(tools[0].parameters)}"
    lines = [f'{{"name": "{tool.name}", "arguments": {skeleton(tool.parameters)}}}' for tool in tools]
    described = [f"- {_tool_summary(tool)}" for tool in tools]
    return "\n".join(["Tools:", *described, "Answer with the call of one tool, as JSON, one of:", *lines])


def skeleton(schema: Mapping[str, Any]) -> str:
    """Sketch a schema as JSON: {"ids": [integer, …]}."""
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "properties" in schema:
        inner = [f"{json.dumps(name)}: {skeleton(part)}" for name, part in schema["properties"].items()]
        return "{" + ", ".join(inner) + "}"
    if schema.get("type") == "array":
        return f"[{skeleton(schema.get('items', {}))}, …]"
    return str(schema.get("type", "value"))


def plain_messages(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Convert OpenAI messages to what every template supports: one system text, then user and assistant in turn.

    A tool call becomes the assistant's JSON, a tool's result a user message; multi-part texts are joined.
    """
    plain: list[dict[str, str]] = []
    system: list[str] = []
    for message in messages:
        role, text = str(message["role"]), _text(message)
        if role in ("system", "developer"):
            system.append(text)
            continue
        role = "assistant" if role == "assistant" else "user"
        if plain and plain[-1]["role"] == role:
            plain[-1]["content"] += f"\n\n{text}"
        else:
            plain.append({"role": role, "content": text})
    head: list[Message] = [{"role": "system", "content": "\n\n".join(system)}] if system else []
    return [*head, *plain]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    calls = [str(call["function"]["arguments"]) for call in message.get("tool_calls") or ()]
    return "\n".join(part for part in [str(content or ""), *calls] if part)


def _tool_summary(tool: ToolSpec) -> str:
    """Return a tool's name with the first line of its description."""
    said = tool.description.strip().partition("\n")[0].rstrip(".")
    return f"{tool.name} ({said})" if said else tool.name


def _cut_middle(tokens: list[int], room: int) -> list[int]:
    """Cut out the middle, keeping a few of the last tokens."""
    if len(tokens) <= room:
        return tokens
    end = min(_KEPT_END, room // 2)
    return tokens[: room - end] + tokens[len(tokens) - end :]


def _cut_text(message: Message, room: int) -> Message:
    """Cut the middle of a text that cannot fit, so that a million characters are not tokenized."""
    most, text = room * _CHARACTERS_A_TOKEN, message["content"]
    if len(text) <= 2 * most:
        return message
    return {"role": message["role"], "content": text[:most] + text[-most:]}
