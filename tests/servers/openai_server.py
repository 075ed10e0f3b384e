"""An OpenAI-shaped HTTP server on loopback that answers after a delay, or misbehaves on request.

Run it as a script: it prints its port, then serves until its standard input closes. A message that holds
`BEHAVE:name` chooses a behaviour of `MISBEHAVIOURS` or `completion`, so that one server serves every test; of several
the last counts, and without one it calls the offered tool with the first option. `BEHAVE:agents` builds an index or a
vocabulary as a model that reads its prompts would. With --log each request is a line of that file when it comes
(`asked`) and when its answer is on its way (`answered`). With --count the usage it reports is counted by LiteLLM's
tokenizer.

GET /stats tells what it saw, GET /wait?answered=N answers once N requests were, GET /reset forgets all.
"""

import argparse
import asyncio
import collections
import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from played_agents import work

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
HALF = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"id": "half'
RETRY_WORDS = "Fix the errors"
"""How pydantic-ai ends a message that says what was wrong."""


class Server:
    """Counts what it was asked, so that a test can tell a repeated request from a new one."""

    def __init__(self, delay: float, log: str | None, count: Callable[[str], int] | None = None) -> None:
        self.delay = delay
        self.count = count
        self.log = open(log, "a", encoding="utf-8") if log else None  # noqa: SIM115
        self.changed = asyncio.Condition()
        self.reset()

    def reset(self) -> None:
        self.seen: collections.Counter[str] = collections.Counter()
        self.in_flight = self.peak = self.answered = 0

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.seen.total(),
            "distinct": len(self.seen),
            "answered": self.answered,
            "in_flight": self.in_flight,
            "peak": self.peak,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self.exchange(reader, writer):
                pass
        writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; says whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        raw = await reader.readexactly(int(length.group(1)) if length else 0)
        path = head.split(" ", 2)[1]
        if head.startswith("GET"):
            await send(writer, 200, await self.control(path))
            return True
        body = json.loads(raw or b"{}")
        if path.endswith("/embeddings"):
            self.seen[json.dumps(body.get("input"))] += 1
            await send(writer, *embeddings(body, self.seen))
            return True
        return await self.chat(body, writer)

    async def control(self, path: str) -> dict[str, Any]:
        if path.startswith("/reset"):
            self.reset()
        if wanted := re.search(r"answered=(\d+)", path):
            async with self.changed:
                await self.changed.wait_for(lambda: self.answered >= int(wanted.group(1)))
        if wanted := re.search(r"in_flight=(\d+)", path):
            async with self.changed:
                await self.changed.wait_for(lambda: self.in_flight == int(wanted.group(1)))
        return self.stats()

    async def chat(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        key = fingerprint(body)
        self.seen[key] += 1
        self.note("asked", key)
        await self.moved(1)
        try:
            status, reply = await self.answer(body, self.seen[key])
            if status == 0:
                writer.write(HALF)
                await writer.drain()
                return False
            self.note("answered", key)
            if body.get("stream") and status == 200 and isinstance(reply, dict):
                whole = await send_stream(writer, reply, behaviour_of(body))
                self.answered += 1
                return whole
            await send(writer, status, reply)
            self.answered += 1
        finally:
            await self.moved(-1)
        return True

    async def moved(self, change: int) -> None:
        self.in_flight += change
        self.peak = max(self.peak, self.in_flight)
        async with self.changed:
            self.changed.notify_all()

    def note(self, event: str, key: str) -> None:
        if self.log:
            self.log.write(json.dumps({"event": event, "key": key}) + "\n")
            self.log.flush()

    async def answer(self, body: dict[str, Any], times: int) -> tuple[int, Any]:
        """Return the status (0: break the connection off) and the body."""
        await asyncio.sleep(self.delay)
        messages = body.get("messages") or []
        behaviour = behaviour_of(body)
        if behaviour == "hang":
            await asyncio.sleep(3600)
        if behaviour == "half":
            return 0, {}
        if behaviour == "html":
            return 200, "<html>the proxy is down</html>"
        if behaviour == "empty":
            return 200, {}
        if behaviour in ("busy3", "busy_once") and times <= (3 if behaviour == "busy3" else 1):
            return 429, error("slow down", "rate_limit_exceeded")
        if behaviour in MISBEHAVIOURS:
            return MISBEHAVIOURS[behaviour]
        if behaviour.startswith("repents"):
            told = any(RETRY_WORDS in str(m.get("content")) for m in messages)
            behaviour = "call" if told else behaviour.removeprefix("repents_")
        reply = completion(body, behaviour)
        if self.count is not None:
            reply["usage"] = counted(body, reply, self.count)
        return 200, reply


def behaviour_of(body: dict[str, Any]) -> str:
    """The behaviour that the last message to name one chose."""
    said = " ".join(str(message.get("content")) for message in body.get("messages") or [])
    asked = re.findall(r"BEHAVE:(\w+)", said)
    return asked[-1] if asked else "call"


async def send_stream(writer: asyncio.StreamWriter, reply: dict[str, Any], behaviour: str) -> bool:
    """Write a completion as server-sent events, the tokens used with the last one.

    BEHAVE:break breaks off after the first piece of the answer, BEHAVE:early before it, BEHAVE:stall sends no more.
    """
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for sent, event in enumerate(events(reply)):
        if (behaviour, sent) in (("early", 0), ("break", 2)):
            await writer.drain()
            return False
        if (behaviour, sent) == ("stall", 2):
            await writer.drain()
            await asyncio.sleep(3600)
        payload = f"data: {event}\n\n".encode()
        writer.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def events(reply: dict[str, Any]) -> list[str]:
    """A completion in pieces: the role, each word or each third of a call's arguments, the end, the tokens."""
    message = reply["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\S+\s*", message.get("content") or "")]
    for at, made in enumerate(message.get("tool_calls") or ()):
        arguments = made["function"]["arguments"]
        named = {**made, "index": at, "function": {"name": made["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [named]})
        third = max(1, len(arguments) // 3)
        for start in range(0, len(arguments), third):
            part = {"index": at, "function": {"arguments": arguments[start : start + third]}}
            deltas.append({"tool_calls": [part]})
    head = {"id": reply["id"], "object": "chat.completion.chunk", "created": 1, "model": reply["model"]}
    reason = reply["choices"][0]["finish_reason"]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunks = [{**head, "choices": [each]} for each in choices]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    chunks.append({**head, "choices": [], "usage": reply["usage"]})
    return [*map(json.dumps, chunks), "[DONE]"]


def error(message: str, code: str) -> dict[str, Any]:
    """An error body as OpenAI writes it."""
    return {"error": {"message": message, "type": code, "code": code, "param": None}}


LIKELIEST = {"Yes": -0.5, " no": -1.5, "yes": -2.5, "Maybe": -4.0}
"""The log-probabilities of the first token, where they are asked for; BEHAVE:prose leaves them out."""

MISBEHAVIOURS: dict[str, tuple[int, dict[str, Any]]] = {
    "busy": (429, error("slow down", "rate_limit_exceeded")),
    "broken": (500, error("out of order", "server_error")),
    "starting": (503, error("loading the model", "unavailable")),
    "stranger": (401, error("who are you", "invalid_api_key")),
    "missing": (404, error("no model of that name", "model_not_found")),
    "toolong": (400, error("maximum context length is 512 tokens", "context_length_exceeded")),
}
"""What is answered to these whatever the request holds."""


async def send(writer: asyncio.StreamWriter, status: int, reply: Any) -> None:
    """Write one HTTP answer; a server that is busy says when to come again."""
    kind = "text/html" if isinstance(reply, str) else "application/json"
    payload = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
    again = "retry-after: 0\r\n" if status == 429 else ""
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: {kind}\r\n{again}"
        f"content-length: {len(payload)}\r\n\r\n"
    )
    writer.write(head.encode() + payload)
    await writer.drain()


def fingerprint(body: dict[str, Any]) -> str:
    """What makes two requests the same question."""
    return hashlib.sha256(json.dumps(body.get("messages"), sort_keys=True).encode()).hexdigest()[:16]


def completion(body: dict[str, Any], behaviour: str) -> dict[str, Any]:
    """A chat completion that calls the first tool, or does what `behaviour` says instead."""
    tools = body.get("tools") or []
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if behaviour == "prose" or not tools:
        message["content"] = "I think the first one fits best."
    elif behaviour == "nothing":
        message["content"] = ""
    elif behaviour != "null":
        message["tool_calls"] = [call(tools, behaviour, body["messages"])]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}
    if body.get("logprobs") and behaviour != "prose":
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in LIKELIEST.items()]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top[: body["top_logprobs"]]}]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "test"),
        "choices": [choice],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "total_tokens": 110,
            "prompt_tokens_details": {"cached_tokens": 70},
        },
    }


def call(tools: list[dict[str, Any]], behaviour: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """A call of the first tool, of the second once the first was answered, or a faulty one."""
    answered = any(m.get("role") == "tool" and RETRY_WORDS not in str(m.get("content")) for m in messages)
    function = tools[min(1, len(tools) - 1) if answered else 0]["function"]
    arguments = json.dumps(first_option(function["parameters"]))
    name = "lookup_weather" if behaviour == "othertool" else function["name"]
    faults = {
        "unknown": arguments.replace("[1", "[999"),
        "badjson": arguments[:-2],
        "list": "[1]",
        "noargs": "",
        "nested": arguments.replace("[1", "[[1]"),
        "float": arguments.replace("[1", "[1.0"),
        "strings": arguments.replace("[1", '["1"').replace("1]", "1]"),
        "none": arguments.replace("[1", "[0"),
        "undecided": arguments.replace("[1", "[-1"),
    }
    thoughtful = {"vary": varied_option, "agents": work}
    if behaviour in thoughtful:
        arguments = json.dumps(thoughtful[behaviour](function["parameters"], messages))
    return {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": faults.get(behaviour, arguments)},
    }


def first_option(schema: dict[str, Any]) -> dict[str, Any]:
    """Fill each required property with the first non-zero value its schema allows."""
    filled: dict[str, Any] = {}
    for name in schema.get("required", []):
        kind = schema["properties"][name]
        if kind.get("type") == "array":
            items = kind.get("items", {})
            allowed = items.get("enum", ["because"] if items.get("type") == "string" else [1])
            filled[name] = [next((v for v in allowed if v), allowed[0])]
        elif kind.get("type") == "integer":
            filled[name] = 1
        else:
            filled[name] = kind.get("enum", ["because"])[0]
    return filled


def varied_option(schema: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose one or two options by what the messages say, the same for the same messages."""
    field = next(name for name in schema["required"] if schema["properties"][name].get("type") == "array")
    allowed = schema["properties"][field].get("items", {}).get("enum", [1])
    options = [v for v in allowed if v not in (0, -1)]
    most = min(2, schema["properties"][field].get("maxItems", 1))
    drawn = int(fingerprint({"messages": messages}), 16)
    first = drawn % len(options)
    chosen = [options[(first + at) % len(options)] for at in range(min(1 + drawn % most, len(options)))]
    return {**first_option(schema), field: chosen}


def counted(body: dict[str, Any], reply: dict[str, Any], count: Callable[[str], int]) -> dict[str, Any]:
    """The usage of a server that puts the tools' JSON before the messages, as open models' templates do."""
    read = [str(message["content"]) for message in body["messages"]]
    prompt = sum(map(count, read)) + sum(count(json.dumps(tool)) for tool in body.get("tools") or [])
    message = reply["choices"][0]["message"]
    written = [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
    completion = sum(map(count, written))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def tokenizer() -> Callable[[str], int]:
    """LiteLLM's tokenizer, from what is installed beside it."""
    import os

    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    return lambda text: litellm.token_counter(model="gpt-4o", text=text)


def embeddings(body: dict[str, Any], seen: collections.Counter[str]) -> tuple[int, dict[str, Any]]:
    """Vectors of three numbers made from each text's length and first characters."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    behaviour = re.search(r"BEHAVE:(\w+)", " ".join(texts))
    if behaviour and behaviour.group(1) == "busy3" and seen[json.dumps(body.get("input"))] <= 3:
        return 429, error("slow down", "rate_limit_exceeded")
    if behaviour and behaviour.group(1) in MISBEHAVIOURS:
        return MISBEHAVIOURS[behaviour.group(1)]
    rows = [
        {
            "object": "embedding",
            "index": at,
            "embedding": [float(len(text)), float(ord(text[:1] or " ")), 3.0],
        }
        for at, text in enumerate(texts)
    ]
    if behaviour and behaviour.group(1) == "short":
        rows.pop()
    if behaviour and behaviour.group(1) == "backwards":
        rows.reverse()
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, {"object": "list", "data": rows, "model": body.get("model", "test"), "usage": usage}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--log")
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    ours = Server(options.delay, options.log, tokenizer() if options.count else None)
    server = await asyncio.start_server(ours.serve, "127.0.0.1", 0, limit=2**24, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
