"""Print one labelled text: the text with the phrase that earned its first label, then its labels."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from taxonaut.cli.shared.terminal import clipped, path_text, printable, styled
from taxonaut.state.records import ALTERNATIVE_NAME, Item, ItemResult, Prediction

EVIDENCE = "bold yellow"
LONGEST_TEXT = 300
AROUND_PHRASE = 80
LONGEST_PHRASE = 40


def print_item(console: Console, item: Item, result: ItemResult, with_id: bool = False) -> None:
    """Print an item's text and its labels, best first, or what went wrong with it."""
    telling = result.labels[0].evidence if result.labels else ""
    title = styled(f"{item.id}  " if with_id else "", "dim")
    console.print(title.append_text(marked(item.text, telling)))
    if result.error:
        console.print(styled(f"  failed: {result.error}", "red"))
    if result.labels:
        console.print(ranking(result.labels))
    elif not result.error:
        console.print(styled("  no label fits", "dim"))
    console.print()


def ranking(labels: Sequence[Prediction], *, with_origin: bool = False) -> Table:
    """Return labels as rows: score, path, the phrase that earned it, and where the shortlist got it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for label in labels:
        origin = [styled(label.origin, "dim")] if with_origin else []
        table.add_row(styled(f"  {label.score:.2f}"), path_text(label.path), evidence(label), *origin)
    return table


def evidence(label: Prediction) -> Text:
    """Return the phrase that earned a label; of a text of several passages, also where it stands."""
    line = quoted(label.evidence)
    if label.reason == ALTERNATIVE_NAME:
        line.append(f" {label.reason}", "dim")
    if label.place is not None and label.evidence:
        line.append(f" passage {label.place.passage:,} of {label.place.passages:,}", "dim")
    return line


def quoted(phrase: str) -> Text:
    """Return a phrase of an item between quotation marks, or nothing."""
    shown = clipped(printable(phrase), LONGEST_PHRASE)
    return styled(f"“{shown}”" if shown else "", "yellow")


def marked(text: str, phrase: str) -> Text:
    """Return a text with a phrase standing out; of a long text its beginning and what is around the phrase."""
    whole, wanted = " ".join(printable(text).split()), " ".join(printable(phrase).split())
    at = whole.find(wanted) if wanted else -1
    if at + len(wanted) <= LONGEST_TEXT:
        shown = clipped(whole, LONGEST_TEXT)
    else:
        start = whole.rfind(" ", 0, at - AROUND_PHRASE) + 1
        end = at + len(wanted) + AROUND_PHRASE
        shown = f"{clipped(whole, LONGEST_TEXT - 2 * AROUND_PHRASE)} {clipped(whole[start:], end - start)}"
    line = styled(shown, "bold")
    place = shown.rfind(wanted) if wanted and wanted != shown else -1
    if place >= 0:
        line.stylize(EVIDENCE, place, place + len(wanted))
    return line
