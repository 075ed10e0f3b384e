"""Run coroutines from synchronous code, whether or not the caller's thread already runs an event loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from langchain_core.runnables import RunnableLambda

T = TypeVar("T")


class Portal:
    """One event loop in a thread of its own; started on first use, closed by `close`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, starting it if need be."""
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                self.thread = threading.Thread(target=self.loop.run_forever, name="taxonaut", daemon=True)
                self.thread.start()
            return self.loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its value. Ctrl-C cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.start())
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and its thread; the portal may be started again."""
        with self.lock:
            if self.loop is None or self.thread is None:
                return
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()
            self.loop = self.thread = None


PORTAL = Portal()
"""The loop on which synchronous runs of a graph do their work."""


def step(function: Callable[[Any], Coroutine[Any, Any, Any]]) -> RunnableLambda[Any, Any]:
    """Make a graph's step that runs under `invoke` and `ainvoke` alike."""

    def synchronous(state: Any) -> Any:
        return PORTAL.run(function(state))

    return RunnableLambda(synchronous, afunc=function)
