"""The conversations of a workspace, listed and deleted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from taxonaut import conversation
from taxonaut.cli.shared.terminal import clipped, counted

if TYPE_CHECKING:
    from taxonaut.conversation.threads import Thread
    from taxonaut.workspace.workspace import Workspace

LONGEST = 60


def thread_lines(workspace: Workspace) -> list[str]:
    """Return a line for each thread, the one that was last at work first."""
    found = conversation.threads.threads(workspace.folder)
    if not found:
        return ["no conversation yet; begin one with: taxonaut chat"]
    rows = [
        (
            thread.name,
            thread.at.replace("T", " "),
            counted(thread.messages, "turn"),
            describe_waiting(thread),
            clipped(" ".join(thread.last.split()), LONGEST),
        )
        for thread in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]


def describe_waiting(thread: Thread) -> str:
    """Say what a thread waits for."""
    if thread.waiting:
        return "a change waits for yes"
    return "broken off" if thread.interrupted else ""


def thread_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the threads as JSON has them."""
    return [asdict(thread) for thread in conversation.threads.threads(workspace.folder)]


def forget_thread(workspace: Workspace, name: str) -> None:
    """Delete a thread; NotFoundError if there is none of this name."""
    conversation.threads.delete_thread(workspace.folder, name)


def thread_names(workspace: Workspace) -> list[str]:
    """Return the threads' names."""
    return [thread.name for thread in conversation.threads.threads(workspace.folder)]


def fresh_name() -> str:
    """Return a name that no thread has yet: the moment."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H.%M.%S")
