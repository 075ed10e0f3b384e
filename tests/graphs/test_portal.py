"""The portal: coroutines from synchronous code, their errors, Ctrl-C, and an end that leaves nothing running."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from typing import Any

import pytest
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.graph import START, StateGraph

from taxonaut.graphs.sync_bridge import PORTAL, Portal, step

pytestmark = pytest.mark.slow


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


async def thread_name() -> str:
    return threading.current_thread().name


def test_work_is_done_on_one_loop_in_its_own_thread(portal: Portal) -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert portal.run(thread_name()) == "taxonaut"
    assert portal.run(loop()) is portal.run(loop())


def test_errors_come_to_the_caller(portal: Portal) -> None:
    async def fail() -> None:
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        portal.run(fail())


async def test_it_works_where_a_loop_runs(portal: Portal) -> None:
    assert portal.run(thread_name()) == "taxonaut"


def test_several_threads_may_wait_at_once(portal: Portal) -> None:
    meeting = threading.Barrier(3, timeout=60)

    async def meet() -> int:
        return await asyncio.to_thread(meeting.wait)

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(portal.run(meet()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2]


def test_waiting_for_itself_is_refused(portal: Portal) -> None:
    async def nested() -> str:
        return portal.run(thread_name())

    with pytest.raises(RuntimeError, match="a synchronous call inside an asynchronous one; await its twin"):
        portal.run(nested())


def test_a_coroutine_that_cancels_itself_is_a_cancellation(portal: Portal) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CancelledError):
        portal.run(give_up())


def test_closing_ends_what_runs_and_the_portal_may_start_again() -> None:
    portal, ended, started = Portal(), [], threading.Event()

    async def wait_for_ever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("in order")

    async def leave_behind() -> asyncio.Task[None]:
        return asyncio.create_task(wait_for_ever())

    task = portal.run(leave_behind())
    started.wait()
    portal.close()
    portal.close()
    assert (ended, task.cancelled()) == (["in order"], True)
    assert portal.run(thread_name()) == "taxonaut"
    portal.close()


INTERRUPTED = """
import asyncio, sys
from taxonaut.graphs.sync_bridge import PORTAL

async def work():
    try:
        print("working", flush=True)
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.01)
        print("put in order", flush=True)

try:
    PORTAL.run(work())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


ITERATED = INTERRUPTED.replace("Event().wait()", "Event().wait(); yield").replace(
    "PORTAL.run(work())", "list(PORTAL.iterate(work()))"
)


@pytest.mark.parametrize("work", [INTERRUPTED, ITERATED], ids=["coroutine", "generator"])
def test_ctrl_c_waits_until_things_are_in_order(work: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", work],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "put in order\ninterrupted\n", "")


async def numbers(ended: list[str]) -> AsyncGenerator[int, None]:
    try:
        for number in range(3):
            yield number
    finally:
        await asyncio.sleep(0)
        ended.append("in order")


def test_a_generator_is_read_to_its_end_or_closed(portal: Portal) -> None:
    ended: list[str] = []
    assert (list(portal.iterate(numbers(ended))), ended) == ([0, 1, 2], ["in order"])
    with closing(portal.iterate(numbers(ended))) as left:
        assert next(left) == 0
    assert ended == ["in order"] * 2


def test_a_generator_s_error_comes_to_the_caller(portal: Portal) -> None:
    async def fail() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        list(portal.iterate(fail()))


def test_a_step_runs_under_invoke_and_ainvoke_alike() -> None:
    async def double(number: int) -> tuple[int, str]:
        return 2 * number, await thread_name()

    made = step(double)
    assert made.invoke(2) == (4, "taxonaut")
    assert asyncio.run(made.ainvoke(2)) == (4, "MainThread")


def test_a_graph_run_synchronously_in_another_one_s_step_is_none_of_its_runs() -> None:
    seen: list[bool] = []

    async def look(state: Any) -> Any:
        seen.append(var_child_runnable_config.get() is not None)
        return state

    async def outside() -> None:
        await look({})

    def call(state: Any) -> Any:
        PORTAL.run(outside())
        return state

    graph: Any = StateGraph(dict)
    graph.add_node("call", call)
    graph.add_node("look", step(look))
    graph.add_edge(START, "call")
    graph.add_edge("call", "look")
    graph.compile().invoke({})
    assert seen == [False, True]
