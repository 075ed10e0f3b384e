"""Lists page by page: `limit` entries, and an opaque `after` that says where the next page begins."""

import base64
import binascii
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from taxonaut.state.errors import InputError

T = TypeVar("T")

MOST = 500

LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="At most so many entries.")]
AfterQuery = Annotated[
    str, Query(max_length=2_000, description="`next` of the page before; empty for the first page.")
]


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is what `after` of the next request must be, null at the end."""

    entries: list[T]
    next: str | None = None


def cursor(*place: Any) -> str:
    """Write where a page ended."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(after: str, *kinds: type) -> tuple[Any, ...] | None:
    """Read what `cursor` wrote, None for the first page. Raises InputError for anything else."""
    if not after:
        return None
    try:
        place = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != len(kinds)
        or not all(type(each) is kind for each, kind in zip(place, kinds, strict=True))
    ):
        raise InputError(f"after is {after[:80]!r}; give what `next` of the page before said, or nothing")
    if any(isinstance(each, int) and not -(2**62) < each < 2**62 for each in place):
        raise InputError(f"after is {after[:80]!r}; give what `next` of the page before said, or nothing")
    return tuple(place)
