"""The owner thread: one thread makes, uses and frees; others queue."""

import asyncio
import subprocess
import sys
import threading

import pytest

from taxonaut.models.gguf.worker_thread import Owner
from taxonaut.state.errors import ModelError


def test_one_thread_makes_uses_and_frees() -> None:
    seen: list[tuple[str, int]] = []
    owner = Owner(
        "thing",
        lambda: seen.append(("make", threading.get_ident())) or [0],
        lambda _: seen.append(("free", threading.get_ident())),
    )
    assert seen == []

    for _ in range(3):
        owner.run(lambda _: seen.append(("use", threading.get_ident())))
    owner.close()
    owner.close()

    assert [name for name, _ in seen] == ["make", "use", "use", "use", "free"]
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


def test_errors_go_to_the_caller_and_the_thread_lives_on() -> None:
    owner = Owner("thing", lambda: 1, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        owner.run(lambda one: one / 0)
    assert owner.run(lambda one: one + 1) == 2
    owner.close()


def test_a_failing_make_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ModelError("no room")
        return 5

    owner = Owner("thing", make, lambda _: None)
    with pytest.raises(ModelError, match="no room"):
        owner.run(lambda five: five)
    assert owner.run(lambda five: five) == 5
    owner.close()


def test_closing_cancels_what_waits() -> None:
    owner = Owner("thing", lambda: 1, lambda _: None)
    started, go = threading.Event(), threading.Event()
    running = owner.call(lambda _: (started.set(), go.wait()))
    waiting = owner.call(lambda one: one)
    started.wait()
    threading.Timer(0.05, go.set).start()
    owner.close()
    assert running.done()
    assert waiting.cancelled()
    with pytest.raises(ModelError, match="'thing' was closed"):
        owner.call(lambda one: one)


async def test_a_future_can_be_awaited() -> None:
    owner = Owner("thing", lambda: 20, lambda _: None)
    found = await asyncio.gather(*(asyncio.wrap_future(owner.call(lambda n, i=i: n + i)) for i in range(3)))
    assert found == [20, 21, 22]
    owner.close()


def test_two_threads_work_side_by_side() -> None:
    owner = Owner("thing", lambda: 1, lambda _: None, threads=2)
    barrier = threading.Barrier(2, timeout=60)
    for future in [owner.call(lambda _: barrier.wait()) for _ in range(2)]:
        future.result()
    owner.close()


def test_an_open_owner_does_not_keep_the_interpreter() -> None:
    code = (
        "from taxonaut.models.gguf.worker_thread import Owner\n"
        "o = Owner('t', lambda: 1, lambda _: print('freed'))\n"
        "o.run(print)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "1\nfreed\n", "")
