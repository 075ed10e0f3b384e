"""Limit the size of what a server sends, before and after it is decompressed."""

import json
import zlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from taxonaut.models.llm.errors import UnreadableReplyError

MEGABYTE = 1_000_000
FAILED = 400

LARGE = 64_000
"""Bytes of an error's body that are read, and of a reply from which on it must be JSON: LiteLLM searches the text of
errors with regular expressions, for seconds where it is long, and the event loop stands still."""


@dataclass(frozen=True, slots=True)
class ReplyLimit:
    """Most bytes of a reply, and whether all of it is one JSON value."""

    most: int
    json: bool


LIMIT: ContextVar[ReplyLimit | None] = ContextVar("taxonaut_reply_limit", default=None)
"""The limit of the reply to the request that runs in this context."""

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


async def limit_reply(response: Any) -> None:
    """Limit the body of an `httpx.Response`; a hook of our HTTP clients, called before the body is read."""
    limit = LIMIT.get()
    if limit is None:
        return
    failed = response.status_code >= FAILED
    length = response.headers.get("content-length", "")
    if not failed and length.isdecimal() and int(length[:20]) > limit.most:
        raise too_large(limit.most)
    if failed:
        limit = ReplyLimit(min(LARGE, limit.most), json=False)
    response.stream = limited_stream()(response.stream, limit, decompressor(response), failed)


def decompressor(response: Any) -> Any:
    """Return zlib's decompressor for a response, which then counts as plain; None for one that is plain."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in _WINDOWS:
        raise UnreadableReplyError(
            f"its reply is compressed with {encoding[:40]!r}, which was not asked for",
            "look at the settings of the server, or of the proxy before it",
        )
    del response.headers["content-encoding"]
    return zlib.decompressobj(_WINDOWS[encoding])


@lru_cache(maxsize=1)
def limited_stream() -> type:
    """Return the class of limited streams; httpx is imported on use."""
    import httpx

    class LimitedStream(httpx.AsyncByteStream):
        """The body of a response, decompressed, within its limit."""

        def __init__(self, stream: Any, limit: ReplyLimit, decompress: Any, failed: bool) -> None:
            self.stream = stream
            self.limit = limit
            self.decompress = decompress
            self.failed = failed

        async def __aiter__(self) -> AsyncIterator[bytes]:
            """Yield the body. Raises UnreadableReplyError where it is too large; an error's body is cut."""
            left = self.limit.most
            parts: list[bytes] = []
            async for chunk in self.stream:
                data = chunk if self.decompress is None else self.plain(chunk, left)
                if len(data) > left and not self.failed:
                    raise too_large(self.limit.most)
                left -= len(data)
                if self.limit.json:
                    parts.append(data)
                yield data[: left + len(data)] if left < 0 else data
                if left < 0:
                    return
            if self.limit.json and self.limit.most - left > LARGE:
                check_json(b"".join(parts))

        def plain(self, chunk: bytes, left: int) -> bytes:
            """Decompress a chunk, to one byte more than is left at most."""
            try:
                plain: bytes = self.decompress.decompress(chunk, left + 1)
            except zlib.error as error:
                raise UnreadableReplyError(
                    f"its reply is compressed wrongly ({error})", "look at the log of the server"
                ) from None
            return plain

        async def aclose(self) -> None:
            """Close the connection's stream."""
            await self.stream.aclose()

    return LimitedStream


def check_json(body: bytes) -> None:
    """Raise UnreadableReplyError for a body that is no JSON."""
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UnreadableReplyError(
            f"its reply is no JSON ({reason})",
            "look at the log of the server, or correct `api_base` in taxonaut.toml (it mostly ends in /v1)",
        ) from None


def too_large(most: int) -> UnreadableReplyError:
    """Return the error of a reply that is larger than allowed."""
    return UnreadableReplyError(
        f"its reply is larger than {most / MEGABYTE:g} MB",
        "lower `max_tokens`, look at the log of the server, or raise `max_reply_mb` in taxonaut.toml",
    )
