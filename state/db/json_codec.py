"""How lists and mappings become text columns, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def pack(values: Sequence[object]) -> str:
    """Write a list as JSON text; an empty one as the empty string."""
    return dump(list(values)) if values else ""


def unpack(text: str) -> tuple[Any, ...]:
    """Read what `pack` wrote."""
    return tuple(json.loads(text)) if text else ()


def dump(value: object) -> str:
    """Write any JSON value on one line."""
    return _encoder.encode(value)


def load(text: str) -> dict[str, Any]:
    """Read an object that `dump` wrote."""
    return cast(dict[str, Any], json.loads(text))


def canonical(value: Mapping[str, Any]) -> str:
    """Write a mapping so that equal mappings give equal texts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
