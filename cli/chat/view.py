"""How a conversation looks: what was understood, calls as they happen, changes as a diff, answers."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.status import Status
from rich.text import Text

from taxonaut.cli.shared.terminal import clipped, counted, print_json, printable
from taxonaut.state.updates import (
    Answered,
    ChangeMade,
    ChangeProposed,
    Progress,
    Token,
    ToolFinished,
    ToolStarted,
    Understood,
    Update,
    as_row,
)

ASCII = str.maketrans(
    {
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "·": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "→": "->",
        "×": "x",
        "✓": "ok",
        "✗": "no",
        "│": "|",
        "├": "|",
        "└": "`",
        "─": "-",
    }
)


def encodable(text: str, encoding: str) -> str:
    """Return a text that an encoding can write; characters it lacks become ASCII."""
    if encoding.lower().replace("-", "").startswith("utf"):
        return text
    return text.translate(ASCII).encode(encoding, "replace").decode(encoding)


class Flow:
    """Writes pieces of a text as they come; a line of a terminal ends at a space.

    Where no terminal is, the text is written as it comes.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.text = ""
        """All that was said so far, as it came."""
        self.word = ""
        self.column = 0

    def say(self, piece: str) -> None:
        """Write a piece; a word waits until it is whole."""
        self.text += piece
        for sign in encodable(printable(piece, keep_lines=True), self.console.encoding):
            if not sign.isspace():
                self.word += sign
                continue
            self.end_word()
            if sign == "\n":
                self.write("\n")
                self.column = 0
            elif self.column:
                self.write(sign)
                self.column += 1
        if not self.console.is_terminal:
            self.end_word()
        self.console.file.flush()

    def end(self) -> None:
        """Write what waits, and end the line."""
        self.end_word()
        if self.column:
            self.write("\n")
            self.column = 0
        self.console.file.flush()

    def end_word(self) -> None:
        """Write the word that waits, on a new line if it does not fit on this one."""
        length = cell_len(self.word)
        if self.console.is_terminal and self.column and self.column + length >= self.console.width:
            self.write("\n")
            self.column = 0
        self.write(self.word)
        self.column += length
        self.word = ""

    def write(self, text: str) -> None:
        """Write as it is."""
        if text:
            self.console.file.write(text)


SIGNS = {"+": "green", "-": "red", "~": "yellow", "→": "cyan"}
"""The first character of a line that says what changed, and its colour."""

SURE = "make this change? [y/N] "
MOST_LINES = 40
"""Lines of a change that are shown; a program has all of them."""

LONGEST_ARGUMENT = 48
LONGEST_CALL = 72


class View(Protocol):
    """Anything that shows the updates of a conversation."""

    def show(self, update: Update) -> None:
        """Show one."""

    def pause(self) -> None:
        """Take away what moves and end the line that is being written."""

    def lines(self, lines: Sequence[str]) -> None:
        """Show an answer that no conversation gave."""


class JsonView:
    """Each update as one JSON object a line."""

    def show(self, update: Update) -> None:
        """Write it to standard output."""
        print_json(as_row(update), indent=None)
        sys.stdout.flush()

    def pause(self) -> None:
        """Nothing moves."""

    def lines(self, lines: Sequence[str]) -> None:
        """Write an answer of the chat itself as one of the conversation."""
        self.show(Answered("\n".join(lines)))


class ChatView:
    """Short lines for the user: answers on one console, all else on another, which may be the same."""

    def __init__(self, answers: Console, notes: Console, *, quiet: bool = False) -> None:
        self.answers, self.notes, self.quiet = answers, notes, quiet
        self.flow: Flow | None = None
        self.status: Status | None = None
        self.call = ""
        self.said = ""
        """What the last call came to, if it stands on the same console as the answers."""

    def show(self, update: Update) -> None:
        """Show one update; those of other graphs are part of a call and stay folded."""
        match update:
            case Understood(text):
                self.note("understood: " + text if text else "")
            case Token(text):
                self.token(text)
            case ToolStarted():
                self.start(call_text(update.name, update.arguments))
            case Progress():
                self.progress(update)
            case ToolFinished():
                self.finished(update)
            case ChangeProposed():
                self.proposed(update)
            case ChangeMade():
                self.outcome(update.line, failed=False)
            case Answered(text):
                self.answered(text)
            case _:
                return

    def pause(self) -> None:
        """Take away what moves and end the line that is being written."""
        if self.status is not None:
            self.status.stop()
            self.status = None
        if self.flow is not None and self.flow.column:
            self.flow.end()

    def note(self, text: str, style: str = "dim") -> None:
        """Write a line next to the answers."""
        if text and not self.quiet:
            self.pause()
            self.line(self.notes, text, style)

    def token(self, text: str) -> None:
        """Write a piece of an answer."""
        if self.flow is None:
            self.pause()
            self.flow = Flow(self.answers)
        if self.status is not None:
            self.pause()
        self.flow.say(text)

    def start(self, call: str) -> None:
        """Begin to show that a call runs."""
        self.pause()
        self.flow = None
        self.call = call
        if self.notes.is_terminal and not self.quiet:
            self.status = self.spinner(call)
            self.status.start()

    def thinking(self) -> None:
        """Show that an answer is awaited, where somebody watches."""
        if self.status is None and self.notes.is_terminal and not self.quiet:
            self.status = self.spinner("")
            self.status.start()

    def spinner(self, text: str) -> Status:
        """Return what turns while something runs."""
        ascii_only = encodable("✓", self.notes.encoding) != "✓"
        return Status(
            self.text(self.notes, text, "cyan"),
            console=self.notes,
            spinner="line" if ascii_only else "dots",
            spinner_style="cyan",
        )

    def progress(self, update: Progress) -> None:
        """Show how far the call is."""
        if self.status is None:
            return
        known = f" of {update.total:,}" if update.total else ""
        far = f"{update.done:,}{known}" if update.done or update.total else ""
        said = "  ".join(part for part in (self.call, update.stage, far) if part)
        self.status.update(self.text(self.notes, said, "cyan"))

    def finished(self, update: ToolFinished) -> None:
        """Fold a call into one line."""
        time = f"  {update.seconds:.1f} s"
        line = clipped(update.line, max(8, self.notes.width - len(f"✓ {update.name}: {time}")))
        said = f"{update.name}: {line}" if line else update.name
        self.outcome(said + time, failed=update.failed)
        whole = line == update.line and self.notes is self.answers and not self.quiet
        self.said = line if whole else ""

    def outcome(self, text: str, *, failed: bool) -> None:
        """Write a line with a mark of success or failure."""
        self.pause()
        if self.quiet:
            return
        sign = encodable("✗" if failed else "✓", self.notes.encoding)
        said = self.text(self.notes, f"{sign} ", "red" if failed else "green")
        self.notes.print(said.append_text(self.text(self.notes, text, "dim")), soft_wrap=True)

    def proposed(self, update: ChangeProposed) -> None:
        """Show a change as a diff."""
        self.pause()
        self.flow = None
        if update.title != self.said:
            self.line(self.answers, update.title, "bold")
        self.lines(update.diff[:MOST_LINES])
        if (more := len(update.diff) - MOST_LINES) > 0:
            self.line(self.answers, f"… and {counted(more, 'more line')}", "dim")

    def answered(self, text: str) -> None:
        """Write an answer, unless it was read while it was written."""
        streamed = self.flow
        self.pause()
        self.flow = None
        if streamed is not None and streamed.text.strip() == text.strip():
            return
        lines = text.splitlines()
        self.lines(lines[1:] if lines[:1] == [self.said] else lines)
        self.said = ""

    def lines(self, lines: Sequence[str]) -> None:
        """Write lines, broken at the terminal's edge with their indent, the marks of a diff in colour."""
        for line in lines:
            style = SIGNS.get(line[:1], "") if line[1:2] == " " else ""
            self.line(self.answers, line, style)

    def line(self, console: Console, line: str, style: str = "") -> None:
        """Write one line, what does not fit below it and a little further in."""
        if not console.is_terminal:
            console.print(self.text(console, line, style), soft_wrap=True)
            return
        if not line.strip():
            console.print()
            return
        indent = len(line) - len(line.lstrip(" "))
        further = indent + 2
        text = self.text(console, line.strip(), style)
        width = max(20, console.width - further)
        for number, part in enumerate(text.wrap(console, width)):
            part.rstrip()
            lead = " " * (further if number else indent)
            console.print(self.text(console, lead).append_text(part), soft_wrap=True)

    @staticmethod
    def text(console: Console, text: str, style: str = "") -> Text:
        """Return a text for a console as it is, in characters the console can write."""
        return Text(encodable(printable(text), console.encoding), style)


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """Write a call in a line: `list_children node=12`."""
    parts = [f"{key}={clipped(str(value), LONGEST_ARGUMENT)}" for key, value in arguments.items()]
    return clipped(" ".join([name, *parts]), LONGEST_CALL)
