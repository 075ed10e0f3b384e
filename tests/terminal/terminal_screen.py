"""What a terminal shows: text without its control codes, as a person reads it. For transcripts and tests."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_CODE = re.compile(
    r"\x1b\[(?P<values>[0-9;?]*)(?P<letter>[A-Za-z])"  # CSI
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    r"|\x1b[=>()][0-9A-Za-z]?"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*|\][^\x07\x1b]*)?$")


class Screen:
    """The lines that were written so far, scrolled ones too; enough of a terminal for what we write to one."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self.rest = ""

    def feed(self, text: str) -> None:
        """Take what a program wrote; a code that was cut in two waits for its end."""
        text = self.rest + text
        cut = _UNFINISHED.search(text)
        self.rest = text[cut.start() :] if cut else ""
        text = text[: cut.start()] if cut else text
        at = 0
        for code in _CODE.finditer(text):
            self.write(text[at : code.start()])
            self.obey(code["letter"], code["values"] or "")
            at = code.end()
        self.write(text[at:])

    def write(self, text: str) -> None:
        """Write signs where the cursor is."""
        for sign in text:
            if sign == "\n":
                self.down(1)
            elif sign == "\r":
                self.column = 0
            elif sign == "\b":
                self.column = max(0, self.column - 1)
            elif sign >= " ":
                line = self.rows[self.row]
                line.extend(" " * (self.column + 1 - len(line)))
                line[self.column] = sign
                self.column += 1

    def obey(self, letter: str | None, values: str) -> None:
        """Move the cursor or wipe; colours and modes are nothing to read."""
        count = int(values) if values.isdigit() else 0
        line = self.rows[self.row]
        match letter:
            case "A":
                self.row = max(0, self.row - max(1, count))
            case "B":
                self.down(max(1, count))
            case "C":
                self.column += max(1, count)
            case "D":
                self.column = max(0, self.column - max(1, count))
            case "G":
                self.column = max(0, count - 1)
            case "K" if count == 0:
                del line[self.column :]
            case "K":
                line.clear()
            case "J" if count == 0:
                del line[self.column :]
                del self.rows[self.row + 1 :]
            case "J":
                self.rows.append([])
                self.row, self.column = len(self.rows) - 1, 0
            case _:
                return

    def down(self, count: int) -> None:
        """Go down, to new lines if there are none."""
        self.row += count
        while len(self.rows) <= self.row:
            self.rows.append([])

    def lines(self) -> list[str]:
        """Return what there is to read."""
        return ["".join(row).rstrip() for row in self.rows]

    def text(self) -> str:
        """Return the lines as one text, without empty ones at the end."""
        return "\n".join(self.lines()).rstrip()


class Played:
    """A program in a terminal of its own, typed to by a script; needs pexpect."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        width: int = 100,
        height: int = 50,
        patience_s: float = 60,
    ) -> None:
        import pexpect  # type: ignore[import-untyped]

        self.patience_s = patience_s
        self.screen = Screen()
        self.process: Any = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**env, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
            dimensions=(height, width),
            encoding="utf-8",
            echo=False,
        )
        self.process.delaybeforesend = None

    def send(self, keys: str) -> None:
        """Press keys."""
        self.process.send(keys)

    def wait(self, is_so: Callable[[str], bool]) -> float:
        """Read until the screen's text is as wanted; return the seconds it took. TimeoutError shows the screen."""
        import pexpect

        began = time.perf_counter()
        while not is_so(self.screen.text()):
            if time.perf_counter() - began > self.patience_s:
                raise TimeoutError(f"the terminal shows:\n{self.screen.text()}")
            try:
                self.screen.feed(self.process.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                if is_so(self.screen.text()):
                    break
                raise TimeoutError(f"the program ended; the terminal shows:\n{self.screen.text()}") from None
        return time.perf_counter() - began

    def wait_for(self, text: str) -> float:
        """Read until the screen's last lines hold a text."""
        return self.wait(lambda shown: text in shown)

    def ended(self) -> int:
        """Wait for the program's end and return its exit code."""
        import pexpect

        self.process.timeout = self.patience_s
        self.process.expect(pexpect.EOF)
        self.screen.feed(self.process.before)
        self.process.close()
        return int(self.process.exitstatus)

    def close(self) -> None:
        """End the program, whatever it does."""
        self.process.close(force=True)
