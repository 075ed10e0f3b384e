"""Tell how far a graph is: `graph.astream(..., stream_mode="custom")` gives what its own steps emit."""

from taxonaut.state.updates import Update, tell


def emit(update: Update) -> None:
    """Hand an update to whoever listens, and to the stream of the run this is called in.

    Works in steps of `invoke` and `ainvoke`, and in threads that `asyncio.to_thread` starts.
    """
    tell(update)
    stream(update)


def stream(update: Update) -> None:
    """Write an update into the stream of the run this is called in; nothing happens outside of one."""
    from langgraph.config import get_stream_writer

    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # no run at all, or a runnable that is not part of a graph
        return
    write(update)
