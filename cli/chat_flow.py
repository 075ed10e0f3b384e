"""An answer on a terminal as it is written: words are broken at the edge, and nothing in it is a control sign."""

from typing import TYPE_CHECKING

from taxonaut.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

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


def sayable(text: str, encoding: str) -> str:
    """Return a text that an encoding can write; signs it lacks become ASCII."""
    if encoding.lower().replace("-", "").startswith("utf"):
        return text
    return text.translate(ASCII).encode(encoding, "replace").decode(encoding)


class Flow:
    """Writes pieces of a text as they come; a line of a terminal ends at a space.

    Where no terminal is, the text is written as it comes.
    """

    def __init__(self, console: "Console") -> None:
        self.console = console
        self.text = ""
        """All that was said so far, as it came."""
        self.word = ""
        self.column = 0

    def say(self, piece: str) -> None:
        """Write a piece; a word waits until it is whole."""
        self.text += piece
        for sign in sayable(printable(piece, keep_lines=True), self.console.encoding):
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
        from rich.cells import cell_len

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
