"""Keep keys out of messages: whatever a server echoes is redacted before it is shown or stored."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from taxonaut.models.settings import ModelSettings

REDACTED = "[redacted]"

SHORTEST = 6
"""Characters of a key that is looked for; shorter values, such as `none`, are words."""

SECRET_NAMES = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$")
"""Environment variables that providers take their keys from."""

PATTERNS = (
    re.compile(
        r"(?P<kept>\b(?:proxy-)?authorization\b[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',;}]+",
        re.I,
    ),
    re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.I),
    re.compile(
        r"(?P<kept>\b(?:x-)?(?:api[-_ ]?key|access[-_]?token|auth[-_]?token|client[-_]?secret|secret|password|key)"
        r"[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&)}]{6,}",
        re.I,
    ),
    re.compile(r"(?P<kept>\bapi key (?:provided|given|is|was)?:?\s*[\"']?)[^\s\"',;]{6,}", re.I),
    re.compile(r"(?P<kept>\b\w[\w+.-]*://)[^\s/@\"']+(?=@)"),
    re.compile(r"(?P<kept>)\b(?:sk|pk|rk|gsk|hf|xai|ghp|gho|glpat|xox[abp]|r8|nvapi|pplx)[-_][\w-]{8,}"),
    re.compile(
        r"(?P<kept>)\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|\bAIza[\w-]{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    ),
)


def redact(text: str, settings: ModelSettings | None = None) -> str:
    """Return a text without keys: those in use, those in the environment, and what looks like one."""
    text = redact_values(text, secrets(settings))
    for pattern in PATTERNS:
        text = pattern.sub(lambda found: f"{found.group('kept')}{REDACTED}", text)
    return text


def redact_key(text: str, settings: ModelSettings) -> str:
    """Return a text without the key that its request was sent with; everything else is kept."""
    return redact_values(text, own_secrets(settings))


def redact_values(text: str, values: Iterable[str]) -> str:
    """Replace secrets wherever they occur, also percent-encoded and in base64, the longest first."""
    found = {form for value in values for form in forms(value) if form in text}
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    return text


def forms(value: str) -> tuple[str, ...]:
    """Return a secret as it may be echoed."""
    return value, quote(value, safe=""), base64.b64encode(value.encode(errors="replace")).decode().rstrip("=")


def secrets(settings: ModelSettings | None) -> set[str]:
    """Return all values that are secret: those of a role, and of variables that are named like keys."""
    named = {value for name, value in os.environ.items() if SECRET_NAMES.search(name.upper())}
    return {value for value in named if len(value) >= SHORTEST} | (
        own_secrets(settings) if settings else set()
    )


def own_secrets(settings: ModelSettings) -> set[str]:
    """Return the key of a role, and the user's name and password in its URL."""
    name = settings.api_key_env or f"{settings.provider.upper()}_API_KEY"
    values = {os.environ.get(name, "")}
    parts = credentials(settings.api_base or "")
    return {value for value in (*values, *parts) if len(value) >= SHORTEST}


def credentials(url: str) -> tuple[str, ...]:
    """Return the user's name and password in a URL."""
    name, _, password = url.partition("://")[2].partition("/")[0].rpartition("@")[0].partition(":")
    return tuple(filter(None, (name, password)))


def redact_url(url: str) -> str:
    """Return a URL without user, password and the values in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return redact(url)
    host = parts.netloc.rpartition("@")
    query = re.sub(r"=[^&]*", f"={REDACTED}", parts.query)
    return urlunsplit(parts._replace(netloc=f"{REDACTED}@{host[2]}" if host[1] else host[2], query=query))


def redact_settings(settings: Any) -> Any:
    """Return settings as they may be stored: without credentials in any `api_base`."""
    if isinstance(settings, Mapping):
        return {
            key: redact_url(value) if key == "api_base" and isinstance(value, str) else redact_settings(value)
            for key, value in settings.items()
        }
    return [redact_settings(each) for each in settings] if isinstance(settings, list | tuple) else settings
