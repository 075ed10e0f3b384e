"""A conversation that works in the background: it loads while the user types, and Ctrl-C breaks off an answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

import taxonaut
from taxonaut import conversation, models
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.updates import Update

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

Begin: TypeAlias = "Callable[[taxonaut.Conversation], AsyncGenerator[Update, None]]"
"""Starts a turn: `lambda chat: chat.say("…")`."""


class Talk:
    """One thread of a workspace, opened in the background. Close it, or use it in a `with` block.

    `warms`: what the first answer needs is made ready, too, unless a message is waiting for it already.
    """

    def __init__(self, workspace: Workspace, thread: str, *, warms: bool = False) -> None:
        self.workspace, self.warms = workspace, warms
        self.open(thread)

    def open(self, thread: str) -> None:
        """Begin to open a thread."""
        self.thread = thread
        self.chat: Future[taxonaut.Conversation] = Future()
        self.asked = threading.Event()
        self.loading = threading.Thread(target=self._load, name="taxonaut-chat", daemon=True)
        self.loading.start()

    def ready(self) -> taxonaut.Conversation:
        """Return the conversation once it is open; raises the error if it cannot be opened."""
        return self.chat.result()

    def updates(self, begin: Begin) -> Generator[Update, None, None]:
        """Yield a turn's updates as they come. Ctrl-C ends the turn in order and is raised then."""
        self.asked.set()
        chat = self.ready()
        yield from PORTAL.iterate(begin(chat))

    def switch(self, thread: str) -> None:
        """Go on in another thread."""
        self.close()
        self.open(thread)

    def close(self) -> None:
        """Close the conversation; the thread stays as it is."""
        self.loading.join()
        if self.chat.exception() is None:
            PORTAL.run(self.chat.result().aclose())

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self) -> None:
        try:
            assistant = conversation.assistants.open_assistant(self.workspace)
            chat = taxonaut.Conversation.open(self.workspace, self.thread, assistant=assistant)
            self.chat.set_result(PORTAL.run(chat.__aenter__()))
        except BaseException as error:  # noqa: BLE001
            self.chat.set_exception(error)
            return
        if self.warms and self.workspace.config.models.assistant.provider == models.catalog.ENCODER:
            with contextlib.suppress(Exception):  # the first answer meets the same error, and says so
                if not self.asked.is_set():
                    PORTAL.run(conversation.assistants.warm_up(assistant, chat.toolbox))
                if not self.asked.is_set():
                    conversation.assistants.warm_up_labels(self.workspace)
