"""Coroutines that may be dropped before they are awaited, as a cancelled request drops them.

LiteLLM's `acompletion` and `aembedding` let a thread make the coroutine that asks the server. Cancelled while
the thread is at it, or before its result is taken, they drop the coroutine, and Python complains on stderr
that it was never awaited.
"""

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from inspect import iscoroutine
from typing import Any


class Droppable(Coroutine[Any, Any, Any]):
    """A coroutine that is closed, and so says nothing, when it is dropped."""

    def __init__(self, held: Coroutine[Any, Any, Any]) -> None:
        self.held = held

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self.held.__await__())  # this object lives for as long as it is awaited

    def send(self, value: Any) -> Any:
        """Resume the coroutine with a value."""
        return self.held.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error inside the coroutine."""
        return self.held.throw(*error)

    def close(self) -> None:
        """End the coroutine; one that never began does not complain."""
        self.held.close()

    def __del__(self) -> None:
        self.close()


def droppable(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that may return a coroutine: a caller that is cancelled may drop it."""

    @wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        made = call(*arguments, **named)
        return Droppable(made) if iscoroutine(made) else made

    return wrapped
