"""Counts and costs of one call over many items."""

from dataclasses import dataclass, field
from typing import Any

from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.resumable import EMPTY_TEXT


@dataclass(slots=True)
class Tally:
    """What a call did and cost. `blank` counts items without a text, `failed` the others that got an error."""

    items: int = 0
    failed: int = 0
    blank: int = 0
    first_error: str = ""
    seconds: float = 0.0
    totals: Totals = field(default_factory=Totals)

    def count(self, error: str) -> None:
        """Count one item; `error` is empty if it succeeded."""
        self.items += 1
        if error == EMPTY_TEXT:
            self.blank += 1
        elif error:
            self.failed += 1
            self.first_error = self.first_error or error

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        return {
            "items": self.items,
            "failed": self.failed,
            "blank": self.blank,
            "seconds": round(self.seconds, 3),
            "requests": self.totals.requests,
            "comparisons": self.totals.comparisons,
            "cached": self.totals.cached,
            "prompt_tokens": self.totals.prompt_tokens,
            "completion_tokens": self.totals.completion_tokens,
            "reused_tokens": self.totals.reused_tokens,
        }
