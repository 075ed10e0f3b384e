"""docs/graphs.md shows the graphs as they are."""

from pathlib import Path
from typing import get_args

from graph_pictures import page, pictures

from taxonaut.state import updates

PAGE = Path(__file__).parents[2] / "docs" / "graphs.md"


def essence(text: str) -> list[str]:
    """What a page says, without how LangGraph's version styles a picture: its prose, the steps and the arrows."""
    style = ("---", "config:", "  ", "\tclassDef", "\t__")
    return [line for line in text.splitlines() if "->" in line or not line.startswith(style)]


def test_the_page_is_the_graphs_as_they_are() -> None:
    written = essence(PAGE.read_text(encoding="utf-8"))
    assert written == essence(page()), "run python scripts/graph_pictures.py > docs/graphs.md"
    assert "\t__start__ --> start;" in written


def test_every_update_belongs_to_a_graph() -> None:
    told = {name for picture in pictures() for name in picture.updates}
    by_the_workspace = {
        "TextsReplaced",
        "TextsShortened",
        "UnknownLanguage",
        "LabelsUnplaced",
        "ExpertLeftOut",
    }
    assert told | by_the_workspace == {each.__name__ for each in get_args(updates.Update)}
