"""Tell whoever listens how far a graph is.

`graph.astream(..., stream_mode="custom")` gives what its own steps emit; `listening` hears all graphs that run
inside its block, those that a workspace's methods run too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from taxonaut.state.updates import Update

Tell = Callable[[Update], None]

_HEARD: ContextVar[Tell | None] = ContextVar("heard", default=None)


def emit(update: Update) -> None:
    """Hand an update to the run this is called in; nothing happens outside of one, or if nobody listens.

    Works in steps of `invoke` and `ainvoke`, and in threads that `asyncio.to_thread` starts.
    """
    from langgraph.config import get_stream_writer

    tell = _HEARD.get()
    if tell is not None:
        tell(update)
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # no run at all, or a runnable that is not part of a graph
        return
    write(update)


@contextmanager
def listening(tell: Tell) -> Iterator[None]:
    """Call `tell` with every update of graphs that run inside this block, from whichever thread they run in.

    >>> with listening(print):
    ...     workspace.classify(["wireless earbuds"])
    """
    token = _HEARD.set(tell)
    try:
        yield
    finally:
        _HEARD.reset(token)
