"""Confine a non-thread-safe object to dedicated worker threads with one job queue."""

import atexit
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from taxonaut.state.errors import ModelError

Resource = TypeVar("Resource")
Result = TypeVar("Result")

_CLOSE_SECONDS = 10.0
_open: "weakref.WeakSet[WorkerThread[Any]]" = weakref.WeakSet()


class WorkerThread(Generic[Resource]):
    """Runs jobs on a resource that `make` creates on first use and `free` destroys, all on the same thread.

    With several `threads` each has its own resource. An open worker is closed when the interpreter exits; queued jobs
    are then cancelled.
    """

    def __init__(
        self, name: str, make: Callable[[], Resource], free: Callable[[Resource], None], threads: int = 1
    ) -> None:
        self.name = name
        self._make, self._free = make, free
        self._queue: queue.SimpleQueue[Callable[[Resource | None], Resource | None] | None] = (
            queue.SimpleQueue()
        )
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def call(self, work: Callable[[Resource], Result]) -> Future[Result]:
        """Queue work and return its future (`asyncio.wrap_future` to await it)."""
        future: Future[Result] = Future()

        def job(owned: Resource | None) -> Resource | None:
            if self._closed.is_set():
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return owned
            try:
                owned = self._make() if owned is None else owned
                future.set_result(work(owned))
            except BaseException as error:  # noqa: BLE001 - it is the caller's, whichever it is
                future.set_exception(error)
            return owned

        with self._lock:
            if self._closed.is_set():
                raise ModelError(f"the model {self.name!r} was closed; open it again to use it")
            self._start()
            self._queue.put(job)
        return future

    def run(self, work: Callable[[Resource], Result]) -> Result:
        """Queue work and wait for its result."""
        return self.call(work).result()

    def close(self) -> None:
        """Cancel queued jobs, let running ones finish, free the resource. A second call does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_CLOSE_SECONDS)

    def _start(self) -> None:
        if self._threads:
            return
        if not _open:
            atexit.unregister(_close_all)
            atexit.register(_close_all)
        _open.add(self)
        for number in range(self._count):
            thread = threading.Thread(target=self._serve, name=f"{self.name}-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self) -> None:
        owned: Resource | None = None
        while (job := self._queue.get()) is not None:
            owned = job(owned)
            del job
        if owned is not None:
            self._free(owned)


def _close_all() -> None:
    for owner in list(_open):
        owner.close()
