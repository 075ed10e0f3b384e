"""Run coroutines from synchronous code, whether or not the caller's thread already runs an event loop."""

import asyncio
import atexit
import contextvars
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from taxonaut.state.errors import ModelError, ModelReplyError

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable


def first_fatal(errors: Iterable[ModelError | None]) -> ModelError | None:
    """Return the first error that a retry cannot fix; an invalid reply (`ModelReplyError`) can be retried."""
    return next((error for error in errors if error and not isinstance(error, ModelReplyError)), None)


def as_problems(error: ModelError | None) -> tuple[str, ...]:
    """Return an error as the problems of an attempt; () without one."""
    return () if error is None else (str(error),)


T = TypeVar("T")


class Sentinel(Enum):
    """Marks the end of a generator."""

    END = 0


class Portal:
    """An event loop in its own thread, started on first use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; start it if needed."""
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                self.thread = threading.Thread(target=self.loop.run_forever, name="taxonaut", daemon=True)
                self.thread.start()
                atexit.register(self.close)
            return self.loop

    def run(self, coroutine: Coroutine[Any, Any, T], *, inside: bool = False) -> T:
        """Run a coroutine and return its value; it sees the caller's context variables.

        Graphs it runs are independent of a graph that calls it, unless the coroutine is a step `inside` that graph.
        Ctrl-C cancels it and is raised once the coroutine has cleaned up; a second Ctrl-C does not wait. Raises
        RuntimeError in the portal's own thread, where it would wait for itself.
        """
        if threading.current_thread() is self.thread:
            coroutine.close()
            raise RuntimeError(
                "a synchronous call inside an asynchronous one; await its twin, such as `aclassify`"
            )
        loop = self.start()
        outcome: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []
        context = contextvars.copy_context()
        langchain = sys.modules.get("langchain_core.runnables.config")
        if langchain is not None and not inside:
            context.run(langchain.var_child_runnable_config.set, None)

        def begin() -> None:
            task = loop.create_task(coroutine, context=context)
            tasks.append(task)
            task.add_done_callback(lambda done: copy_result(outcome, done))

        def stop() -> None:
            if tasks:
                tasks[0].cancel()
            else:  # interrupted before it began
                coroutine.close()
                outcome.cancel()
                outcome.set_running_or_notify_cancel()

        try:
            loop.call_soon_threadsafe(begin)
            return outcome.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(stop)
            wait([outcome])
            raise

    async def await_here(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the portal's loop and await it on the running one, which stays free meanwhile.

        It sees the caller's context variables, but is no part of the caller's graph. A cancellation cancels it.
        """
        context = contextvars.copy_context()
        langchain = sys.modules.get("langchain_core.runnables.config")
        if langchain is not None:
            context.run(langchain.var_child_runnable_config.set, None)
        loop = await asyncio.to_thread(self.start)
        return await asyncio.wrap_future(context.run(asyncio.run_coroutine_threadsafe, coroutine, loop))

    def iterate(self, given: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yield from an asynchronous generator; it is closed on Ctrl-C and when iteration stops early."""

        async def next_value() -> T | Sentinel:
            return await anext(given, Sentinel.END)

        try:
            while not isinstance(found := self.run(next_value()), Sentinel):
                yield found
        except GeneratorExit:
            self.run(given.aclose())
            raise

    def close(self) -> None:
        """Cancel all tasks, stop the loop and its thread; the portal may be started again."""
        with self.lock:
            if self.loop is None or self.thread is None:
                return
            asyncio.run_coroutine_threadsafe(cancel_tasks(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()
            self.loop = self.thread = None
            atexit.unregister(self.close)


def copy_result(outcome: Future[T], task: asyncio.Task[T]) -> None:
    """Copy a task's result, error or cancellation to the future of the waiting thread."""
    if task.cancelled():
        outcome.cancel()
        outcome.set_running_or_notify_cancel()
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


async def cancel_tasks() -> None:
    """Cancel all other tasks of this loop and wait for them, then shut down its generators and executor."""
    loop = asyncio.get_running_loop()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


PORTAL = Portal()
"""The loop that runs graphs for synchronous callers."""


_ON_STEP: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar(
    "taxonaut_on_step", default=None
)


@contextmanager
def following(on_step: Callable[[str], None]) -> Iterator[None]:
    """Call `on_step` with the name of each step that graphs of this context begin, nested ones too."""
    token = _ON_STEP.set(on_step)
    try:
        yield
    finally:
        _ON_STEP.reset(token)


def tell_step(function: Callable[..., Any]) -> None:
    """Say that a step begins; it has the name of its function."""
    on_step = _ON_STEP.get()
    if on_step is not None:
        on_step(function.__name__)


def step(function: Callable[[Any], Coroutine[Any, Any, Any]]) -> "Runnable[Any, Any]":
    """Return a graph node that runs a coroutine function under `invoke` and `ainvoke` alike.

    It is no RunnableLambda: LangChain caches the functions of the last 256 of those, which would keep closed
    workspaces alive.
    """
    return step_class()(function)


@cache
def step_class() -> "Callable[[Callable[[Any], Coroutine[Any, Any, Any]]], Runnable[Any, Any]]":
    """Define the class of steps; this imports LangChain."""
    from langchain_core.runnables import Runnable

    class Step(Runnable[Any, Any]):
        """Runs a coroutine function on the state."""

        def __init__(self, function: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
            self.function = function

        def invoke(self, input: Any, config: Any = None, **_: Any) -> Any:
            """Run the function on the portal's loop and wait."""
            return PORTAL.run(self.function(input), inside=True)

        async def ainvoke(self, input: Any, config: Any = None, **_: Any) -> Any:
            """Run the function on the running loop."""
            tell_step(self.function)
            return await self.function(input)

    return Step
