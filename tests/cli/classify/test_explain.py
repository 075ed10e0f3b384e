"""`taxonaut explain`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.classify.explanation_view import name_branches, print_explanation
from taxonaut.cli.shared.terminal import out
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import Answer, ScriptedModel
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Item, Prediction
from taxonaut.workspace.walk.explanation import Explanation, Step

pytestmark = pytest.mark.usefixtures("embedder")

WALK = """\
fresh red apples
├── Food
│   ├── Fruit
│   │   └── 1. Red apples  and 1 more label
│   └── passed by: Bread 0.10
├── opened too: Sport 0.20
└── passed by: Toys -0.10, Tools and 1 more

best 1 of 3 candidates, 4 requests, 2 comparisons
  0.80  Food > Fruit > Red apples  “red apples”  both
"""


def leaf(name: str, score: float | None, opened: bool = False) -> Step:
    return Step(NodeId(9), name, score, opened)


def test_the_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    apples, pears = LabelId("apples"), LabelId("pears")
    fruit = Step(NodeId(6), "Fruit", None, opened=True, labels=[apples, pears])
    food = Step(NodeId(3), "Food", None, opened=True, steps=[fruit, leaf("Bread", 0.1)])
    passed = [leaf("Toys", -0.1), leaf("Tools", None), leaf("a " * 60, 0.2), leaf("x", None)]
    steps = [food, leaf("Sport", 0.2, opened=True), *passed[:2], *passed[2:3]]
    root = Step(NodeId(1), "", None, opened=True, steps=steps)
    path = ("Food", "Fruit", "Red apples")
    found = Prediction(apples, "Red apples", path, 0.8, "red apples", origin="both")
    walk = Explanation(RunId(1), Item(ItemId("a"), "fresh red apples"), root, (found,), 4, 3, comparisons=2)
    print_explanation(out(), walk)
    shown = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    assert shown == WALK.replace(" and 1 more\n\n", f", {('a ' * 60)[:39].rstrip()}… 0.20\n\n")
    assert name_branches(passed) == f"Toys -0.10, Tools, {('a ' * 60)[:39].rstrip()}… 0.20 and 1 more"


def test_an_id_shows_the_walk_that_is_kept(run: Any, shop: Path) -> None:
    run("classify", "-", "-w", shop, "--quiet", stdin='{"id": "a", "text": "fresh red apples"}')
    called = run("explain", "a", "-w", shop)
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[0] == "fresh red apples"
    assert "1. Red apples" in called.out
    assert "Food > Fruit > Red apples" in called.out


def test_a_text_is_labelled_first(run: Any, shop: Path) -> None:
    called = run("explain", "hiking boots", "--all", "-w", shop)
    assert called.code == 0
    assert called.err == "no labelled text has the id 'hiking boots': labelling these words themselves\n"
    assert "1. Hiking boots" in called.out
    again = run("explain", "hiking boots", "--all", "-w", shop)
    assert (again.out, again.err) == (called.out, "")


def test_as_json(run: Any, shop: Path, scripted: ScriptedModel) -> None:
    def first(request: ModelRequest) -> Answer:
        return [1]

    scripted.rule = first
    walk = json.loads(run("explain", "red apples", "--json", "--quiet", "-w", shop).out)
    assert list(walk) == [
        "id",
        "text",
        "requests",
        "comparisons",
        "index_changed",
        "candidates",
        "walk",
        "labels",
    ]
    assert walk["text"] == "red apples"
    assert len(walk["labels"]) == 1
    top = walk["walk"]
    assert (top["node_id"], top["opened"]) == (1, True)
    assert sorted(branch["name"] for branch in top["branches"]) == ["Food", "Sport"]
    assert [branch["opened"] for branch in top["branches"]] == [True, False]


def test_gold_labels_say_where_they_were_lost(run: Any, shop: Path, scripted: ScriptedModel) -> None:
    def food(request: ModelRequest) -> Answer:
        wanted = {"Food", "Fruit", "Red apples"}
        return [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2] in wanted] or [0]

    scripted.rule = food
    walk = {"TAXONAUT_WALK__SHORTLIST": "tree", "TAXONAUT_WALK__CANDIDATES": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in walk.items():
            patch.setenv(name, value)
        called = run("explain", "fruit", "--gold", "apples,tents", "--gold", "pears", "--quiet", "-w", shop)
        told = json.loads(run("explain", "fruit", "--gold", "tents", "--json", "--quiet", "-w", shop).out)[
            "gold"
        ]
    assert (called.code, called.err) == (0, "")
    assert [re.split(r"\s{2,}", line.strip()) for line in called.out.splitlines()[-3:]] == [
        ["Red apples", "found, place 1"],
        [
            "Family tents",
            "lost: the navigator passed its branch by, at the top: “Sport” (of 2) stayed closed; "
            "best opened: “Food” 1.00",
        ],
        ["Green pears", "lost: on the shortlist, but the general expert left it out"],
    ]
    (tents,) = told
    assert (tents["label_id"], tents["outcome"], tents["node"]["id"], tents["branch"]["name"]) == (
        "tents",
        "not opened",
        1,
        "Sport",
    )
    assert (tents["steps_left"], tents["siblings"], tents["best_opened"]["name"]) == (2, 2, "Food")


def test_a_gold_label_that_is_none(run: Any, shop: Path) -> None:
    called = run("explain", "red apples", "--gold", "aples", "-w", shop)
    assert called.code == 2
    assert "no label 'aples' in this workspace; give label ids" in called.err


def test_an_index_that_changed_since_is_said(run: Any, shop: Path) -> None:
    run("classify", "red apples", "-w", shop, "--quiet")
    assert "has changed" not in run("explain", "red apples", "-w", shop).err
    assert run("index", "build", "-w", shop, "--quiet").code == 0
    assert "the index has changed since this walk" in run("explain", "red apples", "-w", shop).err


def test_an_empty_text(run: Any, shop: Path) -> None:
    called = run("explain", " ", "-w", shop)
    assert called.code == 2
    assert "' ' is empty; give the id of a labelled text, or a text" in called.err
