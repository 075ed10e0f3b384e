"""Take one turn after another: send what the user typed to the conversation, and show the answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxonaut import models
from taxonaut.cli.chat.talk import Begin, Talk
from taxonaut.cli.chat.view import View
from taxonaut.state.errors import TaxonautError
from taxonaut.state.updates import ChangeDeclined, ChangeMade, ToolFinished, ToolStarted

if TYPE_CHECKING:
    from taxonaut.tools.support.chat_tool import Proposal

YES = {"y", "yes", "yes please", "ja", "ok", "do it"}
NO = {"n", "no", "nein", "no thanks"}

BY_MODEL = (
    "not made: a language model proposed this, so --yes does not count; look at it, and say yes yourself "
    "(a / command needs no model)"
)


@dataclass(slots=True)
class TurnEnd:
    """How a turn ended: whether a call was refused, nothing was understood, or a change waits for yes."""

    calls: int = 0
    refused: bool = False
    not_understood: bool = False
    waits: bool = False


class Turns:
    """Takes a thread from turn to turn.

    `begins` is called when a turn starts, to show that an answer is awaited.
    """

    def __init__(self, talk: Talk, view: View, begins: Callable[[], None] = lambda: None) -> None:
        self.talk, self.view, self.begins = talk, view, begins

    def say(self, line: str) -> TurnEnd:
        """Take what the user typed: a message, a `/` command, or yes or no to a change that waits."""
        if self.waiting is not None and plain(line) in YES | NO:
            return self.decide(plain(line) in YES)
        if line.startswith("/"):
            return self.take(lambda chat: chat.command(line))
        return self.take(lambda chat: chat.say(line))

    def confirms(self, line: str) -> bool:
        """Whether a line is a yes to a change that waits."""
        return self.waiting is not None and plain(line) in YES

    def decide(self, yes: bool) -> TurnEnd:
        """Say yes or no to the change that waits."""
        return self.take(lambda chat: chat.decide(yes))

    def resume(self) -> TurnEnd:
        """Go on with a turn that was broken off."""
        return self.take(lambda chat: chat.resume())

    @property
    def waiting(self) -> Proposal | None:
        """The change that waits for yes."""
        return self.talk.ready().pending

    @property
    def by_model(self) -> bool:
        """Whether a language model proposed that change."""
        return self.talk.ready().by_model

    @property
    def interrupted(self) -> bool:
        """Whether the last turn was broken off."""
        return self.talk.ready().interrupted

    def take(self, begin: Begin) -> TurnEnd:
        """Show a turn to its end; an error of ours becomes the view's last line of it."""
        end = TurnEnd()
        self.begins()
        try:
            with closing(self.talk.updates(begin)) as updates:
                for update in updates:
                    match update:
                        case ToolStarted() | ChangeMade() | ChangeDeclined():
                            end.calls += 1
                        case ToolFinished(failed=failed):
                            end.refused = failed
                    self.view.show(update)
        finally:
            self.view.pause()
        end.waits = self.waiting is not None
        end.refused = end.refused or self.talk.ready().gave_up
        end.not_understood = not end.calls and self.chooses and not end.waits
        return end

    @property
    def chooses(self) -> bool:
        """Whether the assistant only chooses among tools, so that an answer without a call is a question back."""
        return self.talk.workspace.config.models.assistant.provider == models.catalog.ENCODER


def plain(line: str) -> str:
    """Return a line as it is compared with `YES` and `NO`."""
    return line.strip().casefold().rstrip(".!")


def error_line(error: Exception, *, debug: bool) -> str:
    """Write an error in a line."""
    if isinstance(error, TaxonautError):
        return f"error: {error}"
    hint = "" if debug else "; --debug shows where, and please report it"
    return f"error: {type(error).__name__}: {error}{hint}"
