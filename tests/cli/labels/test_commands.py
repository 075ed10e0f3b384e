"""`taxonaut labels`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from terminal_screen import Played


def rows(text: str) -> list[Any]:
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_import_of_a_tree_says_that_it_can_be_walked(run: Any, blank: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("titel|weg\nBoots|Sport/Shoes/Boots\nPears|Food/Pears\n", encoding="latin-1")
    called = run(
        "labels", "import", file, "-w", blank,
        "--name-column", "titel", "--path-column", "weg", "--path-separator", "/", "--encoding", "latin-1",
    )  # fmt: skip
    assert (called.code, called.out) == (0, "")
    assert called.err == (
        "labels.csv: a table, bars between fields; a tree by the paths in 'weg'\n"
        "  read: name in 'titel', path in 'weg'\n"
        "    Sport\n      Shoes\n        Boots (Sport/Shoes/Boots)\n    Food\n      Pears (Food/Pears)\n"
        f"imported 2 labels with their tree: 3 nodes, 2 levels; next: taxonaut classify FILE -w {blank}\n"
    )


def test_a_dry_run_shows_what_a_file_is_taken_for(run: Any, blank: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("Code;Name;Parent;Colour\n1;Tools;0;red\n2;Hammers;1;red\n", encoding="utf-8")
    called = run("labels", "import", file, "-w", blank, "--dry-run")
    assert called.err == (
        "labels.csv: a table, semicolons between fields; a tree by the parents in 'Parent'\n"
        "  read: id in 'Code', name in 'Name', parents in 'Parent'\n"
        "  not read: 'Colour'\n"
        "  1 rows at the top, with '0' as parent\n"
        "    Tools (1)\n      Hammers (2)\n"
        "nothing was imported (--dry-run)\n"
    )
    assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels"] == 0


def test_the_id_of_a_label_in_place_of_a_nodes_number_is_told(run: Any, blank: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,path\n11,Kitchen > Kettles\n12,Kitchen > Toasters\n", encoding="utf-8")
    assert run("labels", "import", file, "-w", blank).code == 0
    said = "no node 11 in the index; 11 is the id of the label 'Kettles'; see taxonaut labels move, merge and retire"
    assert said in run("index", "remove", "11", "-w", blank).err


def test_import_of_flat_labels_from_standard_input(run: Any, blank: Path) -> None:
    called = run("labels", "import", "-", "-w", blank, stdin="red apples\ngreen pears\n")
    assert called.code == 0
    assert called.err == (
        "standard input: lines of text; a name a line\n    red apples\n    green pears\n"
        f"imported 2 labels without a tree; next: taxonaut index build -w {blank}\n"
    )
    assert rows(run("labels", "list", "-w", blank, "--json").out) == [
        {"id": "red apples", "name": "red apples", "notation": "", "alternatives": [], "paths": []},
        {"id": "green pears", "name": "green pears", "notation": "", "alternatives": [], "paths": []},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "labels.csv is empty"),
        ("id,this,that\n1,a,b\n", "there is no column 'name'; the columns are 'id', 'this', 'that'"),
        ("id,name\n1,a\n1,b\n", "labels.csv, line 3"),
        ("id,name,parents\na,A,b\nb,B,a\n", "form a cycle"),
    ],
)
def test_import_refuses_what_cannot_be_used(
    run: Any, blank: Path, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(content, encoding="utf-8")
    called = run("labels", "import", file, "-w", blank)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("error: ")
    assert said in called.err
    assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels"] == 0


def test_import_needs_an_empty_workspace(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("name\nsandals\n", encoding="utf-8")
    called = run("labels", "import", file, "-w", shop)
    assert called.code == 2
    assert "already has 5 labels" in called.err


def test_list_counts_what_it_leaves_out(run: Any, shop: Path) -> None:
    called = run("labels", "list", "--limit", 2, "--offset", 1, "-w", shop)
    assert [line.rstrip() for line in called.out.splitlines()] == [
        "boots  Sport > Shoes > Hiking boots",
        "tents  Sport > Camping > Family tents",
    ]
    assert called.err == "… and 2 more of 5; show all with --limit 0\n"


def test_show(run: Any, shop: Path) -> None:
    called = run("labels", "show", "boots", "-w", shop)
    assert called.out == "Hiking boots\nid boots   batch initial\nSport > Shoes > Hiking boots\n"
    assert json.loads(run("labels", "show", "boots", "-w", shop, "--json").out) == {
        "id": "boots",
        "name": "Hiking boots",
        "notation": "",
        "alternatives": [],
        "paths": [["Sport", "Shoes", "Hiking boots"]],
        "description": "",
        "batch": "initial",
        "retired": None,
        "former_ids": [],
    }


def test_show_an_unknown_label(run: Any, shop: Path) -> None:
    called = run("labels", "show", "sandals", "-w", shop)
    assert called.code == 2
    assert "'sandals'" in called.err


def test_search(run: Any, shop: Path) -> None:
    assert rows(run("labels", "search", "apples", "-w", shop, "--json").out) == [
        {
            "id": "apples",
            "name": "Red apples",
            "notation": "",
            "alternatives": [],
            "paths": [["Food", "Fruit", "Red apples"]],
        }
    ]
    nothing = run("labels", "search", "zeppelin", "-w", shop)
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == "no label has a word of 'zeppelin'; see some with: taxonaut labels list\n"
    empty = run("labels", "search", " ", "-w", shop)
    assert empty.code == 2
    assert "the query ' ' is empty" in empty.err


def test_names_are_data_and_no_markup(run: Any, blank: Path) -> None:
    nasty = "[bold red]a[/] :smile: \x1b[31mred\x1b[0m שלום 🎾 a\u202eb"
    assert run("labels", "import", "-", "-w", blank, stdin=json.dumps({"name": nasty})).code == 0
    shown = run("labels", "list", "-w", blank).out
    assert "[bold red]a[/] :smile:  [31mred [0m שלום 🎾 ab" in shown
    assert "\x1b" not in shown
    assert rows(run("labels", "list", "-w", blank, "--json").out)[0]["name"] == nasty


@pytest.mark.slow
def test_at_a_terminal_the_import_is_asked_for(run: Any, blank: Path, tmp_path: Path) -> None:
    pytest.importorskip("pexpect")
    file = tmp_path / "labels.csv"
    file.write_text("id,name,parent\n1,Tools,\n2,Hammers,1\n")
    program = [sys.executable, "-m", "taxonaut", "labels", "import", str(file), "-w", str(blank)]
    for answer, labels, said in (("n\r", 0, "nothing was imported"), ("\r", 2, "imported 2 labels")):
        asked = Played(program, env=dict(os.environ), width=200, patience_s=60)
        asked.wait(lambda shown: shown.endswith("Import 2 labels like this? [Y/n]:"))
        asked.send(answer)
        asked.wait(lambda shown, said=said: said in shown)
        asked.close()
        assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels"] == labels
