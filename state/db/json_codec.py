"""Encode lists and mappings as JSON text columns, and decode them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def pack(values: Sequence[object]) -> str:
    """Encode a list; an empty one as the empty string."""
    return dump(list(values)) if values else ""


def unpack(text: str) -> tuple[Any, ...]:
    """Decode what `pack` returned."""
    return tuple(json.loads(text)) if text else ()


def dump(value: object) -> str:
    """Encode any JSON value on one line."""
    return _encoder.encode(value)


def load(text: str) -> dict[str, Any]:
    """Decode an object that `dump` returned."""
    return cast(dict[str, Any], json.loads(text))


def canonical(value: Mapping[str, Any]) -> str:
    """Encode a mapping with sorted keys: equal mappings give equal texts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
