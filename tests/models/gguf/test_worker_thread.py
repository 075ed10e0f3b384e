"""The worker thread: one thread makes, uses and frees; others queue."""

import asyncio
import subprocess
import sys
import threading

import pytest

from taxonaut.models.gguf.worker_thread import WorkerThread
from taxonaut.state.errors import ModelError

pytestmark = pytest.mark.slow


def test_one_thread_makes_uses_and_frees() -> None:
    seen: list[tuple[str, int]] = []
    worker = WorkerThread(
        "thing",
        lambda: seen.append(("make", threading.get_ident())) or [0],
        lambda _: seen.append(("free", threading.get_ident())),
    )
    assert seen == []

    for _ in range(3):
        worker.run(lambda _: seen.append(("use", threading.get_ident())))
    worker.close()
    worker.close()

    assert [name for name, _ in seen] == ["make", "use", "use", "use", "free"]
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


def test_errors_go_to_the_caller_and_the_thread_lives_on() -> None:
    worker = WorkerThread("thing", lambda: 1, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda one: one / 0)
    assert worker.run(lambda one: one + 1) == 2
    worker.close()


def test_a_failing_make_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ModelError("no room")
        return 5

    worker = WorkerThread("thing", make, lambda _: None)
    with pytest.raises(ModelError, match="no room"):
        worker.run(lambda five: five)
    assert worker.run(lambda five: five) == 5
    worker.close()


def test_closing_cancels_what_waits() -> None:
    worker = WorkerThread("thing", lambda: 1, lambda _: None)
    started, go = threading.Event(), threading.Event()
    running = worker.call(lambda _: (started.set(), go.wait()))
    waiting = worker.call(lambda one: one)
    started.wait()
    threading.Timer(0.05, go.set).start()
    worker.close()
    assert running.done()
    assert waiting.cancelled()
    with pytest.raises(ModelError, match="'thing' was closed"):
        worker.call(lambda one: one)


async def test_a_future_can_be_awaited() -> None:
    worker = WorkerThread("thing", lambda: 20, lambda _: None)
    found = await asyncio.gather(*(asyncio.wrap_future(worker.call(lambda n, i=i: n + i)) for i in range(3)))
    assert found == [20, 21, 22]
    worker.close()


def test_two_threads_work_side_by_side() -> None:
    worker = WorkerThread("thing", lambda: 1, lambda _: None, threads=2)
    barrier = threading.Barrier(2, timeout=60)
    for future in [worker.call(lambda _: barrier.wait()) for _ in range(2)]:
        future.result()
    worker.close()


def test_an_open_worker_does_not_keep_the_interpreter() -> None:
    code = (
        "from taxonaut.models.gguf.worker_thread import WorkerThread\n"
        "o = WorkerThread('t', lambda: 1, lambda _: print('freed'))\n"
        "o.run(print)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "1\nfreed\n", "")
