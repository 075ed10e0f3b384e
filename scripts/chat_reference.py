"""Write the table of `/` commands into docs/chat.md.  python scripts/chat_reference.py docs/chat.md"""

import sys
import tempfile
from pathlib import Path

from taxonaut.cli.chat.commands import OWN, slash_command
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.workspace.workspace import Workspace

BEGIN, END = "<!-- commands -->\n", "<!-- end of commands -->"


def command_table() -> str:
    """Return every `/` command as a Markdown table: those of the tools, then those of the chat itself."""
    with tempfile.TemporaryDirectory() as folder, Workspace.init(Path(folder) / "none") as workspace:
        rows = [
            (f"{slash_command(tool)} {tool.usage}".strip(), tool.name, tool.spec.description)
            for tool in WorkspaceTools(workspace).tools.values()
        ]
    rows += [(f"{word} {own.usage}".strip(), "", own.about) for word, own in OWN.items()]
    lines = [f"| `{command}` | {name} | {about} |" for command, name, about in escaped(rows)]
    return "\n".join(["| command | tool | what it does |", "|---|---|---|", *lines]) + "\n"


def escaped(rows: list[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    """Return cells in which `|` does not end one."""
    return [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]


def with_table(page: str, table: str) -> str:
    """Return a page whose table is this one."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8"), command_table()), encoding="utf-8")
