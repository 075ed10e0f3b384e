"""A conversation at a terminal: a line to type on, Tab, history, Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.cli.chat.commands import LEAVING, completions, run_own_command
from taxonaut.cli.chat.talk import Talk
from taxonaut.cli.chat.turns import BY_MODEL, NO, YES, Turns, error_line
from taxonaut.cli.chat.view import SURE, ChatView
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import clipped, counted, out
from taxonaut.conversation.transcript import Said
from taxonaut.state import stores
from taxonaut.state.errors import TaxonautError
from taxonaut.state.updates import ChangeProposed
from taxonaut.state.workspace_folder import HISTORY_FILE, THREADS_FILE

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer

    from taxonaut.state.index.index import Index
    from taxonaut.workspace.workspace import Workspace

PROMPT = "> "
LAST_TURNS = 2
LONGEST_SHOWN = 400
OURS_ONLY = 0o600
LONGEST_EXAMPLE = 32
GAP = "   "


class Terminal:
    """A user at a terminal, in one thread after another."""

    def __init__(self, session: Session, workspace: Workspace, thread: str, *, yes: bool) -> None:
        self.session, self.workspace, self.yes = session, workspace, yes
        console = out()
        self.view = ChatView(console, console, quiet=session.quiet)
        self.talk = Talk(workspace, thread, warms=True)
        self.turns = Turns(self.talk, self.view, self.view.thinking)
        self.lines = prompt_session(workspace.folder / HISTORY_FILE, self.completer())
        self.sure = prompt_session(None, None)

    def run(self) -> None:
        """Greet, then take one line after another until Ctrl-D or /quit."""
        for number, line in enumerate(banner(self.workspace, self.view.notes.width)):
            self.view.line(self.view.notes, line, "dim" if number else "bold")
        try:
            if self.has_past():
                self.guarded(self.greet)
            while True:
                self.take(self.read())
        except EOFError:
            return
        finally:
            self.view.pause()
            self.talk.close()

    def take(self, line: str) -> None:
        """Take a line. Raises EOFError if the user wants to leave."""
        if line in LEAVING:
            raise EOFError
        if line:
            self.guarded(lambda: self.turn(line))
            self.view.notes.print()

    def turn(self, line: str) -> None:
        """Take a line that is not empty."""
        if not run_own_command(self, line):
            self.settle(self.turns.say(line).waits)

    def read(self) -> str:
        """Return the next line. Raises EOFError when the user leaves."""
        while True:
            try:
                return str(self.lines.prompt(PROMPT)).strip()
            except KeyboardInterrupt:
                self.view.note("/quit or Ctrl-D leaves")

    def guarded(self, turn: Callable[[], object]) -> None:
        """Take a turn; Ctrl-C breaks it off, an error is a line, and the conversation goes on."""
        try:
            turn()
        except KeyboardInterrupt:
            self.view.pause()
            self.view.note("broken off", "yellow")
        except Exception as error:
            self.view.pause()
            if self.session.debug and not isinstance(error, TaxonautError):
                raise
            self.view.line(self.view.notes, error_line(error, debug=self.session.debug), "red")

    def settle(self, waits: bool) -> None:
        """Ask about the change that waits, until none does."""
        while waits:
            answer = self.answer()
            if answer is None:
                self.view.note("the change waits; it is shown again when you come back")
                return
            if answer.strip().casefold() in YES | NO | {""}:
                waits = self.turns.decide(answer.strip().casefold() in YES).waits
            else:
                waits = self.turns.say(answer.strip()).waits

    def answer(self) -> str | None:
        """Return the answer to a proposed change; Ctrl-C is no, Ctrl-D leaves it waiting."""
        if self.yes:
            if not self.turns.by_model:
                return "yes"
            self.view.note(BY_MODEL, "yellow")
        try:
            return str(self.sure.prompt(SURE))
        except KeyboardInterrupt:
            return "no"
        except EOFError:
            return None

    def has_past(self) -> bool:
        """Whether this thread has been talked in, so that it is worth waiting for it before the first line."""
        return stores.conversations.has_thread(self.workspace.folder / THREADS_FILE, self.talk.thread)

    def greet(self) -> None:
        """Show where the thread stands, and go on with what was broken off or waits."""
        self.view.thinking()
        chat = self.talk.ready()
        self.view.pause()
        turns = read_turns(chat.messages)
        if turns:
            shown = min(LAST_TURNS, len(turns))
            said = f"thread {self.talk.thread}: {counted(len(turns), 'turn')}"
            self.view.note(said + (f"; the last {shown}:" if len(turns) > shown else ":"))
            for asked, answered in turns[-LAST_TURNS:]:
                self.view.note(f"{PROMPT}{clipped(asked, LONGEST_SHOWN)}", "dim bold")
                for line in clipped(answered, LONGEST_SHOWN).splitlines():
                    self.view.note(line)
        if self.turns.interrupted:
            self.view.note("the last answer was broken off; going on with it", "yellow")
            self.settle(self.turns.resume().waits)
        elif (proposal := self.turns.waiting) is not None:
            self.view.note("this change waits for your answer", "yellow")
            self.view.show(
                ChangeProposed(
                    proposal.use.id, proposal.title, proposal.diff, proposal.version, self.turns.by_model
                )
            )
            self.settle(True)

    def switch(self, thread: str) -> None:
        """Go on in another thread."""
        self.talk.switch(thread)
        self.greet()

    def print(self, lines: Sequence[str]) -> None:
        """Write an answer of the chat itself."""
        self.view.lines(lines)

    def clear(self) -> None:
        """Empty the screen."""
        self.view.answers.clear()

    def completer(self) -> Completer:
        """Return what Tab asks."""
        from prompt_toolkit.completion import Completer, Completion

        terminal = self

        class Slash(Completer):
            """Completes `/` commands and what follows them."""

            def get_completions(self, document: Any, complete_event: Any) -> Any:
                for text, start in completions(terminal.talk, document.text_before_cursor):
                    yield Completion(text, start_position=start)

        return Slash()


def prompt_session(history: Path | None, completer: Completer | None) -> PromptSession[str]:
    """Return a line to type on; its history is a file that only its owner reads."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, InMemoryHistory
    from prompt_toolkit.output import create_output

    if history is not None:
        os.close(os.open(history, os.O_CREAT | os.O_WRONLY, OURS_ONLY))
        history.chmod(OURS_ONLY)
    return PromptSession(
        history=FileHistory(str(history)) if history is not None else InMemoryHistory(),
        completer=completer,
        complete_while_typing=False,
        output=create_output(always_prefer_tty=True),
    )


def read_turns(messages: Sequence[Said]) -> list[tuple[str, str]]:
    """Return the turns of a thread: what was asked, and the last that was answered."""
    turns: list[tuple[str, str]] = []
    for said in messages:
        if said.by == "person":
            turns.append((said.text, ""))
        elif said.by == "assistant" and turns:
            turns[-1] = (turns[-1][0], said.text)
    return turns


def banner(workspace: Workspace, width: int = 100) -> tuple[str, str]:
    """Return the two lines; as many examples as fit."""
    stats = workspace.index.stats()
    name = workspace.folder.resolve().name or str(workspace.folder)
    size = f"{counted(stats.labels, 'label')}, {counted(stats.nodes, 'node')}"
    model = workspace.config.models.assistant.model
    tried = ["/help", *examples(workspace.index)]
    while len(tried) > 1 and len(GAP.join(["try:", *tried])) >= width:
        tried.pop()
    return f"{name}: {size}; {model}", GAP.join(["try:", *tried])


def examples(index: Index) -> list[str]:
    """Return three things to say, in this tree's own names."""
    tops = index.children(index.root())
    top = next((node for node in tops if index.children(node.id)), next(iter(tops), None))
    if top is None:
        return []
    below = next(iter(index.children(top.id)), top)
    labels = index.labels_at(below.id) or index.labels_at(top.id) or index.search(below.name, 1)
    said = clipped((labels[-1] if labels else below).name, LONGEST_EXAMPLE)
    return [f'where would "{said.lower()}" go?', f"what is under {clipped(below.name, LONGEST_EXAMPLE)}?"]
