"""Write the log of changes for people and for machines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taxonaut.cli.terminal import out, styled
from taxonaut.workspace.change_lines import summary

if TYPE_CHECKING:
    from taxonaut.state.records import Change


def change_row(change: "Change") -> dict[str, Any]:
    """Return a change as JSON has it."""
    return {
        "number": change.id,
        "first_event": change.first,
        "at": change.at,
        "operations": dict(change.operations),
        "what": summary(change),
        "note": change.note,
        "undone": change.is_undone,
        "undone_by": change.undone_by,
    }


def print_changes(changes: "Sequence[Change]") -> None:
    """Print changes, one a line."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for style in ("bold", "dim", "", "dim"):
        table.add_column(style=style, overflow="fold")
    for change in changes:
        undone = ""
        if change.undone:
            part = "" if change.is_undone else f"{change.undone} of {sum(change.operations.values())} "
            undone = f"{part}undone by {change.undone_by}"
        table.add_row(
            styled(str(change.id)),
            styled(change.at.replace("T", " ")),
            styled(summary(change)),
            styled(undone),
        )
    if changes:
        out().print(table)
