"""A graph for a server, whose nodes are the steps of work that runs on the portal's loop, off the server's own.

The work is one coroutine, such as `Workspace.aclassify`, which runs the graphs of this package as often as it needs,
and keeps its finished units itself. A node is active while the work takes the step of that name; the state holds
plain JSON.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from taxonaut.graphs.sync_bridge import PORTAL, following
from taxonaut.state.updates import Update, as_row, listening

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

BEGIN, FINISH = "read_input", "write_output"
"""The first and the last node."""

RUN = "run"
"""The key of the state by which the nodes find their work."""

Graph: TypeAlias = "StateGraph[Any, Any, Any, Any]"
Steps = Mapping[str, Sequence[str]]
"""The steps, the first one first, each with the nodes that may follow it."""

Work = Callable[[Mapping[str, Any]], Coroutine[Any, Any, Mapping[str, Any]]]
"""Does the work on an input, and returns a part of the output."""


@dataclass(slots=True)
class Running:
    """Work of one run: its task, the steps it took that no node has shown yet, and the active node's context."""

    task: "asyncio.Task[Mapping[str, Any]]"
    steps: "asyncio.Queue[str]"
    context: Context


RUNNING: dict[str, Running] = {}
"""The work of this process's runs. One that was killed with its process is begun again, and continues its units."""


def served_graph(
    work: Work, state: type, given: type, answer: type, steps: Steps, empty: Mapping[str, Any]
) -> Graph:
    """Build the graph of `work`, which streams the updates of the work as JSON with a `kind`.

    `state` is its TypedDict, with a key `run`; `given` and `answer` are its parts that go in and come out. At the end
    `empty` replaces what a run leaves in its thread.
    """
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command

    async def begin(state: Any) -> Any:
        key = uuid4().hex
        RUNNING[key] = start(work(dict(state)))
        return Command(goto=await next_step(RUNNING[key], key, steps), update={RUN: key})

    async def follow(state: Any) -> Any:
        running = RUNNING.get(state[RUN])
        if running is None or running.task.get_loop() is not asyncio.get_running_loop():
            return Command(goto=BEGIN)
        return Command(goto=await next_step(running, state[RUN], steps))

    async def finish(state: Any) -> Any:
        running = RUNNING.pop(state[RUN], None)
        if running is None:
            return Command(goto=BEGIN)
        found = await running.task
        return {key: value for key, value in empty.items() if key in state} | dict(found)

    graph: Graph = StateGraph(state, input_schema=given, output_schema=answer)
    graph.add_node(BEGIN, begin, destinations=(*tuple(steps)[:1], FINISH))
    for name, after in steps.items():
        graph.add_node(name, follow, destinations=tuple(after))
    graph.add_node(FINISH, finish)
    graph.add_edge(START, BEGIN)
    graph.add_edge(FINISH, END)
    return graph


def start(work: Coroutine[Any, Any, Mapping[str, Any]]) -> Running:
    """Start work on the portal's loop, and follow its steps and updates from the running one."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[str]()

    def tell(update: Update) -> None:
        running.context.copy().run(write_row, as_row(update))

    with listening(tell), following(lambda name: put(loop, queue, name)):
        task = loop.create_task(PORTAL.await_here(work))
    task.add_done_callback(lambda _: queue.put_nowait(FINISH))
    running = Running(task, queue, copy_context())
    return running


def put(loop: asyncio.AbstractEventLoop, queue: "asyncio.Queue[str]", name: str) -> None:
    """Put a step into a queue of another thread's loop; one that was closed meanwhile needs none."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(queue.put_nowait, name)


def write_row(row: Mapping[str, Any]) -> None:
    """Write to the stream of the current run."""
    from langgraph.config import get_stream_writer

    get_stream_writer()(row)


async def next_step(running: Running, key: str, steps: Steps) -> str:
    """Wait for the next step that is a node; FINISH once the work has ended. A cancellation ends the work."""
    running.context = copy_context()
    try:
        while (name := await running.steps.get()) not in steps and name != FINISH:
            pass
    except asyncio.CancelledError:
        RUNNING.pop(key, None)
        running.task.cancel()
        raise
    return name


class Elsewhere:
    """Makes methods of an object run on the portal's loop, for graphs that a server runs on its own."""

    def __init__(self, wrapped: Any, *methods: str) -> None:
        self._wrapped = wrapped
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        return elsewhere(found) if name in self._methods else found


def elsewhere(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a coroutine function that runs `method` on the portal's loop."""

    async def run(*given: Any) -> Any:
        return await PORTAL.await_here(method(*given))

    return run
