"""Tool calls as text: ask for them where a server knows no tools, and read those that servers write as text.

A text is read as a call only if all of it is one, but for prose around a single fence or tag, and if it names a
tool on offer. What the model only quotes is not read: a candidate that occurs in the item is left out.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.models.validation import DEEPEST, unstorable
from taxonaut.state.records import ToolSpec

THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
OPEN_THOUGHT = re.compile(r"<(think|thinking|reasoning)>", re.IGNORECASE)
END_OF_THOUGHT = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
TAGGED = re.compile(
    r"<(tool_call|function_call|tools?|functioncall)>\s*(.*?)\s*(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
REQUESTED = re.compile(r"\[TOOL_REQUEST\]\s*(.*?)\s*(?:\[END_TOOL_REQUEST\]|\Z)", re.DOTALL)
NAMED = re.compile(r"<function[=_]([\w.:-]+)>\s*(.*?)\s*</function(?:_\w+)?>", re.DOTALL | re.IGNORECASE)
FENCED = re.compile(r"```[\w-]*[ \t]*\n?(.*?)```", re.DOTALL)
MARKER = re.compile(r"\A\s*(?:\[TOOL_CALLS\]|<\|python_tag\|>|<\|tool_call\|>)\s*", re.IGNORECASE)
PREFIX = re.compile(r"\A(?:functions?|tools?)\.", re.IGNORECASE)
NUMBER = re.compile(r":\d+\Z")

STARTS = ("{", "[", "```", "<think", "<reasoning", "<tool", "<function", "<|python_tag|>", "<|tool_call|>")
"""How a reply begins that may be a call, or a thought before one."""

ARGUMENTS = ("arguments", "parameters", "args", "input")
"""Keys under which servers write a call's arguments."""

LONGEST_PROSE = 400
"""Characters around a fence or a tag; a longer text is an answer that quotes one."""

MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call read from text: the name of a tool on offer, and its arguments."""

    name: str
    arguments: Mapping[str, Any]


def read_calls(text: str, tools: Sequence[ToolSpec], quoted: str = "") -> list[TextCall]:
    """Return the distinct calls that a whole text is; empty if it is prose.

    `quoted`: a text that the model was shown, such as an item. A call that occurs there is not the model's own.
    """
    answer = without_thoughts(text).strip()
    found: list[TextCall] = []
    for piece in pieces(answer):
        if quoted and piece.strip() and piece.strip() in quoted:
            continue
        for call in calls_in(piece, tools):
            if call not in found:
                found.append(call)
    return found[:MOST_CANDIDATES]


def without_thoughts(text: str) -> str:
    """Return a text without what a reasoning model thought before its answer; empty if the thought never ended."""
    text = THOUGHT.sub("", text)
    if (end := list(END_OF_THOUGHT.finditer(text))) != []:
        text = text[end[-1].end() :]
    if (start := OPEN_THOUGHT.search(text)) is not None:
        text = text[: start.start()]
    return text


def is_unfinished_thought(text: str) -> bool:
    """Return whether a text ends within a thought."""
    return OPEN_THOUGHT.search(THOUGHT.sub("", text)) is not None


def may_be_call(start: str) -> bool:
    """Return whether a text that begins like this may become a call."""
    start = start.lstrip().lower()
    return any(start.startswith(each) or each.startswith(start) for each in STARTS)


class TextGate:
    """Passes text on as it comes, but thoughts, and what may turn out to be a call: that is held to the end."""

    def __init__(self, on_token: Callable[[str], None]) -> None:
        self.on_token = on_token
        self.held = ""
        self.passed = False

    def add(self, text: str) -> None:
        """Take a piece of text."""
        if not self.passed:
            self.held += text
            if may_be_call(without_thoughts(self.held)) or is_unfinished_thought(self.held):
                return
            text, self.held = without_thoughts(self.held).lstrip(), ""
        self.passed = True
        self.on_token(text)

    def release(self) -> None:
        """Pass on what is held, which is no call."""
        if text := without_thoughts(self.held).strip():
            self.on_token(text)
        self.held = ""


def pieces(answer: str) -> Iterator[str]:
    """Yield the parts of an answer that may be calls: all of it, or what is in its tags or fences."""
    answer = MARKER.sub("", answer)
    if answer.startswith(("{", "[")) and not answer.startswith("[TOOL_REQUEST]"):
        yield answer
        return
    for pattern in (NAMED, TAGGED, REQUESTED, FENCED):
        matches = list(pattern.finditer(answer))
        prose = pattern.sub("", answer)
        if not matches or len(matches) > MOST_CANDIDATES or len(prose) > LONGEST_PROSE or "{" in prose:
            continue
        for match in matches:
            if pattern is NAMED:
                yield json.dumps({"name": match.group(1), "arguments": match.group(2)})
            else:
                yield without_fence(match.group(match.re.groups))
        return


def without_fence(text: str) -> str:
    """Return what is inside the code fence that a whole text is; any other text unchanged."""
    match = FENCED.fullmatch(text.strip())
    return match.group(1).strip() if match is not None else text.strip()


def calls_in(piece: str, tools: Sequence[ToolSpec]) -> Iterator[TextCall]:
    """Yield the calls that a JSON text describes, whichever way its server writes one."""
    try:
        value = json.loads(piece)
    except (ValueError, RecursionError):
        values = json_lines(piece)
    else:
        values = value if isinstance(value, list) else [value]
    for each in values[: MOST_CANDIDATES + 1]:
        if isinstance(each, Mapping) and unstorable(each) is None:
            yield from call_of(each, tools)


def json_lines(text: str) -> list[Any]:
    """Return the values of a text that is one JSON value after the other; empty if anything else is in it."""
    values: list[Any] = []
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest and len(values) <= MOST_CANDIDATES:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            return []
        values.append(value)
        rest = rest[end:].lstrip(" \t\r\n,;")
    return values


def call_of(value: Mapping[str, Any], tools: Sequence[ToolSpec], depth: int = 0) -> Iterator[TextCall]:
    """Yield the calls of one JSON object: a call, a message with calls, or the arguments of the only tool."""
    if isinstance(inner := value.get("tool_calls"), list) and depth < DEEPEST:
        for each in inner:
            if isinstance(each, Mapping):
                yield from call_of(each, tools, depth + 1)
        return
    if isinstance(inner := value.get("function", value.get("function_call")), Mapping) and depth < DEEPEST:
        yield from call_of(inner, tools, depth + 1)
        return
    name = next((value[key] for key in ("name", "function", "tool", "tool_name") if key in value), None)
    key = next((key for key in ARGUMENTS if key in value), None)
    if isinstance(name, str) and key is not None:
        offered = offered_name(name, tools)
        arguments = arguments_of(value[key])
        if offered is not None and arguments is not None:
            yield TextCall(offered, arguments)
        return
    if len(tools) == 1 and is_filled(value, tools[0]):
        yield TextCall(tools[0].name, value)


def offered_name(name: str, tools: Sequence[ToolSpec]) -> str | None:
    """Return the tool on offer that a name means: `functions.NAME` and `NAME:0` are NAME. None if there is none."""
    names = {tool.name for tool in tools}
    for each in (name, name.strip(), NUMBER.sub("", PREFIX.sub("", name.strip()))):
        if each in names:
            return each
    return None


def arguments_of(value: Any) -> Mapping[str, Any] | None:
    """Return a call's arguments, also if they are JSON in a string; None if they are no object."""
    if isinstance(value, str):
        try:
            value = json.loads(repaired(value))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) and unstorable(value) is None else None


def repaired(arguments: str) -> str:
    """Return the JSON of a call's arguments without what servers put around it; unchanged if that is not certain.

    Read are a code fence around it, JSON in a JSON string, and text after it that holds no further object.
    """
    text = without_fence(arguments)
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(value, str) and end == len(text) and value.strip().startswith(("{", "```")):
        return repaired(value)
    if isinstance(value, dict) and not any(sign in text[end:] for sign in "{}[]"):
        return text[:end]
    return arguments


def ask_as_text(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], *, optional: bool
) -> list[dict[str, Any]]:
    """Return a conversation with its tools described in the system message, and its calls and results as text.

    Both are in the OpenAI format. `optional`: the model may answer with a text as well.
    """
    described = [json.dumps(tool["function"], ensure_ascii=False) for tool in tools]
    how = "If a tool is needed, answer" if optional else "Answer"
    heading = "Tools, each with the JSON schema of its parameters:"
    form = f'{how} with nothing but the call of one tool, as JSON: {{"name": …, "arguments": {{…}}}}'
    note = "\n".join([heading, *described, form])
    rows: list[dict[str, Any]] = [{"role": "system", "content": note}]
    for message in messages:
        if message["role"] == "system":
            rows[0]["content"] = f"{message['content']}\n\n{rows[0]['content']}" if len(rows) == 1 else note
        elif message["role"] == "tool":
            rows.append({"role": "user", "content": f"Result of the tool: {message['content']}"})
        else:
            calls = [call_text(call["function"]) for call in message.get("tool_calls") or ()]
            text = "\n".join([*filter(None, [message.get("content")]), *calls])
            rows.append({"role": message["role"], "content": text})
    return rows


def call_text(function: Mapping[str, Any]) -> str:
    """Return a call as the model is asked to write it."""
    return f'{{"name": {json.dumps(function["name"])}, "arguments": {function["arguments"]}}}'


def is_filled(value: Mapping[str, Any], tool: ToolSpec) -> bool:
    """Return whether an object has the properties that a tool requires, and no others than it knows."""
    known = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", [])
    return bool(required) and set(required) <= value.keys() <= set(known)
