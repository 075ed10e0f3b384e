"""`taxonaut index log|diff|undo|move|rename|merge|split|remove`."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SPORT, FOOD, SHOES, CAMPING, FRUIT = "2", "3", "4", "5", "6"


def tree(run: Any, shop: Path) -> str:
    return str(run("index", "show", "--depth", 4, "-w", shop).out)


@pytest.fixture
def start(run: Any, shop: Path) -> str:
    return tree(run, shop)


CHANGES = {
    "move": (
        ["move", "Sport > Shoes", "Food"],
        "> moved     Food > Shoes #4 from Sport #2 to Food #3\n",
        "move Sport > Shoes to Food  (move node #4 from #2 to #3)",
    ),
    "move to the top": (
        ["move", SHOES, "1"],
        "> moved     Shoes #4 from Sport #2 to (top) #1\n",
        "move 4 to 1  (move node #4 from #2 to #1)",
    ),
    "rename": (
        ["rename", "Sport > Shoes", " Foot\nwear "],
        "~ renamed   Sport > Shoes #4 to 'Foot wear'\n",
        "rename Sport > Shoes to Foot wear  (edit name of node #4)",
    ),
    "rename a label": (
        ["rename", "Sport > Shoes > hiking boots", " High\nboots "],
        "~ renamed   'Hiking boots' (boots) to 'High boots'\n",
        "rename Sport > Shoes > hiking boots to High boots  (rename label 'boots' to 'High boots')",
    ),
    "merge": (
        ["merge", "Food > Fruit", "Sport > Shoes"],
        "> merged    Sport > Shoes #4 into Food > Fruit #6\n",
        "merge Sport > Shoes into Food > Fruit  (merge node #4 'Shoes' into #6)",
    ),
    "remove": (
        ["remove", "Sport > Shoes"],
        "- node      Sport > Shoes #4, its content to Sport #2\n",
        "remove Sport > Shoes  (remove node #4 'Shoes')",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_says_what_it_did_and_how_to_take_it_back(
    run: Any, shop: Path, start: str, case: str
) -> None:
    arguments, said, logged = CHANGES[case]
    called = run("index", *arguments, "-w", shop)
    assert (called.code, called.out) == (0, said)
    assert called.err == f"change 3; take it back: taxonaut index undo 3 -w {shop}\n"
    after = tree(run, shop)
    assert after != start
    assert run("index", "diff", "-w", shop).out == said
    newest = json.loads(run("index", "log", "--limit", 1, "--json", "-w", shop).out)
    assert (newest["number"], newest["what"], newest["undone"]) == (3, logged, False)
    assert run("index", "undo", "-w", shop).code == 0
    assert tree(run, shop) == start
    run("index", "undo", 4, "-w", shop)
    assert tree(run, shop) == after


@pytest.mark.parametrize("case", CHANGES)
def test_a_dry_run_shows_the_same_and_writes_nothing(run: Any, shop: Path, start: str, case: str) -> None:
    arguments, said, _ = CHANGES[case]
    called = run("index", *arguments, "--dry-run", "-w", shop)
    assert (called.code, called.out, called.err) == (0, said, "nothing was written (--dry-run)\n")
    assert tree(run, shop) == start
    assert run("index", "log", "--json", "-w", shop).out.count("\n") == 1


def test_quiet_says_nothing(run: Any, shop: Path) -> None:
    called = run("index", "rename", FOOD, "Eatables", "--quiet", "-w", shop)
    assert (called.code, called.out, called.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["move", "Nope", "1"], "there is no branch 'Nope' at the top"),
        (["move", "", "1"], "a node was given as an empty text"),
        (["move", "Sport", "Sport > Shoes"], "the nodes 'Sport' (2) and 'Shoes' (4) would each be below"),
        (["move", "Sport > Shoes", "Sport"], "node 4 is under node 2 already; nothing to move"),
        (["move", "1", "Sport"], "node 1 is the root, which cannot be moved"),
        (["rename", "Sport", "  "], "node name must not be empty: '  ' was given"),
        (["rename", "Sport", "food"], "its sibling 'Food' (3) has this name"),
        (
            ["rename", "Sport > Shoes > Hiking boots", "running shoes"],
            "its sibling 'Running shoes' (shoes) has this name",
        ),
        (
            ["rename", "Sport > Shoes > Boots", "x"],
            "there is no branch or label 'Boots' under 'Sport > Shoes'",
        ),
        (["rename", "Sport > Nope > Boots", "x"], "there is no branch 'Nope' under 'Sport'"),
        (["rename", "99", "x"], "no node 99 in the index"),
        (["merge", "Sport", "Sport"], "node 2 was given twice"),
        (["merge", "Sport", "1"], "node 1 is the root, which cannot be removed"),
        (["remove", "99"], "no node 99 in the index"),
        (["undo", "99"], "no event 99 in the index"),
        (["diff", "0", "99"], "no event 99 in the index; they are 0 (the beginning) to 2"),
        (["split", "Sport"], "node 'Sport' (2) has 0 labels; nothing to split"),
        (
            ["split", "Sport > Shoes", "--terminal-size", "9"],
            "the 2 labels of 'Shoes' fit into one terminal of 9",
        ),
        (["split", "Sport > Shoes", "--method", "magic"], "there is no method 'magic'"),
    ],
)
@pytest.mark.usefixtures("embedder")
def test_mistakes(run: Any, shop: Path, start: str, arguments: list[str], said: str) -> None:
    called = run("index", *arguments, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")
    assert tree(run, shop) == start


def test_undoing_twice_and_all(run: Any, shop: Path, start: str) -> None:
    run("index", "rename", FOOD, "Eatables", "-w", shop)
    run("index", "undo", 3, "-w", shop)
    called = run("index", "undo", 3, "-w", shop)
    assert called.code == 2
    assert called.err == "error: change 3 was already undone by event 4; undo that to redo it\n"
    assert tree(run, shop) == start
    assert [run("index", "undo", "-w", shop).code for _ in range(2)] == [0, 2]
    assert run("index", "stats", "--json", "-w", shop).out.startswith('{\n  "labels": 0')


def test_the_log(run: Any, shop: Path) -> None:
    run("index", "rename", FOOD, "Eatables", "-w", shop)
    run("index", "undo", "-w", shop)
    lines = [line.split(maxsplit=3) for line in run("index", "log", "-w", shop).out.splitlines()]
    assert [(number, " ".join(what.split())) for number, _, _, what in lines] == [
        ("4", "undo of 3"),
        ("3", "rename 3 to Eatables (edit name of node #3) undone by 4"),
        ("2", "import labels.csv (add_labels × 1, load_tree × 1)"),
    ]
    row = json.loads(run("index", "log", "--json", "-w", shop).out.splitlines()[1])
    assert {key: value for key, value in row.items() if key != "at"} == {
        "number": 3,
        "first_event": 3,
        "operations": {"edit_node": 1},
        "what": "rename 3 to Eatables  (edit name of node #3)",
        "note": "rename 3 to Eatables",
        "undone": True,
        "undone_by": 4,
    }


def test_the_log_of_a_blank_workspace(run: Any, blank: Path) -> None:
    assert run("index", "log", "-w", blank).out == ""
    assert run("index", "diff", "-w", blank).out == "nothing differs\n"


def test_side_by_side(run: Any, shop: Path) -> None:
    run("index", "move", "Sport > Shoes", "Food", "-w", shop)
    run("index", "rename", "Sport", "Sports", "-w", shop)
    run("index", "remove", "Food > Fruit", "-w", shop)
    drawn = run("index", "diff", 2, "--side-by-side", "-w", shop).out
    half = drawn.splitlines()[0].index("after event 5")
    assert [line[:half].rstrip() for line in drawn.splitlines()] == [
        "after event 2",
        "  root",
        "  ~ Sport #2",
        "    - Shoes #4 (2 labels)",
        "    … 1 branch as before",
        "    Food #3",
        "",
        "",
        "    - Fruit #6 (2 labels)",
        "      - 'Red apples'",
        "      - 'Green pears'",
        "",
    ]
    assert [line[half:].rstrip() for line in drawn.splitlines()] == [
        "after event 5",
        "  root",
        "  ~ Sports #2",
        "",
        "    … 1 branch as before",
        "    Food #3 (2 labels)",
        "    + 'Red apples'",
        "    + 'Green pears'",
        "",
        "",
        "",
        "    + Shoes #4 (2 labels)",
    ]


def test_renamed_labels_beside_each_other_and_as_json(run: Any, shop: Path) -> None:
    called = run("index", "rename", "Sport > Shoes > Hiking boots", "Boots", "--json", "-w", shop)
    assert json.loads(called.out)["labels"]["renamed"] == [
        {"id": "boots", "from": "Hiking boots", "to": "Boots"}
    ]
    drawn = run("index", "diff", "--side-by-side", "-w", shop).out
    half = drawn.splitlines()[0].index("after event 3")
    assert [(line[:half].rstrip(), line[half:].rstrip()) for line in drawn.splitlines()[1:]] == [
        ("  root", "  root"),
        ("    Sport #2", "    Sport #2"),
        ("      Shoes #4 (2 labels)", "      Shoes #4 (2 labels)"),
        ("      ~ 'Hiking boots'", "      ~ 'Boots'"),
        ("    … 1 branch as before", "    … 1 branch as before"),
        ("  … 1 branch as before", "  … 1 branch as before"),
    ]


def test_a_category_that_is_a_label_is_renamed_with_it(run: Any, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id,name,path\na,Audio,Audio\nb,In-Ear Headphones,Audio > In-Ear Headphones\n")
    run("init", tmp_path / "own")
    run("-w", tmp_path / "own", "labels", "import", labels)
    called = run("index", "rename", "Audio", "Sound", "-w", tmp_path / "own")
    assert called.out == "~ renamed   Audio #2 to 'Sound'\n"
    called = run("index", "rename", "Sound > In-Ear Headphones", "Earbuds", "-w", tmp_path / "own")
    assert called.out == "~ renamed   'In-Ear Headphones' (b) to 'Earbuds'\n"
    assert "Sound > Earbuds" in run("labels", "show", "b", "-w", tmp_path / "own").out
    found = json.loads(run("labels", "show", "a", "--json", "-w", tmp_path / "own").out)
    assert found["name"] == "Sound"


def test_json_has_ids_and_paths(run: Any, shop: Path) -> None:
    shown = json.loads(run("index", "merge", FRUIT, SHOES, "--json", "-w", shop).out)
    fruit, shoes = {"id": 6, "path": ["Food", "Fruit"]}, {"id": 4, "path": ["Sport", "Shoes"]}
    assert shown == {
        "before": 2,
        "after": 3,
        "replaced": False,
        "matched": {},
        "nodes": {
            "inserted": [],
            "removed": [],
            "moved": [],
            "edited": [],
            "merged": [{**shoes, "into": fruit}],
            "split": [],
        },
        "labels": {
            "inserted": [],
            "gone": [],
            "moved": [
                {"id": "shoes", "name": "Running shoes", "gained": [fruit], "lost": [shoes]},
                {"id": "boots", "name": "Hiking boots", "gained": [fruit], "lost": [shoes]},
            ],
            "described": [],
            "renamed": [],
            "retired": [],
            "restored": [],
            "ids": [],
            "alternatives": [],
        },
        "written": True,
    }


@pytest.mark.usefixtures("embedder")
def test_split_and_take_it_back(run: Any, shop: Path, start: str) -> None:
    called = run("index", "split", "Sport > Shoes", "-w", shop)
    assert called.code == 0
    assert called.out.startswith("> split     Sport > Shoes #4: 2 labels into ")
    assert json.loads(run("index", "stats", "--json", "-w", shop).out)["labels_per_terminal"] == 1.25
    run("index", "undo", "-w", shop)
    assert tree(run, shop) == start


def test_names_are_shown_as_they_are(run: Any, shop: Path) -> None:
    called = run("index", "rename", FOOD, "[red]x[/red]\x1b[31m > 'y'", "-w", shop)
    assert called.out == "~ renamed   Food #3 to \"[red]x[/red]\\x1b[31m > 'y'\"\n"
    odd = json.dumps(["[red]x[/red]\x1b[31m > 'y'", "Fruit"])
    assert run("index", "show", odd, "-w", shop).out.startswith("Fruit  #6\n")
