"""`taxonaut labels merge|move|split|retire|restore|rename|map|mapping`, as their users call them."""

import json
from pathlib import Path
from typing import Any

import pytest
from rdflib import DCTERMS, SKOS, Graph, URIRef

pytestmark = pytest.mark.usefixtures("embedder")


def listed(run: Any, shop: Path) -> dict[str, str]:
    out = run("labels", "list", "--json", "--limit", 0, "-w", shop).out
    rows = map(json.loads, out.splitlines())
    return {row["id"]: " > ".join(row["paths"][0]) if row["paths"] else "" for row in rows}


def test_leaves_are_merged_shown_and_taken_back(run: Any, shop: Path) -> None:
    before = listed(run, shop)
    tried = run("labels", "merge", "shoes", "Hiking boots", "--dry-run", "-w", shop)
    assert (tried.code, listed(run, shop)) == (0, before)
    assert tried.err.splitlines()[-1] == "nothing was written (--dry-run)"
    called = run("labels", "merge", "shoes", "Hiking boots", "--reason", "one shelf", "-w", shop)
    assert called.out.splitlines() == [
        "- retired   'Hiking boots' (boots), merged into 'shoes'",
        "~ alternatives 'Running shoes' (shoes): Hiking boots",
    ]
    assert called.err.splitlines()[0] == (
        "touches 1 place in the tree, 0 labelled items and 0 stored gold labels"
    )
    assert "boots" not in listed(run, shop)
    shown = json.loads(run("labels", "show", "boots", "--json", "-w", shop).out)
    assert shown["retired"]["new_ids"] == ["shoes"]
    assert shown["retired"]["reason"] == "one shelf"
    assert run("labels", "search", "hiking", "-w", shop).out.startswith("shoes")
    undo = called.err.splitlines()[-1].rpartition("take it back: taxonaut ")[2].split()
    assert run(*undo).code == 0
    assert listed(run, shop) == before


def test_a_retired_label_is_restored_and_its_node_too(run: Any, shop: Path) -> None:
    before = listed(run, shop)
    assert run("labels", "retire", "apples", "pears", "--replaced-by", "tents", "-w", shop).code == 0
    assert set(listed(run, shop)) == {"shoes", "boots", "tents"}
    again = run("labels", "retire", "apples", "-w", shop)
    assert (again.code, "taxonaut labels restore apples" in again.err) == (2, True)
    assert run("labels", "restore", "apples", "Green pears", "-w", shop).code == 0
    assert listed(run, shop) == before
    assert run("labels", "mapping", "-w", shop).err == "no label id was mapped yet\n"


def test_labels_are_split_renamed_and_moved(run: Any, shop: Path) -> None:
    called = run("labels", "split", "shoes", "Trail shoes", "road=Road shoes", "boots", "-w", shop)
    assert called.out.splitlines()[-1] == (
        "- retired   'Running shoes' (shoes), split into 'trail-shoes', 'road', 'boots'"
    )
    assert run("labels", "rename", "road", "Racing shoes", "--id", "race", "-w", shop).code == 0
    assert run("labels", "move", "race", "--to", "tents", "-w", shop).code == 0
    found = listed(run, shop)
    assert found["trail-shoes"] == "Sport > Shoes > Trail shoes"
    assert found["race"] == "Sport > Camping > Family tents > Racing shoes"
    out = run("labels", "mapping", "--json", "-w", shop).out
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["id"], row["new_id"], row["kind"]) for row in rows] == [
        ("shoes", "trail-shoes", "split"),
        ("shoes", "road", "split"),
        ("shoes", "boots", "split"),
        ("road", "race", "renamed"),
    ]
    assert {row["now"] for row in rows} == {"trail-shoes;boots;race", "race"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("merge", "shoes", "shose"), "did you mean"),
        (("merge", "shoes", "shoes"), "into itself"),
        (("retire", "Sport > Shoes"), "is a node of the tree and no label"),
        (("split", "shoes", "One part"), "at least two"),
        (("rename", "shoes"), "give a new NAME"),
        (("restore", "shoes"), "is not retired"),
        (("rename", "shoes", "--id", "boots"), "which is a label's"),
        (("retire", "shoes", "--replaced-by", "shoes"), "cannot be replaced"),
    ],
)
def test_mistakes_are_said(run: Any, shop: Path, arguments: tuple[str, ...], message: str) -> None:
    called = run("labels", *arguments, "-w", shop)
    assert called.code != 0
    assert message in called.err
    assert "Traceback" not in called.err


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", 'id,labels,n\na,boots;tents,"x, y"\nb,tents,\n', 'id,labels,n\na,shoes;tents,"x, y"\nb,tents,\n'),
        ("b.csv", "i;labels\n1;boots|apples|nothing\n", "i;labels\n1;shoes|apples|nothing\n"),
        ("c.jsonl", '{"labels": ["boots", "shoes"], "n": {"x": 1}}\n', '{"labels": ["shoes"], "n": {"x": 1}}\n'),
        ("d.tsv", "i\tlabels\n1\t['boots', 'tents']\n", "i\tlabels\n1\t['shoes', 'tents']\n"),
    ],
)  # fmt: skip
def test_a_column_of_a_file_gets_the_ids_of_today(
    run: Any, shop: Path, tmp_path: Path, name: str, content: str, expected: str
) -> None:
    run("labels", "merge", "shoes", "boots", "-w", shop)
    run("labels", "retire", "apples", "-w", shop)
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    called = run("labels", "map", file, "--column", "labels", "-w", shop)
    assert called.err.splitlines()[0] == "1 id rewritten: 'boots' to 'shoes' (1)"
    assert ("'apples' (1)" in called.err) == ("apples" in content)
    assert file.read_text(encoding="utf-8") == content
    mapped = file.with_name(f"{file.stem}-mapped{file.suffix}")
    assert mapped.read_text(encoding="utf-8") == expected
    refused = run("labels", "map", file, "--column", "labels", "-o", file, "-w", shop)
    assert (refused.code != 0, "is an input file" in refused.err) == (True, True)


def test_mappings_are_exported_as_a_table_and_as_skos(run: Any, shop: Path, tmp_path: Path) -> None:
    run("labels", "merge", "shoes", "boots", "--reason", "one shelf", "-w", shop)
    run("labels", "rename", "tents", "--id", "t1", "-w", shop)
    table, skos = tmp_path / "map.csv", tmp_path / "map.ttl"
    assert run("labels", "mapping", "-o", table, "-w", shop).code == 0
    first, *rows = table.read_text(encoding="utf-8").splitlines()
    assert first == "id,new_id,kind,date,reason,name,new_name,now"
    assert [row.split(",")[:3] for row in rows] == [["boots", "shoes", "merged"], ["tents", "t1", "renamed"]]
    assert run("labels", "mapping", "-o", skos, "-w", shop).code == 0
    graph = Graph().parse(skos)
    base = "urn:taxonaut:index:"
    assert list(graph.subject_objects(DCTERMS.isReplacedBy)) == [
        (URIRef(f"{base}boots"), URIRef(f"{base}shoes"))
    ]
    assert list(graph.subject_objects(SKOS.exactMatch)) == [(URIRef(f"{base}tents"), URIRef(f"{base}t1"))]
