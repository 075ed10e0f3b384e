"""Decision agents, one role per file. An agent calls its model and tools, never DuckDB or LiteLLM."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.agents import navigator as navigator
else:
    __getattr__ = lazy_modules(__name__)
