"""A conversation that works in the background: it loads while a person types, and Ctrl-C breaks off an answer."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from queue import SimpleQueue
from typing import TYPE_CHECKING

from taxonaut.models.catalog import ENCODER
from taxonaut.state.updates import Update

if TYPE_CHECKING:
    from taxonaut.agents.assistant import Assistant
    from taxonaut.conversation.conversation import Conversation
    from taxonaut.tools.support.chat_tool import Toolbox
    from taxonaut.workspace.workspace import Workspace

PROBES = 20
"""Labels that are looked up to see whether labels have vectors yet."""

Begin = Callable[["Conversation"], AsyncGenerator[Update, None]]
"""Starts a turn: `lambda chat: chat.say("…")`."""


class Talk:
    """One thread of a workspace, opened in the background. Close it, or use it in a `with` block.

    `warms`: what the first answer needs is made ready, too, unless a message is waiting for it already. Python's
    garbage collector, if it is off, is on again after the first turn.
    """

    def __init__(self, workspace: "Workspace", thread: str, *, warms: bool = False) -> None:
        self.workspace, self.thread, self.warms = workspace, thread, warms
        self.chat: Conversation | None = None
        self.failure: BaseException | None = None
        self.opened = threading.Event()
        self.asked = threading.Event()
        self.loading = threading.Thread(target=self._load, name="taxonaut-chat", daemon=True)
        self.loading.start()

    def ready(self) -> "Conversation":
        """Return the conversation once it is there; raises what stood in its way."""
        self.opened.wait()
        if self.failure is not None:
            raise self.failure
        assert self.chat is not None
        return self.chat

    def updates(self, begin: Begin) -> Iterator[Update]:
        """Give a turn's updates as they come. Ctrl-C ends the turn in order and is raised then."""
        from taxonaut.graphs.sync_bridge import PORTAL

        self.asked.set()
        chat = self.ready()
        loop = PORTAL.start()
        came: SimpleQueue[Update | asyncio.Task[None]] = SimpleQueue()
        tasks: list[asyncio.Task[None]] = []

        async def pump() -> None:
            async with aclosing(begin(chat)) as updates:
                async for update in updates:
                    came.put(update)

        def start() -> None:
            tasks.append(loop.create_task(pump()))
            tasks[0].add_done_callback(came.put)

        loop.call_soon_threadsafe(start)
        try:
            while not isinstance(update := came.get(), asyncio.Task):
                yield update
        except (KeyboardInterrupt, GeneratorExit):
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            while not isinstance(came.get(), asyncio.Task):
                pass
            raise
        finally:
            gc.enable()
        if not update.cancelled() and (error := update.exception()) is not None:
            raise error

    def switch(self, thread: str) -> None:
        """Go on in another thread."""
        self.close()
        Talk.__init__(self, self.workspace, thread, warms=self.warms)

    def close(self) -> None:
        """Close the conversation; the thread stays as it is."""
        from taxonaut.graphs.sync_bridge import PORTAL

        self.loading.join()
        if self.chat is not None:
            PORTAL.run(self.chat.__aexit__(None, None, None))
            self.chat = None

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self) -> None:
        try:
            from taxonaut.conversation.assistants import assistant_of
            from taxonaut.conversation.conversation import Conversation
            from taxonaut.graphs.sync_bridge import PORTAL

            assistant = assistant_of(self.workspace)
            chat = Conversation.open(self.workspace, self.thread, assistant=assistant)
            self.chat = PORTAL.run(chat.__aenter__())
        except BaseException as error:  # noqa: BLE001
            self.failure = error
            return
        finally:
            self.opened.set()
        if self.warms and self.workspace.config.models.assistant.provider == ENCODER:
            if not self.asked.is_set():
                PORTAL.run(warm(assistant, chat.toolbox))
            if not self.asked.is_set():
                warm_labels(self.workspace)
        if not self.asked.is_set():
            gc.enable()


async def warm(assistant: "Assistant", toolbox: "Toolbox") -> None:
    """Let an encoder read something, so that its weights and the tree's names are there when they are wanted."""
    from taxonaut.tools.support.chat_tool import Focus

    said = [{"role": "user", "content": "what is at the top?"}]
    await assistant.step(said, Focus(), toolbox.tools, lambda _: None)


def warm_labels(workspace: "Workspace") -> None:
    """Read the labels' vectors, unless many are still to be made: that is for who asks first to see."""
    from taxonaut.agents.support.texts import PATH_SEPARATOR

    wiring = workspace.wiring
    if not workspace.compares_vectors:
        return
    texts = list(wiring.label_texts().values())
    some = [text.rpartition(PATH_SEPARATOR)[2] for text in texts[:: max(1, len(texts) // PROBES)]]
    if wiring.embeddings.get(wiring.stored.embedder.name, some)[1].all():
        wiring.scorer  # noqa: B018
