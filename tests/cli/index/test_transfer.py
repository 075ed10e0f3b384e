"""`taxonaut index export|import`."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ODD = [
    {"id": "=1+1", "name": "=HYPERLINK(1)", "path": ["@home", "=HYPERLINK(1)"], "description": "+x"},
    {
        "id": "b",
        "name": "a > b",
        "path": ["@home", "c > d", "a > b"],
        "description": "'=quoted",
        "synonyms": "=a|b",
    },
    {
        "id": "http://e.org/c",
        "name": "two\nlines",
        "path": ["两行", "two\nlines"],
        "synonyms": ["1|2", "3\n4"],
    },
    {"id": "ü/#?", "name": "长" * 2000, "path": ["'=guarded", "长" * 2000]},
    {"id": "[", "name": "[x]", "path": ["[x]"]},
]


def tree(run: Any, folder: Path) -> str:
    return str(run("index", "show", "--depth", 5, "-w", folder).out)


@pytest.fixture
def odd(run: Any, blank: Path, tmp_path: Path) -> Path:
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ODD), encoding="utf-8")
    assert run("labels", "import", file, "-w", blank).code == 0
    return blank


@pytest.mark.parametrize("options", [[], ["--for-spreadsheet"]])
@pytest.mark.parametrize("name", ["tree.jsonl", "tree.csv", "tree.ttl", "tree.jsonl.gz", "tree.csv.gz"])
def test_what_is_exported_comes_back(
    run: Any, odd: Path, tmp_path: Path, templates: dict[str, Path], name: str, options: list[str]
) -> None:
    file, fresh = tmp_path / name, tmp_path / "fresh"
    assert run("index", "export", file, *options, "-w", odd, "--quiet").code == 0
    assert run("init", fresh, "--quiet").code == 0
    called = run("index", "import", file, "-w", fresh, "--quiet")
    assert (called.code, called.out, called.err) == (0, "", "")
    lists = [run("labels", "list", "--json", "-w", folder).out for folder in (odd, fresh)]
    assert sorted(lists[0].splitlines()) == sorted(lists[1].splitlines())
    if not name.endswith(".ttl"):
        assert (tree(run, fresh), lists[0]) == (tree(run, odd), lists[1])


def test_a_csv_is_what_labels_import_takes(run: Any, shop: Path, blank: Path, tmp_path: Path) -> None:
    run("index", "export", tmp_path / "tree.csv", "-w", shop)
    assert run("labels", "import", tmp_path / "tree.csv", "-w", blank).code == 0
    assert tree(run, blank) == tree(run, shop)


def test_formulas_are_named_and_guarded_on_request(run: Any, odd: Path, tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    called = run("index", "export", file, "-w", odd)
    assert called.err == (
        f"wrote 5 labels and 4 nodes to {file}\n"
        "3 cells start with =, +, - or @, which a spreadsheet may run as formulas; "
        "for a spreadsheet, export with --for-spreadsheet\n"
    )
    run("index", "export", file, "--for-spreadsheet", "-w", odd)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows[1] == ["'=1+1", "'@home > =HYPERLINK(1)", "'+x", ""]
    assert rows[2] == ["b", '["@home", "c > d", "a > b"]', "''=quoted", '["=a", "b"]']
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row)


def test_several_paths_are_several_rows(run: Any, shop: Path, blank: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "id,path\nb,Sport > Boots\nb,Clothes > Boots\nr,Clothes > Boots > Rubber boots\n", encoding="utf-8"
    )
    assert run("labels", "import", file, "-w", blank).code == 0
    listed = [json.loads(line) for line in run("labels", "list", "--json", "-w", blank).out.splitlines()]
    assert [row["paths"] for row in listed] == [
        [["Sport", "Boots"], ["Clothes", "Boots"]],
        [["Sport", "Boots", "Rubber boots"], ["Clothes", "Boots", "Rubber boots"]],
    ]
    run("index", "export", tmp_path / "out.csv", "-w", blank)
    run("index", "import", tmp_path / "out.csv", "-w", blank)
    again = [json.loads(line) for line in run("labels", "list", "--json", "-w", blank).out.splitlines()]
    assert [row["paths"] for row in again] == [row["paths"] for row in listed]


def test_importing_replaces_the_tree_as_one_change(run: Any, shop: Path, tmp_path: Path) -> None:
    before, file = tree(run, shop), tmp_path / "tree.csv"
    file.write_text(
        "id,path\nshoes,Sports > Running shoes\nboots,Sports > Hiking boots\ntents,Sports > Family tents\n"
        "apples,Food > Fruit > Red apples\npears,Food > Fruit > Green pears\nplums,Food > Fruit > Plums\n",
        encoding="utf-8",
    )
    dry = run("index", "import", file, "--dry-run", "-w", shop)
    assert (dry.code, dry.err, tree(run, shop)) == (0, "nothing was written (--dry-run)\n", before)
    called = run("index", "import", file, "-w", shop)
    assert called.out == dry.out
    assert called.out.splitlines()[0] == (
        "the tree was replaced, its nodes have new numbers; 3 nodes matched by path or by members"
    )
    assert "+ label     'Plums' (plums) in Food > Fruit #9" in called.out.splitlines()
    assert "~ renamed   Sport #2 to 'Sports'" in called.out.splitlines()
    row = json.loads(run("index", "log", "--limit", 1, "--json", "-w", shop).out)
    assert (row["note"], row["operations"]) == ("import tree.csv", {"add_labels": 1, "load_tree": 1})
    run("index", "undo", "-w", shop)
    assert tree(run, shop) == before
    assert "plums" not in run("labels", "list", "-w", shop).out


def test_labels_left_out_are_refused_or_stand_nowhere(run: Any, shop: Path, tmp_path: Path) -> None:
    before, file = tree(run, shop), tmp_path / "tree.csv"
    file.write_text("id,path\nshoes,Sport > Jogging shoes\nboots,Sport > Hiking boots\n", encoding="utf-8")
    called = run("index", "import", file, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.splitlines()[1] == (
        "error: tree.csv has no place for 3 of the index's labels: 'tents' (Family tents), 'apples' "
        "(Red apples), 'pears' (Green pears); add them to the file, or let them stand in no node with "
        "--allow-unplaced"
    )
    assert called.err.splitlines()[0] == "1 labels have other names in tree.csv; those of the index stay"
    assert tree(run, shop) == before
    assert run("index", "import", file, "--allow-unplaced", "-w", shop).code == 0
    assert json.loads(run("index", "stats", "--json", "-w", shop).out)["labels_unplaced"] == 3
    said = run("classify", "tents for families", "-w", shop).err
    assert "place it with: taxonaut labels move" in said
    assert "index build" not in said


HEAD = (
    '{"type": "index", "format": "taxonaut index", "version": 1}\n{"type": "root", "id": 1, "name": "root"}\n'
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", '{"id": "a", "name": "A"}\n', "t.jsonl is not an index: its first line must be an object with"),
        ("t.jsonl", HEAD.replace('1}\n{"type": "root"', '9}\n{"type": "root"'), "t.jsonl has version 9 of the"),
        ("t.jsonl", HEAD, "t.jsonl holds no labels"),
        ("t.jsonl", HEAD + '{"type": "leaf", "id": 1}\n', "t.jsonl, line 3: unknown type 'leaf'"),
        ("t.jsonl", HEAD + '{"type": "label", "id": "a", "name": "A", "nodes": [7]}\n',
         "t.jsonl, line 3: there is no node 7 in the file"),
        ("t.jsonl", HEAD + '{"type": "label", "id": "a", "name": 3, "nodes": [1]}\n',
         "t.jsonl, line 3: 'name' must be a text, not 3"),
        ("t.jsonl", HEAD + '{"type": "label", "id": "a", "name": "A", "nodes": []}\n',
         "t.jsonl has labels without a place, first 'a'"),
        ("t.jsonl", HEAD + '{"type": "node", "id": 2, "name": "lost"}\n{"type": "label", "id": "a", '
         '"name": "A", "nodes": [1]}\n', "node 'lost' of the tree has no parent"),
        ("t.csv", "id,path\n", "t.csv holds no labels"),
        ("t.csv", "", "t.csv is empty"),
        ("t.ttl", "hello <", "t.ttl cannot be read as turtle: "),
        ("t.ttl", "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .", "t.ttl contains no skos:Concept"),
        ("t.docx", "x", "'t.docx' has no known suffix"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(
    run: Any, blank: Path, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    called = run("index", "import", tmp_path / name, "-w", blank)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")
    assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/such/folder/t.csv"], "the folder 'no/such/folder' does not exist"),
        (["t.docx"], "'t.docx' has no known suffix"),
        (["t.csv", "--format", "x"], "--format 'x' is unknown; it can be one of jsonl, csv, xlsx, skos"),
        (["t.ttl", "--language", "e n"], "the language 'e n' is not a language tag"),
        (["t.ttl", "--base", "my labels"], "the base 'my labels' is not a URI"),
    ],
)
def test_exports_that_cannot_be(
    run: Any, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("index", "export", *arguments, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")
    assert not list(tmp_path.glob("t.*")) + list(tmp_path.glob(".t.*"))


@pytest.mark.parametrize("format", ["jsonl", "csv", "skos"])
def test_through_standard_output_and_input(run: Any, shop: Path, blank: Path, format: str) -> None:
    options = [] if format == "jsonl" else ["--format", format]
    written = run("index", "export", "-", *options, "-w", shop)
    assert written.err == "wrote 5 labels and 5 nodes to standard output\n"
    assert run("index", "import", "-", *options, "-w", blank, "--quiet", stdin=written.out).code == 0
    paths = [run("labels", "list", "--json", "-w", folder).out.splitlines() for folder in (shop, blank)]
    assert sorted(paths[0]) == sorted(paths[1])


def test_an_empty_workspace_has_nothing_to_export(run: Any, blank: Path, tmp_path: Path) -> None:
    called = run("index", "export", tmp_path / "t.csv", "-w", blank)
    assert (called.code, "has no labels yet" in called.err) == (2, True)


def test_without_rdflib_the_extra_is_named(
    run: Any, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rdflib", None)
    called = run("index", "export", tmp_path / "t.ttl", "-w", shop)
    assert (called.code, called.err) == (
        5,
        "error: rdflib is not installed; install it with: pip install 'taxonaut[skos]'\n",
    )
