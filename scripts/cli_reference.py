"""Write docs/cli.md: every command's own help.  python scripts/cli_reference.py > docs/cli.md"""

import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from taxonaut.cli.main import app

INTRODUCTION = """# Commands

Every command's `--help`, written by `python scripts/cli_reference.py`; a test holds this page to it.
Results go to standard output, all else to standard error; progress is shown only to a person at a terminal.
"""


def reference() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for words in commands():
        shown = CliRunner().invoke(
            app, [*words, "--help"], env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
        )
        text = "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())
        parts.append(f"## {' '.join(['taxonaut', *words])}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def commands() -> Iterator[list[str]]:
    """Yield the words of each command, the root first."""
    yield []
    waiting: list[tuple[list[str], Any]] = [([], get_command(app))]
    while waiting:
        words, command = waiting.pop(0)
        for name, child in getattr(command, "commands", {}).items():
            yield [*words, name]
            waiting.append(([*words, name], child))


if __name__ == "__main__":
    sys.stdout.write(reference())
