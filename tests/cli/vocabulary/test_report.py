"""`taxonaut vocabulary report` as a person calls it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.records import Item, Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def tagged(blank: Path) -> Path:
    """Three items, two of them pens, on a vocabulary of two descriptors drawn by hand."""
    with Workspace.open(blank) as workspace:
        nodes = (TreeNode(1, "Pens"), TreeNode(2, "Paper"))
        workspace.index.load_tree(Tree("vocabulary", nodes, ((0, 1), (0, 2)), ()))
        pens, _ = (each for each in workspace.index.snapshot().nodes if each != workspace.index.root())
        workspace.items.put([Item(ItemId(f"i{number}"), f"thing {number}") for number in range(3)])
        paths = [(pens,), (pens,), ()]
        tags = [Tagging(ItemId(f"i{number}"), path) for number, path in enumerate(paths)]
        Taggings(workspace.database).put(RunId(1), tags)
    return blank


def test_it_writes_a_page_where_one_is(
    run: Any, tagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("vocabulary", "report", "-w", tagged)
    assert (called.code, called.out) == (0, "")
    size = (tmp_path / "vocabulary.html").stat().st_size / 1e6
    assert called.err == f"wrote 2 descriptors and 3 items to vocabulary.html ({size:.1f} MB)\n"
    assert run("vocabulary", "report", "mine.html", "--quiet", "-w", tagged).err == ""
    assert (tmp_path / "mine.html").read_bytes() == (tmp_path / "vocabulary.html").read_bytes()


def test_json_is_the_numbers_and_no_page_unless_one_is_named(
    run: Any, tagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("vocabulary", "report", "--json", "-w", tagged)
    numbers = json.loads(called.out)
    assert called.err == ""
    assert not (tmp_path / "vocabulary.html").exists()
    assert numbers == {
        "items": 3,
        "covered": 2,
        "uncovered": 1,
        "descriptors": 2,
        "leaves": 2,
        "depth": 1,
        "utilization": 0.5,
        "unused": 1,
        "median_items": 1.0,
        "most_items": 2,
        "levels": [
            {
                "level": 1,
                "descriptors": 2,
                "items": 2,
                "coverage": 2 / 3,
                "reachable": 3,
                "coverage_of_reachable": 2 / 3,
                "used": 1,
                "median_items": 1.0,
                "most_items": 2,
                "utilization": 0.5,
            }
        ],
        "resolvers": [1 / 3],
        "coverage": 2 / 3,
        "rounds": [],
        "steps": [],
        "confused": None,
        "shared_paths": [{"path": ["Pens"], "items": 2}],
    }
    both = run("vocabulary", "report", "a.html", "--json", "-w", tagged)
    assert json.loads(both.out) == numbers
    assert both.err.startswith("wrote 2 descriptors and 3 items to a.html")


def test_the_page_can_go_to_standard_output(run: Any, tagged: Path) -> None:
    called = run("vocabulary", "report", "-", "-w", tagged)
    assert called.out.startswith("<!DOCTYPE html>")
    assert "to standard output" in called.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.pdf"], "error: cannot write a report to 'a.pdf': use the suffix .html or .htm\n"),
        (["no/a.html"], "error: the folder 'no' does not exist; create it first, or name another file\n"),
        (
            ["-", "--json"],
            "error: --json prints the numbers to standard output; name a file for the page, or leave it out\n",
        ),
    ],
)
def test_a_file_that_cannot_be_written_is_an_error(
    run: Any, tagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("vocabulary", "report", *arguments, "-w", tagged)
    assert (called.code, called.out, called.err) == (2, "", said)


def test_without_a_vocabulary_it_says_how_to_build_one(run: Any, shop: Path) -> None:
    called = run("vocabulary", "report", "--json", "-w", shop)
    assert called.code == 2
    assert called.err == (
        f"error: {str(shop)!r} has no vocabulary yet; build one: taxonaut vocabulary build ITEMS\n"
    )


def test_without_plotly_the_error_names_the_extra(
    run: Any, tagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    called = run("vocabulary", "report", "-w", tagged)
    assert (called.code, called.err) == (
        5,
        "error: plotly is not installed; install it with: pip install 'taxonaut[report]'\n",
    )
