"""An OpenAI-shaped server on loopback that answers with faults, each of them of a named kind.

`FaultServer(kind)` answers every request with one kind; `FaultServer(rate=0.3, seed=7)` draws, per request, whether
and with which. The same request is answered the same way again, so that runs can be repeated. What is not disturbed
is answered as a model would that reads its prompt.
"""

import asyncio
import base64
import collections
import gzip
import hashlib
import json
import re
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import openai_server

KEY = "sk-secret-0123456789abcdef"
"""The key that faults echo, if the client sends it."""

DEEP = "[" * 200_000
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Raw:
    """One HTTP answer as bytes. `ending` is what follows it: nothing, a closed connection, or silence."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: str = "whole"
    length: bool = True
    drip_s: float = 0.0


@dataclass(frozen=True)
class Kind:
    """A kind of fault: `make` returns an answer for a request's body and the healthy reply to it.

    `answered`: the client gets a right answer although every reply is of this kind.
    """

    name: str
    make: Callable[[Body, Any], Raw]
    answered: bool = False


CHAT: dict[str, Kind] = {}
STREAMS: dict[str, Kind] = {}
EMBEDDINGS: dict[str, Kind] = {}


def add(
    kinds: dict[str, Kind], name: str, make: Callable[[Body, Any], Raw], *, answered: bool = False
) -> None:
    """Add a kind; no two have one name."""
    assert name not in kinds, name
    kinds[name] = Kind(name, make, answered)


def packed(value: Any) -> bytes:
    """A value as JSON, halves of characters as escapes."""
    return json.dumps(value).encode()


# What servers answer in place of a reply


def refusals(kinds: dict[str, Kind]) -> None:
    """Add what both chat and embedding servers answer instead."""

    def error(status: int, message: str, **headers: str) -> Callable[[Body, Any], Raw]:
        return lambda body, reply: Raw(packed({"error": {"message": message}}), status, headers)

    for status, message in {
        400: "bad request",
        401: f"Incorrect API key provided: {KEY}",
        403: f"Authorization: Bearer {KEY} may not",
        404: f"no such model (key={KEY})",
        408: "request timeout",
        409: "conflict",
        413: "too large",
        422: "unprocessable",
        500: "out of order",
        502: "bad gateway",
        503: "loading",
        529: "overloaded",
    }.items():
        add(kinds, f"status {status}", error(status, message))
    for after in ("nan", "inf", "-inf", "-1", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT", "", "soon"):
        add(kinds, f"busy, retry after {after!r}", error(429, "slow down", **{"retry-after": after}))
    add(kinds, "error in a reply", lambda b, r: Raw(packed({"error": {"message": "sorry", "code": 500}})))
    add(kinds, "html", lambda b, r: Raw(b"<html>proxy</html>", headers={"content-type": "text/html"}))
    add(kinds, "long error", lambda b, r: Raw(b"a: b, " * 500_000, 500))
    add(kinds, "long html", lambda b, r: Raw(b"<p>no</p>" * 200_000, headers={"content-type": "text/html"}))
    add(kinds, "html 500", lambda b, r: Raw(b"<html>Oops</html>", 500, {"content-type": "text/html"}))
    add(kinds, "nothing", lambda b, r: Raw(b""))
    add(kinds, "no content", lambda b, r: Raw(b"", 204))
    add(kinds, "redirect to itself", lambda b, r: Raw(b"", 307, {"location": "/v1/chat/completions"}))
    for value in ("null", "[]", "{}", '"ok"', "1", "true", DEEP, '{"a":' * 100_000):
        add(kinds, f"body {value[:8]}", lambda b, r, value=value: Raw(value.encode()))
    add(kinds, "cut body", lambda b, r: Raw(packed(r)[:-20]))
    add(
        kinds,
        "half a body",
        lambda b, r: Raw(packed(r)[:40], headers={"content-length": "9999"}, ending="close"),
    )
    add(kinds, "closed at once", lambda b, r: Raw(b"", status=0, ending="close"))
    add(kinds, "no http", lambda b, r: Raw(b"\x00\x01garbage\r\n\r\n", status=-1, ending="close"))
    add(kinds, "silence", lambda b, r: Raw(b"", status=0, ending="hang"))
    add(
        kinds,
        "silence after the head",
        lambda b, r: Raw(b"", headers={"content-length": "99"}, ending="hang"),
    )
    add(kinds, "drip", lambda b, r: Raw(packed(r), drip_s=0.02), answered=True)
    add(kinds, "utf-16", lambda b, r: Raw(json.dumps(r).encode("utf-16")), answered=True)
    add(kinds, "byte order mark", lambda b, r: Raw(b"\xef\xbb\xbf" + packed(r)), answered=True)
    add(kinds, "no utf-8", lambda b, r: Raw(packed(r).replace(b'"model"', b'"\xff\xfe"')))
    add(
        kinds,
        "gzip",
        lambda b, r: Raw(gzip.compress(packed(r)), headers={"content-encoding": "gzip"}),
        answered=True,
    )
    add(kinds, "gzip bomb", lambda b, r: Raw(BOMB, headers={"content-encoding": "gzip"}))
    add(kinds, "no gzip", lambda b, r: Raw(packed(r), headers={"content-encoding": "gzip"}))
    add(kinds, "unknown compression", lambda b, r: Raw(packed(r), headers={"content-encoding": "br"}))
    add(
        kinds,
        "wrong type",
        lambda b, r: Raw(packed(r), headers={"content-type": "text/plain"}),
        answered=True,
    )
    add(kinds, "odd header", lambda b, r: Raw(packed(r), headers={"x-note": "a" * 6000}), answered=True)


BOMB = gzip.compress(b" " * 40_000_000, 1)


# Replies of chat models


def changed(change: Callable[[Any], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with the healthy reply after a change of a copy of it, in place or by what is returned."""

    def make(body: Body, reply: Any) -> Raw:
        copy = json.loads(json.dumps(reply))
        given = change(copy)
        return Raw(packed(copy if given is None else given))

    return make


def put(*path: Any) -> Callable[[Any], Callable[[Body, Any], Raw]]:
    """Return what makes an answer with a value at a place of the healthy reply."""

    def of(value: Any) -> Callable[[Body, Any], Raw]:
        def change(reply: Any) -> None:
            at = reply
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value

        return changed(change)

    return of


def message(change: Callable[[Any], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with the healthy reply after a change of its message."""

    def edit(reply: Any) -> None:
        given = change(reply["choices"][0]["message"])
        if given is not None:
            reply["choices"][0]["message"] = given

    return changed(edit)


def function(change: Callable[[Any], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with the healthy reply after a change of the function of its call."""
    return message(lambda said: change(said["tool_calls"][0]["function"]))


def as_text(write: Callable[[str, str], str], **more: Any) -> Callable[[Body, Any], Raw]:
    """Answer with the call as text, from its name and its arguments as JSON."""

    def change(said: Any) -> Any:
        call = said["tool_calls"][0]["function"]
        return {"role": "assistant", "content": write(call["name"], call["arguments"]), **more}

    return message(change)


def call_json(name: str, arguments: str, key: str = "arguments") -> str:
    return f'{{"name": "{name}", "{key}": {arguments}}}'


def with_argument(value: str) -> Callable[[Body, Any], Raw]:
    """Answer with a call that has one more argument, given as JSON."""

    def change(call: Any) -> None:
        call["arguments"] = call["arguments"][:-1] + f', "reason": {value}}}'

    return function(change)


def chat_kinds() -> None:
    add_chat = lambda name, make, answered=False: add(CHAT, name, make, answered=answered)  # noqa: E731
    refusals(CHAT)

    def error(text: str) -> Callable[[Body, Any], Raw]:
        return lambda b, r: Raw(packed({"error": {"message": text}}), 400)

    add_chat("400 prompt too long", error("maximum context length is 512 tokens"))
    add_chat("400 no tool_choice", error("tool_choice 'required' is not supported"))
    add_chat("400 no tools", error('"auto" tool choice requires --enable-auto-tool-choice'))
    add_chat("400 no tools here", error("registry.ollama.ai/library/x does not support tools"))
    for value in ([], None, {}, "text", [None], [{}], ["text"], 3):
        add_chat(f"choices {value}", put("choices")(value))
    for value in (None, "text", [], 5, {}):
        add_chat(f"message {value}", put("choices", 0, "message")(value))
    for value in ("", "I think the first.", ["text"], [{"type": "text", "text": "x"}], {"a": 1}, 7, "\ud83d"):
        add_chat(
            f"content {value!r:.20}",
            message(lambda said, value=value: {"role": "assistant", "content": value}),
        )
    for value in ([], {}, "text", [None], [{}], [{"function": None}], [5], [[]]):
        add_chat(f"calls {value}", message(lambda said, value=value: said.update(tool_calls=value)))
    for value in (None, "", "[1]", "1", '"x"', "{", "{}", '{"a": 1', "null", DEEP, '{"a": ' * 5_000):
        add_chat(
            f"arguments {str(value)[:10]!r}",
            function(lambda call, value=value: call.update(arguments=value)),
        )
    add_chat("arguments list", function(lambda call: call.update(arguments=[1])))
    add_chat("arguments number", function(lambda call: call.update(arguments=5)))
    add_chat(
        "arguments of any depth",
        function(lambda call: call.update(arguments='{"a": ' * 400 + "1" + "}" * 400)),
    )
    add_chat("name none", function(lambda call: call.update(name=None)))
    add_chat("name other", function(lambda call: call.update(name="lookup_weather")))
    add_chat("name echoes the key", function(lambda call: call.update(name=KEY)))
    add_chat("name half", function(lambda call: call.update(name="\ud83d")))
    add_chat("name long", function(lambda call: call.update(name="x" * 50_000)))
    for name, value in {
        "half a character": '"\\ud83dPens"',
        "lone low half": '"\\udc00"',
        "not a number": "NaN",
        "infinity": "Infinity",
        "large float": "1e999",
        "large number": "1" * 26,
        "very large number": "9" * 5_000,
        "deep": "[" * 100 + "]" * 100,
    }.items():
        add_chat(f"argument {name}", with_argument(value))
    add_chat("raw half a character", with_argument('"\ud83d"'))
    add_chat("argument with zero", with_argument('"a\\u0000b"'), True)
    add_chat("argument with controls", with_argument('"\\u001b[31m\\u202e"'), True)
    add_chat(
        "unknown id", function(lambda call: call.update(arguments=re.sub(r"\d+", "999", call["arguments"])))
    )
    add_chat(
        "filter",
        changed(
            lambda r: r["choices"][0].update(
                message={"role": "assistant", "content": None}, finish_reason="content_filter"
            )
        ),
    )
    add_chat(
        "filter with text",
        changed(
            lambda r: r["choices"][0].update(
                message={"role": "assistant", "content": "I"}, finish_reason="content_filter"
            )
        ),
    )
    add_chat("refusal", message(lambda said: {"role": "assistant", "content": None, "refusal": f"no, {KEY}"}))
    add_chat(
        "cut off",
        changed(
            lambda r: r["choices"][0].update(
                message={"role": "assistant", "content": "well,"}, finish_reason="length"
            )
        ),
    )
    add_chat("cut thought", message(lambda said: {"role": "assistant", "content": "<think>first, "}))
    for name, value in {
        "null": None,
        "text": "many",
        "minus": -5,
        "huge": 10**30,
        "float": 1.5,
        "nan": float("nan"),
    }.items():
        add_chat(
            f"tokens {name}",
            put("usage")({"prompt_tokens": value, "completion_tokens": value, "total_tokens": value}),
            name in ("null", "minus", "huge"),
        )
    add_chat("no usage", changed(lambda r: r.pop("usage") and None), True)
    add_chat("no id", changed(lambda r: r.update(id=None)), True)
    add_chat("large", message(lambda said: said.update(content="x" * 8_000_000)))
    add_chat("large reason", with_argument('"' + "x" * 8_000_000 + '"'))
    # Calls that can be read
    for name, make in {
        "json text": as_text(call_json),
        "json text, parameters": as_text(lambda n, a: call_json(n, a, "parameters")),
        "json in prose": None,
        "arguments as text": as_text(lambda n, a: a),
        "fenced": as_text(lambda n, a: f"```json\n{call_json(n, a)}\n```"),
        "fenced after prose": as_text(lambda n, a: f"Here is the call:\n```json\n{call_json(n, a)}\n```"),
        "tagged": as_text(lambda n, a: f"<tool_call>\n{call_json(n, a)}\n</tool_call>"),
        "tagged, end missing": as_text(lambda n, a: f"<tool_call>{call_json(n, a)}"),
        "tagged after a thought": as_text(
            lambda n, a: f"<think>Which? [1]</think>\n<tool_call>{call_json(n, a)}</tool_call>"
        ),
        "json after a thought": as_text(lambda n, a: f"<think>Is it {{1}}?</think>{call_json(n, a)}"),
        "end of thought alone": as_text(lambda n, a: f"Is it 1?</think>{call_json(n, a)}"),
        "function tag": as_text(lambda n, a: f"<function={n}>{a}</function>"),
        "mistral": as_text(lambda n, a: f"[TOOL_CALLS] [{call_json(n, a)}]"),
        "python tag": as_text(lambda n, a: f"<|python_tag|>{call_json(n, a, 'parameters')}"),
        "calls as text": as_text(
            lambda n, a: f'{{"tool_calls": [{{"type": "function", "function": {call_json(n, a)}}}]}}'
        ),
        "json string in text": as_text(lambda n, a: call_json(n, json.dumps(a))),
        "twice the same": as_text(lambda n, a: f"{call_json(n, a)}\n{call_json(n, a)}"),
        "reasoning content": as_text(lambda n, a: "", reasoning_content="x"),
        "prefixed name": function(lambda call: call.update(name=f"functions.{call['name']}")),
        "numbered name": function(lambda call: call.update(name=f"functions.{call['name']}:0")),
        "string in a string": function(lambda call: call.update(arguments=json.dumps(call["arguments"]))),
        "fenced arguments": function(
            lambda call: call.update(arguments=f"```json\n{call['arguments']}\n```")
        ),
        "text after arguments": function(
            lambda call: call.update(arguments=call["arguments"] + "\nThe first fits best.")
        ),
        "arguments as an object": function(lambda call: call.update(arguments=json.loads(call["arguments"]))),
    }.items():
        if make is not None and name != "reasoning content":
            add_chat(name, make, True)

    def thought(said: Any) -> Any:
        call = said["tool_calls"][0]["function"]
        text = call_json(call["name"], call["arguments"])
        return {"role": "assistant", "content": "", "reasoning_content": text}

    add_chat("call in the reasoning", message(thought), True)
    add_chat(
        "function_call",
        message(
            lambda said: {
                "role": "assistant",
                "content": None,
                "function_call": said["tool_calls"][0]["function"],
            }
        ),
        True,
    )
    add_chat("call twice", message(lambda said: said.update(tool_calls=said["tool_calls"] * 2)), True)


def quoted_calls() -> None:
    """Add replies that only look like calls, which must not be read."""
    add(
        CHAT,
        "two different calls",
        as_text(lambda n, a: f"{call_json(n, a)}\n{call_json(n, re.sub(r'[0-9]+', '0', a, count=1))}"),
    )
    add(CHAT, "call of another tool", as_text(lambda n, a: call_json("delete_all", a)))
    add(
        CHAT,
        "call in long prose",
        as_text(lambda n, a: "I am not sure. " * 60 + f"```json\n{call_json(n, a)}\n```"),
    )


chat_kinds()
quoted_calls()


# Streams


def streamed(change: Callable[[list[Any]], list[Any]]) -> Callable[[Body, Any], Raw]:
    """Answer with the chunks of the healthy reply after a change."""

    def make(body: Body, reply: Any) -> Raw:
        chunks = [json.loads(each) for each in openai_server.events(reply) if each != "[DONE]"]
        lines = change(chunks)
        text = "".join(f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in lines)
        return Raw(text.encode(errors="surrogatepass"), headers={"content-type": "text/event-stream"})

    return make


def delta(value: Any) -> dict[str, Any]:
    """A chunk with one delta."""
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": value, "finish_reason": None}],
    }


def stream_kinds() -> None:
    add_stream = lambda name, change, answered=False: add(STREAMS, name, streamed(change), answered=answered)  # noqa: E731
    done = "[DONE]"
    add_stream("without an end", lambda c: c, True)
    add_stream("only an end", lambda c: [done])
    add_stream("no choices", lambda c: [{**each, "choices": []} for each in c] + [done])
    add_stream("choices null", lambda c: [{**each, "choices": None} for each in c] + [done])
    add_stream("delta null", lambda c: [delta(None), *c, done])
    add_stream("no json", lambda c: [*c[:1], "{oops", *c[1:], done], True)
    add_stream("deep json", lambda c: [*c[:1], DEEP, done])
    add_stream("error within", lambda c: [*c[:1], {"error": {"message": f"lost {KEY}", "code": 500}}, done])
    add_stream("half a character", lambda c: [delta({"content": "\ud83d"}), *c, done], True)
    add_stream("null content", lambda c: [delta({"content": None}), *c, done], True)
    add_stream("number content", lambda c: [delta({"content": 5}), *c, done], True)
    add_stream("calls null", lambda c: [delta({"tool_calls": None}), *c, done], True)
    add_stream("call without function", lambda c: [delta({"tool_calls": [{"index": 0}]}), *c, done])
    add_stream(
        "call without name",
        lambda c: [delta({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}), done],
    )
    add_stream(
        "call without index",
        lambda c: [
            delta({"tool_calls": [{"id": "a", "function": {"name": "find", "arguments": '{"words": "x"}'}}]}),
            done,
        ],
        True,
    )
    add_stream("call null", lambda c: [delta({"tool_calls": [None]}), *c, done], True)
    add_stream("cut call", lambda c: [*c[:3], done])
    add_stream("large", lambda c: [delta({"content": "x" * 1_000_000})] * 40 + [done])
    add_stream(
        "large number",
        lambda c: [
            delta(
                {
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": "a",
                            "function": {"name": "find", "arguments": '{"words": ' + "1" * 26 + "}"},
                        }
                    ]
                }
            ),
            done,
        ],
    )
    add_stream(
        "deep arguments",
        lambda c: [
            delta({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "find", "arguments": DEEP}}]}),
            done,
        ],
    )
    add_stream(
        "two calls with one index",
        lambda c: [
            delta(
                {
                    "tool_calls": [
                        {"index": 0, "id": "a", "function": {"name": "find", "arguments": '{"words": "one"}'}}
                    ]
                }
            ),
            delta(
                {
                    "tool_calls": [
                        {"index": 0, "id": "b", "function": {"name": "find", "arguments": '{"words": "two"}'}}
                    ]
                }
            ),
            done,
        ],
        True,
    )
    add_stream(
        "two calls, no ids",
        lambda c: [
            delta(
                {"tool_calls": [{"index": 0, "function": {"name": "find", "arguments": '{"words": "one"}'}}]}
            ),
            delta(
                {"tool_calls": [{"index": 0, "function": {"name": "find", "arguments": '{"words": "two"}'}}]}
            ),
            done,
        ],
        True,
    )
    add_stream("usage null", lambda c: [*c, {**c[0], "choices": [], "usage": None}, done], True)
    add_stream(
        "tagged call",
        lambda c: [
            delta({"content": "<tool_"}),
            delta({"content": 'call>{"name": "find", "arguments": {"words": "x"}}'}),
            delta({"content": "</tool_call>"}),
            done,
        ],
        True,
    )
    add_stream(
        "thought before",
        lambda c: [delta({"content": "<think>find"}), delta({"content": "it</think>"}), *c, done],
        True,
    )
    add_stream("reasoning before", lambda c: [delta({"reasoning_content": "find it"}), *c, done], True)
    add_stream(
        "filter",
        lambda c: [
            delta({"content": ""}),
            {**delta({}), "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
            done,
        ],
    )
    for name in (
        "status 401",
        "status 500",
        "html",
        "nothing",
        "body null",
        "body {}",
        "closed at once",
        "silence",
        "half a body",
        "gzip bomb",
        "cut body",
    ):
        add(STREAMS, name, CHAT[name].make)


stream_kinds()


# Vectors


def rows(change: Callable[[list[Any]], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with the healthy rows after a change."""
    return changed(lambda reply: {**reply, "data": change(reply["data"])})


def each_vector(change: Callable[[list[float]], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with each vector changed."""
    return rows(lambda data: [{**row, "embedding": change(row["embedding"])} for row in data])


def last_vector(change: Callable[[list[float]], Any]) -> Callable[[Body, Any], Raw]:
    """Answer with the last vector changed."""
    return rows(lambda data: [*data[:-1], {**data[-1], "embedding": change(data[-1]["embedding"])}])


def embedding_kinds() -> None:
    add_rows = lambda name, make, answered=False: add(EMBEDDINGS, name, make, answered=answered)  # noqa: E731
    refusals(EMBEDDINGS)
    nan, inf = float("nan"), float("inf")
    add_rows("zeros", each_vector(lambda v: [0.0] * len(v)))
    add_rows("one zero vector", last_vector(lambda v: [0.0] * len(v)))
    add_rows("nan", last_vector(lambda v: [nan, *v[1:]]))
    add_rows("inf", last_vector(lambda v: [inf, *v[1:]]))
    add_rows("too large", last_vector(lambda v: [1e300, *v[1:]]))
    add_rows("too small", last_vector(lambda v: [1e-300] * len(v)))
    add_rows("null vector", last_vector(lambda v: None))
    add_rows("null number", last_vector(lambda v: [None, *v[1:]]))
    add_rows("text", last_vector(lambda v: ["a", *v[1:]]))
    add_rows("numbers as text", last_vector(lambda v: [str(x) for x in v]))
    add_rows("truth values", last_vector(lambda v: [True] * len(v)))
    add_rows("scalar", last_vector(lambda v: 1.0))
    add_rows("nested", last_vector(lambda v: [v]))
    add_rows("object", last_vector(lambda v: {"values": v}))
    add_rows("empty vector", each_vector(lambda v: []))
    add_rows("ragged", last_vector(lambda v: v[:-1]))
    add_rows("base64", each_vector(lambda v: base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode()), True)
    add_rows("no base64", each_vector(lambda v: "%%%"))
    add_rows(
        "base64 cut", each_vector(lambda v: base64.b64encode(struct.pack(f"<{len(v)}f", *v)[:-2]).decode())
    )
    add_rows("index missing", rows(lambda d: [{k: v for k, v in row.items() if k != "index"} for row in d]))
    add_rows("index equal", rows(lambda d: [{**row, "index": 0} for row in d]))
    add_rows("index text", rows(lambda d: [{**row, "index": "x"} for row in d]))
    add_rows("index beyond", rows(lambda d: [{**row, "index": row["index"] + 1} for row in d]))
    add_rows("index null", rows(lambda d: [{**row, "index": None} for row in d]))
    add_rows("too few", rows(lambda d: d[:-1]))
    add_rows("too many", rows(lambda d: [*d, d[-1]]))
    add_rows("none", rows(lambda d: []))
    add_rows("data null", rows(lambda d: None))
    add_rows("data text", rows(lambda d: "x"))
    add_rows("data of vectors", rows(lambda d: [row["embedding"] for row in d]))
    add_rows("data missing", changed(lambda r: r.pop("data") and None))
    add_rows("shuffled", rows(lambda d: d[::-1]), True)
    add_rows("whole numbers", each_vector(lambda v: [int(x) + 1 for x in v]), True)


embedding_kinds()


# The server


class FaultServer:
    """Serves faults on loopback from a thread; a context manager.

    `kind` answers every request, or, of a request that was disturbed `most` times already, none: what is asked again
    and again is answered in the end.
    """

    def __init__(
        self,
        kind: str | None = None,
        *,
        rate: float = 0.0,
        seed: int = 0,
        slow: bool = True,
        most: int | None = None,
    ) -> None:
        self.kind, self.rate, self.seed, self.most = kind, rate, seed, most
        skipped = () if slow else ("silence", "silence after the head", "drip")
        self.names = {
            id(kinds): [n for n in kinds if n not in skipped] for kinds in (CHAT, STREAMS, EMBEDDINGS)
        }
        self.injected: collections.Counter[str] = collections.Counter()
        self.requests = 0
        self.bodies: collections.deque[Any] = collections.deque(maxlen=16)
        self.seen: collections.Counter[str] = collections.Counter()
        self.keys: set[str] = set()
        self.healthy = False
        self.imitate: Callable[[Body], Raw] | None = None
        """Answers chat requests in place of everything else."""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.started = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self.thread.start()
        self.started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.ended.set_result, None)
        self.thread.join()

    def run(self) -> None:
        self.loop.run_until_complete(self.main())
        self.loop.close()

    async def main(self) -> None:
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self.open: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0, limit=2**24, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await self.ended
        server.close()
        for task in list(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(task)
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        sent = re.search(r"authorization: *bearer *(\S+)", head, re.IGNORECASE)
        self.keys.add(sent.group(1) if sent else "")
        raw = await reader.readexactly(int(length.group(1)) if length else 0)
        body = json.loads(raw or b"{}")
        self.requests += 1
        self.bodies.append(body)
        if self.imitate is not None and "input" not in body:
            return await write(writer, self.imitate(body))
        if "input" in body:
            kinds, reply = EMBEDDINGS, embeddings(body)
        else:
            kinds, reply = (STREAMS if body.get("stream") else CHAT), completion(body)
        kind = self.draw(kinds, body)
        if kind is None:
            return await write(writer, healthy(body, reply))
        self.injected[kind.name] += 1
        return await write(writer, kind.make(body, reply))

    def draw(self, kinds: dict[str, Kind], body: Body) -> Kind | None:
        """Draw the fault of a request, the same for the same request at the same try."""
        asked = json.dumps([body.get("messages", [])[:2], body.get("input")], sort_keys=True)
        self.seen[asked] += 1
        if self.healthy or (self.most is not None and self.seen[asked] > self.most):
            return None
        if self.kind is not None:
            return kinds.get(self.kind)
        drawn = hashlib.sha256(f"{self.seed} {self.seen[asked]} {asked}".encode()).digest()
        if int.from_bytes(drawn[:4]) / 2**32 >= self.rate:
            return None
        names = self.names[id(kinds)]
        return kinds[names[int.from_bytes(drawn[4:8]) % len(names)]]


def healthy(body: Body, reply: Any) -> Raw:
    """The answer without a fault."""
    if not body.get("stream"):
        return Raw(packed(reply))
    text = "".join(f"data: {each}\n\n" for each in openai_server.events(reply))
    return Raw(text.encode(), headers={"content-type": "text/event-stream"})


def completion(body: Body) -> dict[str, Any]:
    """The reply of a model that reads its prompt; a correction changes nothing of it."""
    first = {**body, "messages": list(body.get("messages", []))[:2]}
    tools = first.get("tools") or []
    properties = tools[0]["function"]["parameters"]["properties"] if tools else {}
    proposes = "properties" in properties.get("categories", {}).get("items", {})
    played = proposes or bool({"change", "1"} & set(properties))
    return openai_server.completion(first, "agents" if played else "vary" if offers(properties) else "call")


def offers(properties: Mapping[str, Any]) -> bool:
    """Whether a tool takes ids of options."""
    return any(
        each.get("type") == "array" and "enum" in each.get("items", {}) for each in properties.values()
    )


def embeddings(body: Body) -> dict[str, Any]:
    """Vectors of words: texts that share words lie together."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": at, "embedding": vector(text)} for at, text in enumerate(texts)]
    return {
        "object": "list",
        "data": data,
        "model": body.get("model"),
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


def vector(text: str) -> list[float]:
    """A vector of 32 numbers made from the words of a text."""
    row = [0.01] * 32
    for word in re.findall(r"\w+", text.casefold()):
        for at, byte in enumerate(hashlib.blake2b(word.encode(), digest_size=32).digest()):
            row[at] += byte - 127.5
    return [round(value, 4) for value in row]


async def write(writer: asyncio.StreamWriter, raw: Raw) -> bool:
    """Write an answer; says whether the connection stays open."""
    if raw.status > 0:
        headers = {"content-type": "application/json", **raw.headers}
        headers.setdefault("content-length", str(len(raw.body)))
        lines = [f"HTTP/1.1 {raw.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    if raw.drip_s:
        for at in range(0, len(raw.body), 200):
            writer.write(raw.body[at : at + 200])
            await writer.drain()
            await asyncio.sleep(raw.drip_s)
    else:
        writer.write(raw.body)
    await writer.drain()
    if raw.ending == "hang":
        await asyncio.sleep(3600)
    return raw.ending == "whole"
