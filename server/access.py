"""Who may do what: the token, the page's session, and requests that a foreign web page sends.

Reading from this machine is open where the service listens on loopback and no token was asked for; changes need the
token always. A foreign page cannot read (no CORS header is sent), cannot pretend that this address is its own (the
Host header must name this machine) and cannot change anything (the Origin of a change must be the service's own).
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taxonaut.server.problems import problem, problem_response

READING = frozenset({"GET", "HEAD", "OPTIONS"})

_READING_POSTS = re.compile(
    r"/api/suggest|/api/try(/compare)?|/v1/projects/[^/]+/suggest(-batch)?|/v1/detect-language"
)
"""Paths that are asked with POST, as their input is long, and change nothing."""

_OPEN = re.compile(r"/api/health|/static/[a-z_]+\.(css|js|svg)")
"""What answers without a token everywhere: that the service is there, and what its pages look like."""

UPLOADS = ("/api/jobs", "/api/try/file")
"""Paths whose bodies may have `Limits.upload_bytes`."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, which no other machine reaches."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Make a token that nobody guesses."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Access:
    """What a request must bring. `closed`: reading needs the token too; `hosts`: names allowed in the Host header."""

    token: str = field(repr=False)
    closed: bool = False
    loopback: bool = True
    port: int = 0

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; cookies of one host are shared by its ports."""
        return f"taxonaut_{self.port}"

    @property
    def session(self) -> str:
        """The value of the session's cookie: it follows from the token and does not tell it."""
        return hmac.new(self.token.encode(), b"taxonaut session", hashlib.sha256).hexdigest()

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and sentence for a request that may not pass, None for one that may."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.loopback and not is_loopback(_host_name(host)):
            return 403, (
                f"the request is for the host {host[:200]!r}, and this service answers to this machine only; use "
                "http://127.0.0.1 or http://localhost"
            )
        reads = scope["method"] in READING or _READING_POSTS.fullmatch(scope["path"]) is not None
        if scope["method"] not in READING and not _is_same_origin(headers, host):
            return 403, (
                "another web page sent this request: its Origin is not this service's; only pages of the service and "
                "programs may send it"
            )
        if _OPEN.fullmatch(scope["path"]) or (reads and not self.closed) or self.knows(headers):
            return None
        return 401, (
            "this needs the service's token: send the header 'Authorization: Bearer TOKEN'; taxonaut serve printed "
            "it, and the file service.json of the workspace has it"
        )

    def knows(self, headers: Headers) -> bool:
        """Whether a request brings the token, or the session of a page that brought it."""
        given = _given_token(headers.get("authorization", ""))
        if given is not None:
            return secrets.compare_digest(given.encode(), self.token.encode())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), self.session.encode())


def _host_name(host: str) -> str:
    """Return a Host header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same_origin(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return urlsplit(origin).netloc.lower() == host.lower() if origin.isascii() and "://" in origin else False


def _given_token(header: str) -> str | None:
    """Return the token of an Authorization header: Bearer, or the password of Basic, as in http://:TOKEN@host."""
    kind, _, rest = header.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take: bytes of its body (`upload_bytes` for jobs), and seconds for it to arrive."""

    body_bytes: int = 8 << 20
    upload_bytes: int = 64 << 20
    arrival_s: float = 30.0


class Guard:
    """The first thing a request meets: who sent it, how long it is, and when all of it is here."""

    def __init__(self, app: ASGIApp, access: Access, limits: Limits, sign_in: str = "") -> None:
        self.app, self.access, self.limits = app, access, limits
        self.sign_in = sign_in
        """The page that a browser gets in place of 401."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 401, 403, 408 or 413."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        refused = self.access.refusal(scope)
        most = self.limits.upload_bytes if scope["path"] in UPLOADS else self.limits.body_bytes
        if refused is None and _declared_length(scope) > most:
            refused = 413, _too_long(most)
        if refused is not None:
            status, detail = refused
            if status == 401 and _wants_page(scope):
                page = HTMLResponse(self.sign_in, 401)
                await page(scope, receive, _with_headers(send))
                return
            challenge = {"WWW-Authenticate": 'Bearer realm="taxonaut"'} if status == 401 else {}
            await problem_response(problem(status, detail), challenge)(scope, receive, _with_headers(send))
            return
        body = _Body(receive, most, self.limits.arrival_s)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if body.refusal is not None and not started:
                return  # what the application makes of half a body
            started = True
            await send(message)

        try:
            await self.app(scope, body.receive, _with_headers(watched))
        except _RefusedBody:
            if body.refusal is None:
                raise
        if body.refusal is not None and not started:
            status, detail = body.refusal
            answer = problem_response(problem(status, detail), {"Connection": "close"})
            await answer(scope, receive, _with_headers(send))


class _RefusedBody(Exception):
    """Ends the reading of a body."""


class _Body:
    """Counts the bytes of a request's body, and waits for each piece only so long."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._read, self._ended = 0, False
        self.refusal: tuple[int, str] | None = None

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._seconds)
        except TimeoutError:
            self.refusal = 408, f"the request did not arrive within {self._seconds:g} seconds"
            raise _RefusedBody from None
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            self.refusal = 413, _too_long(self._most)
            raise _RefusedBody
        self._ended = not message.get("more_body", False)
        return message


def _wants_page(scope: Scope) -> bool:
    reads_page = scope["method"] == "GET" and not scope["path"].startswith(("/api", "/v1", "/mcp"))
    return reads_page and "text/html" in Headers(scope=scope).get("accept", "")


def _too_long(most: int) -> str:
    return f"the request is longer than {most >> 20} MiB; send fewer texts, or start a job for many (POST /api/jobs)"


def _declared_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            more: list[Any] = [
                (name.lower().encode(), value.encode())
                for name, value in SECURITY_HEADERS.items()
                if name.lower().encode() not in present
            ]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending
