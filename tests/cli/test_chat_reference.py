"""docs/chat.md has every `/` command of the chat."""

from pathlib import Path

from chat_reference import command_table, with_table

from taxonaut.cli.chat.commands import OWN

PAGE = Path(__file__).parents[2] / "docs" / "chat.md"


def test_the_page_has_the_table() -> None:
    page, table = PAGE.read_text(encoding="utf-8"), command_table()
    assert with_table(page, table) == page, (
        "run python scripts/chat_reference.py docs/chat.md, and see what changed"
    )
    assert all(f"| `{word}" in table for word in OWN)
