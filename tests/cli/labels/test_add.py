"""`taxonaut labels add`."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

NEW = """\
id,name,path
sandals,Sandals,Sport > Shoes > Sandals
boots,Hiking boots,Sport > Shoes > Hiking boots
laces,Boot laces,Home > Boot laces
shoes2,running shoes,Sport > Shoes > running shoes
"""

DIFF = """\
+ label     'Sandals' (sandals) in Sport > Shoes #4
+ label     'Walking poles' (poles) in Sport > Camping #5
"""


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    path.write_text(NEW, encoding="utf-8")
    return path


def test_labels_are_added_and_taken_back(run: Any, shop: Path, new: Path) -> None:
    before = run("index", "show", "--depth", 5, "--json", "-w", shop).out
    called = run("labels", "add", new, "-w", shop)
    assert (called.code, called.out) == (0, "")
    lines = called.err.splitlines()
    assert lines[:2] == [
        "warning: 'running shoes' (shoes2) is called like 'Running shoes' (shoes)",
        "1 branch made for paths that were not in the tree, first 'Home'",
    ]
    assert lines[-1].startswith("3 labels went into ")
    assert (
        f"; 1 label in the index already, passed over. Look at it: taxonaut index diff -w {shop}; "
        in lines[-1]
    )
    shown = json.loads(run("labels", "show", "sandals", "--json", "-w", shop).out)
    assert shown["paths"] == [["Sport", "Shoes", "Sandals"]]
    assert shown["batch"] == f"new.csv {date.today().isoformat()}"
    undo = lines[-1].rpartition("take it back: taxonaut ")[2].split()
    assert run(*undo).code == 0
    assert run("index", "show", "--depth", 5, "--json", "-w", shop).out == before


def test_a_dry_run_shows_the_diff_and_leaves_the_index(run: Any, shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "poles.jsonl"
    rows = [
        {"id": "sandals", "name": "Sandals", "path": ["Sport", "Shoes", "Sandals"]},
        {"id": "poles", "name": "Walking poles", "path": ["Sport", "Camping", "Walking poles"]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    before = run("index", "log", "-w", shop).out
    called = run("labels", "add", path, "--dry-run", "-w", shop)
    assert (called.code, called.out) == (0, DIFF)
    assert called.err == "2 labels would go into 2 nodes. Nothing was written (--dry-run)\n"
    assert run("index", "log", "-w", shop).out == before
    as_json = json.loads(run("labels", "add", path, "--dry-run", "--json", "-w", shop).out)
    assert (as_json["added"], as_json["written"], as_json["change"]) == (2, False, None)
    assert as_json["inserted"] == {"sandals": [4], "poles": [5]}
    assert [each["id"] for each in as_json["diff"]["labels"]["inserted"]] == ["sandals", "poles"]


def test_again_adds_nothing(run: Any, shop: Path, new: Path) -> None:
    run("labels", "add", new, "--batch", "spring", "-w", shop)
    called = run("labels", "add", new, "-w", shop)
    assert called.err == "nothing to add: 4 labels in the index already\n"
    assert json.loads(run("labels", "show", "laces", "--json", "-w", shop).out)["batch"] == "spring"
    added = json.loads(run("labels", "add", new, "--json", "-w", shop).out)
    assert (added["added"], added["known"]) == (0, ["sandals", "boots", "laces", "shoes2"])


def test_parents_may_be_labels_of_the_index(run: Any, shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,name,parents\npea,Williams pears,pears\nx,X,nobody\n", encoding="utf-8")
    called = run("labels", "add", path, "-w", shop)
    assert called.code == 2
    assert "the parent 'nobody' of 'x' is not an id in new.csv" in called.err
    path.write_text("id,name,parents\npea,Williams pears,pears\n", encoding="utf-8")
    assert run("labels", "add", path, "-w", shop).code == 0
    paths = json.loads(run("labels", "show", "pea", "--json", "-w", shop).out)["paths"]
    assert paths == [["Food", "Fruit", "Green pears", "Williams pears"]]


def test_what_cannot_be(run: Any, shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,name\nboots,Rubber boots\n", encoding="utf-8")
    called = run("labels", "add", path, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert "'boots' is 'Hiking boots' in the index and 'Rubber boots' now. Nothing was added." in called.err
    empty = tmp_path / "empty"
    run("init", empty)
    called = run("labels", "add", path, "-w", empty)
    assert called.code == 2
    assert called.err.endswith("has no labels yet; import these instead: taxonaut labels import FILE\n")
    run("labels", "import", path, "-w", empty)
    path.write_text("id,name\ntents,Tents\n", encoding="utf-8")
    called = run("labels", "add", path, "-w", empty)
    assert called.err.endswith("are not in a tree yet; build one first: taxonaut index build\n")
