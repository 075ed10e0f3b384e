"""Tell whoever streams a graph how far it is: `graph.astream(..., stream_mode="custom")` gives what is emitted."""

from langgraph.config import get_stream_writer

from taxonaut.state.updates import Update


def emit(update: Update) -> None:
    """Hand an update to the run this is called in; nothing happens outside of one, or if nobody listens.

    Works in steps of `invoke` and `ainvoke`, and in threads that `asyncio.to_thread` starts.
    """
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # no run at all, or a runnable that is not part of a graph
        return
    write(update)
