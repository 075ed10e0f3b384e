"""An OpenAI-shaped HTTP server on loopback that answers after a delay, or misbehaves on request.

Run it as a script: it prints its port, then serves until its standard input closes. The last message's text
chooses the behaviour (`BEHAVE:prose`, …), so that one server serves every test; without one it calls the
offered tool with the first option. Each request's body is appended to the file given with --log.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import re
import sys
from typing import Any

REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


class Server:
    """Counts what it was asked, so that a test can tell a repeated request from a new one."""

    def __init__(self, delay: float, log: str | None) -> None:
        self.delay = delay
        self.log = open(log, "a", encoding="utf-8") if log else None  # noqa: SIM115
        self.seen: collections.Counter[str] = collections.Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self.exchange(reader, writer):
                pass
        writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        raw = await reader.readexactly(int(length.group(1)) if length else 0)
        body = json.loads(raw or b"{}")
        if self.log:
            self.log.write(json.dumps({"key": fingerprint(body)}) + "\n")
            self.log.flush()
        status, reply = await self.answer(body)
        if status == 0:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"id\": \"half")
            await writer.drain()
            return False
        payload = json.dumps(reply).encode()
        writer.write(
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(payload)}\r\n\r\n".encode() + payload
        )
        await writer.drain()
        return True

    async def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status (0: break the connection off) and the body."""
        await asyncio.sleep(self.delay)
        messages = body.get("messages") or [{"content": ""}]
        text = " ".join(str(m.get("content")) for m in messages)
        key = fingerprint(body)
        self.seen[key] += 1
        asked = re.search(r"BEHAVE:(\w+)", text)
        behaviour = asked.group(1) if asked else "call"
        if behaviour == "busy3" and self.seen[key] <= 3:
            return 429, {"error": {"message": "slow down", "type": "rate_limit", "code": "429"}}
        if behaviour == "broken":
            return 500, {"error": {"message": "no", "type": "server_error", "code": "500"}}
        if behaviour == "hang":
            await asyncio.sleep(3600)
        if behaviour == "half":
            return 0, {}
        retried = any("Fix the errors" in str(m.get("content")) for m in messages)
        if behaviour == "repents" and not retried:
            behaviour = "unknown"
        return 200, completion(body, behaviour)


def fingerprint(body: dict[str, Any]) -> str:
    """What makes two requests the same question."""
    return json.dumps(body.get("messages"), sort_keys=True)


def completion(body: dict[str, Any], behaviour: str) -> dict[str, Any]:
    """A chat completion that calls the first tool, or does what `behaviour` says instead."""
    tools = body.get("tools") or []
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if behaviour == "prose" or not tools:
        message["content"] = "I think the first one fits best."
    elif behaviour == "nothing":
        message["content"] = ""
    else:
        function = tools[0]["function"]
        arguments = json.dumps(first_option(function["parameters"]))
        if behaviour == "unknown":
            arguments = arguments.replace("[1", "[999")
        if behaviour == "badjson":
            arguments = arguments[:-2]
        call = {"id": "call_1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        message["tool_calls"] = [call]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "test"),
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def first_option(schema: dict[str, Any]) -> dict[str, Any]:
    """Fill each required property with the first non-zero value its schema allows."""
    filled: dict[str, Any] = {}
    for name in schema.get("required", []):
        kind = schema["properties"][name]
        if kind.get("type") == "array":
            allowed = kind["items"].get("enum", [1])
            filled[name] = [next((v for v in allowed if v), allowed[0])]
        else:
            filled[name] = kind.get("enum", ["because"])[0]
    return filled


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--log")
    options = parser.parse_args()
    server = await asyncio.start_server(Server(options.delay, options.log).serve, "127.0.0.1", 0, limit=2**24, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
