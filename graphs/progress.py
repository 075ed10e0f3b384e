"""Emit progress updates; `graph.astream(..., stream_mode="custom")` yields those of its own steps."""

import sys

from taxonaut.state.updates import Update, tell


def emit(update: Update) -> None:
    """Send an update to the listeners and to the stream of the current graph run.

    Works in steps of `invoke` and `ainvoke` and in threads started by `asyncio.to_thread`.
    """
    tell(update)
    stream(update)


def stream(update: Update) -> None:
    """Write an update to the stream of the current graph run, if there is one."""
    if "langgraph.pregel" not in sys.modules:  # no graph runs, and a walk need not wait for the import
        return
    from langgraph.config import get_stream_writer

    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # no run at all, or a runnable that is not part of a graph
        return
    write(update)
