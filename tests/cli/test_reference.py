"""docs/cli.md has every command with every option, as `--help` shows them."""

from pathlib import Path

import pytest
from cli_reference import commands
from typer.main import get_command

from taxonaut.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = list(commands())


def section(words: list[str]) -> str:
    """Return a command's part of the page."""
    title = f"\n## {' '.join(['taxonaut', *words])}\n"
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(title)
    assert found, f"docs/cli.md lacks {title.strip()!r}: run python scripts/cli_reference.py > docs/cli.md"
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_s_options_are_on_the_page(words: list[str]) -> None:
    command = get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    if hasattr(command, "load"):
        command = command.load()
    options = [
        name for parameter in command.params for name in parameter.opts if name.startswith("--") and words
    ]
    text = section(words)
    assert [name for name in options if name not in text] == []


def test_the_page_has_no_command_that_is_not_there() -> None:
    titles = [
        line.removeprefix("## ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("## ")
    ]
    assert titles == [" ".join(["taxonaut", *words]) for words in COMMANDS]
