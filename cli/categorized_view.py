"""One categorized text as a person reads it: the text, its category, who decided, and why."""

from typing import TYPE_CHECKING

from taxonaut.cli.item_view import LONGEST_TEXT
from taxonaut.cli.terminal import clipped, counted, path_text, printable, styled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from taxonaut.state.expertise import Categorized
    from taxonaut.state.records import Item

LONGEST_REASON = 400


def print_categorized(
    console: "Console", item: "Item", result: "Categorized", *, with_id: bool = False
) -> None:
    """Print an item's text and what came of it."""
    title = styled(f"{item.id}  " if with_id else "", "dim")
    text = " ".join(printable(item.text).split())
    console.print(title.append_text(styled(clipped(text, LONGEST_TEXT), "bold")))
    console.print(styled("  ").append_text(outcome(result)))
    if result.reason:
        console.print(styled(f"  “{clipped(' '.join(result.reason.split()), LONGEST_REASON)}”", "yellow"))
    console.print()


def outcome(result: "Categorized") -> "Text":
    """Say in a line which category an item got and who decided, or why it got none."""
    sure = f"{result.recommended.confidence:.0%}"
    if result.label is not None:
        line = path_text(result.path or (result.label,))
        who = f"the domain expert, {sure} sure"
        if result.verdict == "general":
            of = "of it too" if result.ranking[:1] == result.recommended.labels[:1] else "of another"
            who = f"the general expert; the domain expert was {sure} sure {of}"
        return line.append(f"   {who}", "cyan not bold not dim")
    if result.verdict == "failed":
        return styled(f"failed: {result.error}", "red")
    candidates = counted(len(result.recommended.labels), "candidate")
    said = {
        "none": f"no category: none of {candidates} fits, says the general expert",
        "undecided": "no category: the general expert cannot decide"
        if result.recommended.labels
        else "no category: the domain expert has no candidate",
        "blank": "no category: the text is empty",
    }
    return styled(said[result.verdict], "dim")
