"""Download a file that a user names by its web address: https alone, with limits on its size and the time."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.sources import max_unpacked, plain_suffix, too_large

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+\Z", re.IGNORECASE)
WAIT_S = 30.0
"""Seconds without an answer after which a download ends."""

LONGEST_S = 600.0
"""Seconds that a whole download may take."""

MOST_REDIRECTS = 5
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_AT_ONCE = 1 << 16
_STARTS = (
    (b"PAR1", ".parquet"),
    (b"ARROW1", ".arrow"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", ".xls"),
    (b"@prefix", ".ttl"),
    (b"@base", ".ttl"),
    (b"PREFIX", ".ttl"),
    (b"[", ".json"),
    (b"{", ".json"),
)
"""What files without a known suffix begin with, and the suffix that they get."""


def is_address(given: str) -> bool:
    """Whether a word is a web address."""
    return bool(ADDRESS.match(given))


@contextmanager
def downloaded(address: str, *, wait_s: float = WAIT_S, longest_s: float = LONGEST_S) -> Iterator[Path]:
    """Download a file for the block; its name is that in the address, with a suffix by its content where it has none.

    Raises InputError for an address that is not https (or http on this machine), one with a password, a redirect to
    such an address, an answer that is an error or a web page, and a file of more than `max_unpacked` bytes or that
    takes too long. The content type that the server gives is not used.
    """
    _check_address(address)
    with TemporaryDirectory(prefix="taxonaut-") as folder:
        path = Path(folder, _name_in(address))
        try:
            _fetch(address, path, wait_s, time.monotonic() + longest_s)
        except HTTPError as error:
            error.close()
            raise InputError(
                f"{address} cannot be read: the server answers {error.code} {error.reason}"
            ) from None
        except (URLError, HTTPException, TimeoutError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise InputError(
                f"{address} cannot be read: {reason}. Check the address and the network, or download it yourself and "
                "give the file"
            ) from None
        yield _with_suffix(address, path)


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise InputError(f"{address} is no address: {error}") from None
    if parts.scheme.lower() != "https" and not (parts.scheme.lower() == "http" and parts.hostname in _LOCAL):
        raise InputError(f"{address} is not read: give an address with https://, or download the file first")
    if parts.username or parts.password:
        raise InputError(
            f"the address at {parts.hostname} has a user name or password in it; download the file first"
        )


class _CheckedRedirects(HTTPRedirectHandler):
    """Follows a few redirects, each to an address that could have been given."""

    max_redirections = MOST_REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Check the new address."""
        try:
            _check_address(newurl)
        except InputError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(address: str, path: Path, wait_s: float, until: float) -> None:
    left = max_unpacked()
    opener = build_opener(_CheckedRedirects)
    request = Request(address, headers={"User-Agent": "taxonaut", "Accept-Encoding": "identity"})
    with opener.open(request, timeout=wait_s) as answer, path.open("wb") as file:
        while part := answer.read(_AT_ONCE):
            left -= len(part)
            if left < 0:
                raise too_large(address)
            if time.monotonic() > until:
                raise InputError(f"{address} takes too long; download the file yourself and give it")
            file.write(part)
        expected = answer.headers.get("Content-Length")
    if expected is not None and expected.isdigit() and path.stat().st_size < int(expected):
        raise InputError(f"{address} broke off; run the same command again")


def _name_in(address: str) -> str:
    """Return the last part of an address as the name of a file."""
    name = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", name).lstrip(".")[-100:] or "download"


def _with_suffix(address: str, path: Path) -> Path:
    """Refuse a web page; give a file that has no suffix one by what it begins with."""
    with path.open("rb") as file:
        start = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"<!doctype html|<html", start, re.IGNORECASE):
        raise InputError(f"{address} is a web page, not a file; give the address of the file itself")
    if plain_suffix(path):
        return path
    xml = ".rdf" if b"rdf:RDF" in start else ".xml"
    suffix = next((suffix for begins, suffix in _STARTS if start.startswith(begins)), "")
    suffix = suffix or (xml if start.startswith(b"<?xml") or b"rdf:RDF" in start else "")
    if not suffix:
        suffix = ".csv" if any(sign in start.partition(b"\n")[0] for sign in b",;\t") else ".txt"
    return path.rename(path.with_name(path.name + suffix))
