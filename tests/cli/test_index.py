"""`taxonaut index`."""

import json
from pathlib import Path
from typing import Any

import pytest

TREE = """\
root  #1
├── Sport  #2
│   ├── Shoes  #4
│   │   └── … 2 labels
│   └── Camping  #5
│       └── … 1 label
└── Food  #3
    └── Fruit  #6
        └── … 2 labels
"""

SHOES = """\
Shoes  #4
├── Running shoes
└── … 1 more label
"""


def test_show_draws_the_tree(run: Any, shop: Path) -> None:
    called = run("index", "show", "-w", shop)
    assert (called.code, called.err) == (0, "")
    assert called.out == TREE


@pytest.mark.parametrize("node", ["4", "#4", "Sport > Shoes", "sport > SHOES"])
def test_show_one_node(run: Any, shop: Path, node: str) -> None:
    assert run("index", "show", node, "--limit", 1, "-w", shop).out == SHOES


def test_show_as_json(run: Any, shop: Path) -> None:
    shown = json.loads(run("index", "show", "Food > Fruit", "--depth", 1, "--json", "-w", shop).out)
    assert shown == {
        "id": 6,
        "name": "Fruit",
        "description": "",
        "label_id": None,
        "branches": [],
        "more_branches": 0,
        "labels": [{"id": "apples", "name": "Red apples"}, {"id": "pears", "name": "Green pears"}],
        "more_labels": 0,
    }


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("99", "no node 99 in the index"),
        ("Sport > Shoos", "there is no branch 'Shoos' under 'Sport'; did you mean 'Shoes'?"),
        ("Zeppelins", "there is no branch 'Zeppelins' at the top; there are 'Sport', 'Food'"),
        ("Food > Fruit > Plums", "there is no branch 'Plums' under 'Food > Fruit': it has no branches"),
        (
            "Food > Fruit > Red apples",
            "'Red apples' is a label and has no branches; see it with: taxonaut labels show apples",
        ),
    ],
)
def test_show_a_node_that_is_not_there(run: Any, shop: Path, node: str, said: str) -> None:
    called = run("index", "show", node, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")


def test_stats(run: Any, shop: Path) -> None:
    counts = json.loads(run("index", "stats", "--json", "-w", shop).out)
    assert (counts["labels"], counts["nodes"], counts["terminals"], counts["depth"]) == (5, 5, 3, 2)
    lines = run("index", "stats", "-w", shop).out.splitlines()
    assert lines[0].split() == ["labels", "5"]
    assert len(lines) == len(counts)


@pytest.mark.usefixtures("embedder")
def test_build(run: Any, blank: Path) -> None:
    names = [f"{colour} {thing}" for colour in ("red", "green", "blue") for thing in ("shoe", "hat", "tent")]
    run("labels", "import", "-", "-w", blank, stdin="\n".join(names))
    called = run("index", "build", "--k", 3, "--terminal-size", 3, "--seed", 1, "-w", blank)
    assert (called.code, called.out) == (0, "")
    assert called.err.startswith("built a tree over 9 labels: ")
    assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels_unplaced"] == 0


@pytest.mark.usefixtures("embedder")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "magic"], "there is no method 'magic'; there are: kmeans"),
        (["--method", "native"], "A tree of your own comes with its labels"),
        (["--k", "1"], "k is 1; it must be at least 2"),
    ],
)
def test_build_refuses(run: Any, shop: Path, options: list[str], said: str) -> None:
    called = run("index", "build", *options, "-w", shop)
    assert called.code == 2
    assert said in called.err
    assert run("index", "show", "-w", shop).out == TREE


@pytest.mark.usefixtures("embedder")
def test_build_without_labels(run: Any, blank: Path) -> None:
    called = run("index", "build", "-w", blank)
    assert called.code == 2
    assert "has no labels yet; import some: taxonaut labels import FILE" in called.err
