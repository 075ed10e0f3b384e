"""Label a stream of items: hand each result on with its item, and count."""

from dataclasses import dataclass
from typing import Any, TypeVar

from taxonaut.state.records import ItemResult
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.resumable import EMPTY_TEXT

R = TypeVar("R")


@dataclass(slots=True)
class Tally:
    """What a call did and what it cost. `blank` items had no text; `failed` leaves them out."""

    items: int = 0
    done: int = 0
    failed: int = 0
    blank: int = 0
    first_error: str = ""
    seconds: float = 0.0
    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0

    def count(self, result: ItemResult) -> None:
        """Count one result."""
        self.items += 1
        if result.error == EMPTY_TEXT:
            self.blank += 1
        elif result.error:
            self.failed += 1
            self.first_error = self.first_error or result.error

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return {
            "items": self.items,
            "failed": self.failed,
            "blank": self.blank,
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "cached": self.cached,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "reused_tokens": self.reused_tokens,
        }

    def spent(self, totals: Totals) -> None:
        """Take over what models were asked."""
        self.requests = totals.requests
        self.cached = totals.cached
        self.prompt_tokens = totals.prompt_tokens
        self.completion_tokens = totals.completion_tokens
        self.reused_tokens = totals.reused_tokens
