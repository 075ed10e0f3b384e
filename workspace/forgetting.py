"""Let go of what LangChain keeps of graphs that are no longer used."""

import sys

_MODULE = "langchain_core.runnables.utils"


def forget_nodes() -> None:
    """Empty LangChain's cache of node functions.

    It keeps the last 256, and with them workspaces that were closed: their memory, and with PyTorch loaded also
    DuckDB's objects past the end of the interpreter, which DuckDB then reports on the terminal.
    """
    cached = getattr(sys.modules.get(_MODULE), "get_function_nonlocals", None)
    clear = getattr(cached, "cache_clear", None)
    if clear is not None:
        clear()
