"""One labelled text as a person reads it: the text with its telling phrase, then its labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taxonaut.cli.terminal import clipped, path_text, printable, styled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from taxonaut.state.records import Item, ItemResult, Prediction

EVIDENCE = "bold yellow"
LONGEST_TEXT = 300
LONGEST_PHRASE = 40


def print_item(console: "Console", item: "Item", result: "ItemResult") -> None:
    """Print an item's text and its labels, best first, or what went wrong with it."""
    telling = result.labels[0].evidence if result.labels else ""
    console.print(marked(item.text, telling))
    if result.error:
        console.print(styled(f"  failed: {result.error}", "red"))
    if result.labels:
        console.print(ranking(result.labels))
    elif not result.error:
        console.print(styled("  no label fits", "dim"))
    console.print()


def ranking(labels: "Sequence[Prediction]", *, with_origin: bool = False) -> "Table":
    """Return labels as rows: score, path, the phrase that earned it, and where the shortlist got it."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for label in labels:
        origin = [styled(label.origin, "dim")] if with_origin else []
        table.add_row(styled(f"  {label.score:.2f}"), path_text(label.path), quoted(label.evidence), *origin)
    return table


def quoted(phrase: str) -> "Text":
    """Return a phrase of an item between quotation marks, or nothing."""
    shown = clipped(printable(phrase), LONGEST_PHRASE)
    return styled(f"“{shown}”" if shown else "", "yellow")


def marked(text: str, phrase: str) -> "Text":
    """Return a text, cut around a phrase if it is long, with the phrase standing out."""
    whole, wanted = " ".join(printable(text).split()), " ".join(printable(phrase).split())
    at = whole.find(wanted) if wanted else -1
    start = max(0, at + len(wanted) // 2 - LONGEST_TEXT // 2) if len(whole) > LONGEST_TEXT and at > 0 else 0
    shown = clipped(whole[start:], LONGEST_TEXT)
    shown = f"…{shown}" if start else shown
    line = styled(shown, "bold")
    if wanted and (place := shown.find(wanted)) >= 0 and wanted != shown:
        line.stylize(EVIDENCE, place, place + len(wanted))
    return line
