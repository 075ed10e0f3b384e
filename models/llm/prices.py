"""What tokens cost, by the price list in LiteLLM's package; LiteLLM is not imported, and nothing is fetched."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from taxonaut.models.settings import ModelSettings

LIST = "model_prices_and_context_window_backup.json"
"""The price list of a release of LiteLLM, in its package."""

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of a million tokens, read and written, in any one currency; LiteLLM's list is in US dollars.

    `reused`: of those that a provider read from its cache; None: as any others.
    """

    read: float = 0.0
    written: float = 0.0
    reused: float | None = None

    def cost(self, read: int, written: int, reused: int = 0) -> float:
        """Return the price of tokens; `reused` of those that were `read` came from a provider's cache."""
        kept = self.read if self.reused is None else self.reused
        return (self.read * (read - reused) + kept * reused + self.written * written) / MILLION


FREE = Prices()
"""Models that run in this process, and encoders."""


@lru_cache(maxsize=1)
def price_list() -> Mapping[str, Mapping[str, Any]]:
    """Read LiteLLM's list, by model string; empty if this LiteLLM has none."""
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(folder) / LIST
        if file.is_file():
            listed: Mapping[str, Mapping[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
            return listed
    return {}


def listed_prices(model: str) -> Prices | None:
    """Return the prices of a LiteLLM model string; None if the list lacks it."""
    known = price_list()
    listed = known.get(model) or known.get(model.partition("/")[2]) or {}
    read, written = listed.get("input_cost_per_token"), listed.get("output_cost_per_token")
    if read is None or written is None:
        return None
    reused = listed.get("cache_read_input_token_cost")
    return Prices(
        float(read) * MILLION, float(written) * MILLION, None if reused is None else float(reused) * MILLION
    )


def prices_of(settings: ModelSettings, given: Prices | None = None) -> Prices | None:
    """Return a role's prices: free in this process, else `given`, else those of the list; None if unknown."""
    if settings.in_process or settings.provider == "encoder":
        return FREE
    return given if given is not None else listed_prices(settings.model)
