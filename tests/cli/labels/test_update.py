"""`taxonaut labels update`."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

NEW = """\
id,name,path
shoes,Trainers,Sport > Shoes > Trainers
boots,Hiking boots,Sport > Camping > Hiking boots
tents,Family tents,Sport > Camping > Family tents
apples,Red apples,Food > Fruit > Red apples
figs,Figs,Food > Fruit > Figs
"""
SHOWN = """\
4 of 5 labels of new.csv are known; 1 new, 1 renamed, 1 moved, 1 gone, to be retired
+ new         Food > Fruit > Figs
~ renamed     Running shoes → Trainers
> moved       Hiking boots: from Sport > Shoes to Sport > Camping
- gone        Food > Fruit > Green pears
"""


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    path.write_text(NEW, encoding="utf-8")
    return path


def listed(run: Any, shop: Path) -> dict[str, str]:
    """The first path of each label."""
    rows = map(json.loads, run("labels", "list", "--json", "-w", shop).out.splitlines())
    return {row["id"]: " > ".join(row["paths"][0]) for row in rows}


def test_what_differs_is_shown_and_nothing_is_changed_unasked(run: Any, shop: Path, new: Path) -> None:
    before = listed(run, shop)
    for options in ([], ["--dry-run"]):
        called = run("labels", "update", new, *options, "-w", shop)
        assert (called.code, called.out) == (0, SHOWN)
        assert "to take over the 4 that are certain: --yes" in called.err
    assert listed(run, shop) == before


def test_all_that_is_certain_is_taken_over_and_back(run: Any, shop: Path, new: Path) -> None:
    before = listed(run, shop)
    called = run("labels", "update", new, "--yes", "-w", shop)
    assert (called.code, called.out) == (0, SHOWN)
    assert listed(run, shop) == {
        "shoes": "Sport > Shoes > Trainers",
        "boots": "Sport > Camping > Hiking boots",
        "tents": "Sport > Camping > Family tents",
        "apples": "Food > Fruit > Red apples",
        "figs": "Food > Fruit > Figs",
    }
    taken, undo = called.err.splitlines()[-1].split("; take it back: taxonaut ")
    assert taken == "taken over: 1 new, 1 renamed, 1 moved, 1 gone, to be retired"
    assert run("labels", "update", new, "--yes", "-w", shop).err == "the workspace is up to date\n"
    assert run(*undo.split()).code == 0
    assert listed(run, shop) == before


def test_kinds_or_an_edited_table_are_accepted(run: Any, shop: Path, new: Path, tmp_path: Path) -> None:
    assert run("labels", "update", new, "--accept", "renamed", "-q", "-w", shop).code == 0
    assert listed(run, shop)["shoes"] == "Sport > Shoes > Trainers"
    assert "pears" in listed(run, shop)
    table = tmp_path / "changes.csv"
    called = run("labels", "update", new, "-o", table, "--dry-run", "-w", shop)
    assert f"wrote 3 changes to {table}" in called.err
    table.write_text(table.read_text(encoding="utf-8").replace("yes,gone", "no,gone"), encoding="utf-8")
    found = json.loads(run("labels", "update", new, "--accept", table, "--json", "-w", shop).out)
    assert found["applied"] == {"new": 1, "moved": 1}
    assert [row["change"] for row in found["left"]] == ["gone"]


def test_mistakes_are_told(run: Any, shop: Path, new: Path, tmp_path: Path) -> None:
    called = run("labels", "update", new, "--accept", "new,remaned", "-w", shop)
    assert called.code == 2
    assert called.err.startswith(
        "error: --accept 'new,remaned': 'remaned' is no kind of change and no file; kinds are new"
    )
    (tmp_path / "cars.csv").write_text("id,path\n1,Cars\n2,Cars > Vans\n3,Boats\n", encoding="utf-8")
    called = run("labels", "update", tmp_path / "cars.csv", "--yes", "-w", shop)
    assert called.code == 2
    assert "only 0 % of its labels match those of the workspace (0 of 3); nothing was changed" in called.err
    (tmp_path / "part.csv").write_text(
        "id,name,path\nboots,Hiking boots,Sport > Shoes > Hiking boots\n", encoding="utf-8"
    )
    called = run("labels", "update", tmp_path / "part.csv", "--yes", "-w", shop)
    assert called.code == 2
    assert "part.csv lacks 4 of the 5 labels; nothing was changed" in called.err
    assert run("labels", "update", tmp_path / "part.csv", "--yes", "--partial", "-w", shop).code == 0
    called = run("labels", "update", new, "--accept", new, "-w", shop)
    assert (called.code, "there is no column 'accept'; give a table that was written by" in called.err) == (
        2,
        True,
    )
    (tmp_path / "empty.csv").write_text("id,name\n", encoding="utf-8")
    assert run("labels", "update", tmp_path / "empty.csv", "--yes", "-w", shop).code == 2
