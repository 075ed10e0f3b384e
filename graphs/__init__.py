"""In which order agents act: builders of uncompiled LangGraph state graphs.

>>> from taxonaut.graphs import navigate
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxonaut.graphs.navigate import WalkPolicy, navigate

__all__ = ["WalkPolicy", "navigate"]


def __getattr__(name: str) -> Any:
    """Import LangGraph only when a graph is asked for."""
    if name in __all__:
        from importlib import import_module

        module = import_module("taxonaut.graphs.navigate")
        value = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
