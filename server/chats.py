"""Conversations over HTTP: one assistant for all threads, one turn at a time in each."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

from taxonaut.agents.assistant import Assistant, OnToken, Turn
from taxonaut.conversation.assistants import open_assistant
from taxonaut.conversation.conversation import Conversation
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.server.problems import ProblemError, problem_of
from taxonaut.state.updates import TalkUpdate, as_row
from taxonaut.tools.support.chat_tool import Focus, Tool
from taxonaut.workspace.workspace import Workspace

Begin = Callable[[Conversation], AsyncGenerator[TalkUpdate, None]]
"""Starts a turn: `lambda chat: chat.say("…")`."""

Event = tuple[str, Any]
"""A kind of event, `update`, `problem` or `end`, with its JSON."""


class NoAssistant:
    """Stands where a thread is only read."""

    writes = False

    async def step(
        self,
        messages: Sequence[Mapping[str, Any]],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Refuse: reading a thread takes no step."""
        raise AssertionError("a thread that is read takes no step")


class Chats:
    """The conversations of a service."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._assistant: Assistant | None = None
        self._opening = threading.Lock()
        self._talking: set[str] = set()

    def open(self, thread: str, person: str = "", assistant: Assistant | None = None) -> Conversation:
        """Return a thread that reads and writes no file of this machine."""
        tools = WorkspaceTools(self._workspace, allowed_files=(), person=person)
        return Conversation.open(
            self._workspace, thread, assistant=assistant or NoAssistant(), toolbox=tools, files=False
        )

    def assistant(self) -> Assistant:
        """Return the assistant of the settings, opened once."""
        with self._opening:
            if self._assistant is None:
                self._assistant = open_assistant(self._workspace)
            return self._assistant

    async def turn(self, thread: str, person: str, begin: Begin) -> AsyncGenerator[Event, None]:
        """Take a turn and yield its events; leaving earlier breaks it off. The last one is `end`, or `problem`.

        Raises ProblemError (409) where the thread is answering already.
        """
        if thread in self._talking:
            raise ProblemError(
                409, f"the thread {thread!r} is answering already; wait for that, or stop it first"
            )
        self._talking.add(thread)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        here = asyncio.get_running_loop()

        def tell(event: Event | None) -> None:
            with suppress(RuntimeError):  # the service's loop has ended
                here.call_soon_threadsafe(events.put_nowait, event)

        async def talk() -> None:
            try:
                assistant = await asyncio.to_thread(self.assistant)
                async with self.open(thread, person, assistant) as chat:
                    async with aclosing(begin(chat)) as updates:
                        async for update in updates:
                            tell(("update", as_row(update)))
                    tell(("end", {}))
            except Exception as error:  # noqa: BLE001 (told as a problem)
                tell(("problem", problem_of(error).model_dump()))
            finally:
                self._talking.discard(thread)
                tell(None)

        talking = asyncio.run_coroutine_threadsafe(talk(), await asyncio.to_thread(PORTAL.start))
        try:
            while (event := await events.get()) is not None:
                yield event
        finally:
            talking.cancel()
