"""Number the options of one request, so that a model answers with short integers instead of our ids."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from taxonaut.state.errors import ToolError

T = TypeVar("T")

NONE_ID = 0
"""The number for *none of these*, which is always allowed."""

UNDECIDED_ID = -1
"""The number for *cannot decide*, allowed if the text may say too little."""


@dataclass(frozen=True, slots=True)
class Offer(Generic[T]):
    """Options in the order shown, numbered from 1. `seed` is the seed of the shuffle."""

    options: tuple[T, ...]
    seed: int

    def pick(self, numbers: Sequence[int]) -> list[T]:
        """Return the options behind the numbers; ToolError for a number that is not on offer."""
        for number in numbers:
            if not 1 <= number <= len(self.options):
                raise ToolError(f"{number!r} is not on offer; the numbers are 1 to {len(self.options)}")
        return [self.options[number - 1] for number in numbers]


def shuffle_options(options: Sequence[T], seed: int) -> Offer[T]:
    """Shuffle options by a seed, against position bias."""
    order = list(options)
    random.Random(seed).shuffle(order)
    return Offer(tuple(order), seed)


def choice_schema(field: str, count: int, most: int, what: str) -> dict[str, Any]:
    """Return the JSON schema of a call that takes up to `most` of `count` numbered options, or [0]."""
    return {
        "type": "object",
        "properties": {
            field: {
                "type": "array",
                "items": {"type": "integer", "enum": [NONE_ID, *range(1, count + 1)]},
                "minItems": 1,
                "maxItems": most,
                "description": f"The numbers of {what}, best first; [{NONE_ID}] if none fits.",
            }
        },
        "required": [field],
        "additionalProperties": False,
    }
