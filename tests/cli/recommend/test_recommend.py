"""`taxonaut recommend export|slots|evaluate`."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import failing_embedder, packaged_embedder

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.recommend import PrefixTree
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import read_semantic_ids
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

TEXTS = {"p1": "blue ball pen", "p2": "red ball pen", "d1": "oak desk", "?": "gift card"}
PATHS = {"p1": (0, 1), "p2": (0, 1), "d1": (2,), "?": ()}
NODES = (TreeNode(1, "Writing", ""), TreeNode(2, "Pens", ""), TreeNode(3, "Furniture", ""))
EVENTS = "user,item,time\nu,p1,1\nu,p2,2\nu,d1,3\nv,d1,1\nv,gone,2\n"
FILES = [
    "office.ids.json",
    "office.ids.vocabulary.json",
    "office.inter",
    "office.item",
    "office.sequences.jsonl",
    "office.slots.csv",
    "office.tree.json",
    "office.vectors.ids.json",
    "office.vectors.npy",
]


@pytest.fixture
def office(tmp_path: Path, templates: dict[str, Path], embedder: Any) -> Path:
    """A workspace with a vocabulary of three descriptors and four items, one of which none fits."""
    folder = Path(shutil.copytree(templates["blank"], tmp_path / "workspace"))
    with Workspace.open(folder) as workspace:
        run = workspace.runs.open("vocabulary", "test", {})
        workspace.index.load_tree(Tree("vocabulary", NODES, ((0, 1), (1, 2), (0, 3)), ()))
        nodes = [each.id for each in read_vocabulary(workspace).descriptors]
        workspace.items.put([Item(ItemId(id_), text) for id_, text in TEXTS.items()])
        Taggings(workspace.database).put(
            run, [Tagging(ItemId(id_), tuple(nodes[at] for at in path)) for id_, path in PATHS.items()]
        )
        workspace.runs.close(run, "finished")
    return folder


@pytest.fixture
def events(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    return tmp_path / "events.csv"


def test_a_data_set_holds_everything_in_one_order(
    run: Any, office: Path, events: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "office"
    called = run("recommend", "export", folder, "--histories", events, "-w", office)
    assert (called.code, called.out) == (0, "")
    assert "4 events of 2 users\n" in called.err
    assert "note: 1 of 5 events name unknown items (1 different: 'gone'); they are left out" in called.err
    assert sorted(path.name for path in folder.iterdir()) == FILES
    ids = read_semantic_ids(folder / "office.ids.json")
    assert list(ids.ids) == json.loads((folder / "office.vectors.ids.json").read_text()) == list(TEXTS)
    assert ids.path(ItemId("?")) == ()
    assert len(ids.nearest(ItemId("?"))) in (1, 2)
    vectors = np.load(folder / "office.vectors.npy")
    assert (vectors.dtype, vectors.shape[0]) == (np.float32, 4)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    tree = PrefixTree.load(folder / "office.tree.json")
    assert {tree.items(tokens) for tokens in ids.ids.values()} == {(item,) for item in TEXTS}
    with (folder / "office.item").open(newline="") as file:
        assert [row["item_id:token"] for row in csv.DictReader(file, delimiter="\t")] == list(TEXTS)
    assert (folder / "office.inter").read_text().splitlines() == [
        "user_id:token\titem_id:token\ttimestamp:float",
        "u\tp1\t1",
        "u\tp2\t2",
        "u\td1\t3",
        "v\td1\t1",
    ]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run("recommend", "export", folder, "--histories", events, "-w", office).code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_trial_text_is_in_no_data_set(run: Any, office: Path, tmp_path: Path) -> None:
    assert run("vocabulary", "assign", "a green pen", "-w", office).code == 0
    assert run("recommend", "export", tmp_path / "office", "--quiet", "-w", office).code == 0
    assert json.loads((tmp_path / "office" / "office.vectors.ids.json").read_text()) == list(TEXTS)
    assert "green" not in (tmp_path / "office" / "office.item").read_text()


def test_a_part_and_what_was_read_as_json(run: Any, office: Path, events: Path, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    arguments = ["--only", "inter", "--histories", events, "--unknown-items", "keep", "--json"]
    called = run("recommend", "export", folder, *arguments, "-w", office)
    assert called.code == 0
    found = json.loads(called.out)
    assert found["files"] == [str(folder / "office.inter")]
    assert found["histories"] == {
        "rows": 5,
        "events": 5,
        "users": 2,
        "timed": True,
        "duplicates": 0,
        "unknown_items": {"gone": 1},
        "unknown_dropped": False,
    }
    assert [path.name for path in folder.iterdir()] == ["office.inter"]


def test_what_fails_leaves_the_files_of_before(run: Any, office: Path, events: Path, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    assert run("recommend", "export", folder, "--only", "item", "-w", office).code == 0
    before = (folder / "office.item").read_bytes()
    events.write_text("user,item,time\nu,p1,soon\n")
    called = run("recommend", "export", folder, "--histories", events, "-w", office)
    assert called.code == 2
    assert called.err.startswith("error: events.csv, line 2: 'time' is 'soon', not a time")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"office.item": before}


def test_a_model_that_fails_midway_leaves_the_files_of_before(
    run: Any, given: GlobalOptions, office: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "office"
    assert run("recommend", "export", folder, "--only", "item,ids", "--further", 0, "-w", office).code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    given.embedder = failing_embedder(ModelUnavailableError("no answer"))
    called = run("recommend", "export", folder, "--uncovered", "pad", "-w", office)
    assert (called.code, called.err) == (4, "error: no answer\n")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_item_without_text_has_pads(run: Any, office: Path, tmp_path: Path) -> None:
    with Workspace.open(office, embedder=packaged_embedder()) as workspace:
        workspace.assign_vocabulary([Item(ItemId("blank"), "  ")])
    assert run("recommend", "export", tmp_path / "office", "--only", "ids", "-w", office).code == 0
    ids = read_semantic_ids(tmp_path / "office" / "office.ids.json")
    assert set(ids.ids[ItemId("blank")][:-1]) == {"<pad>"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "inter"], "'inter' is made of users' histories; give their file with --histories FILE"),
        (["--only", "all"], "'all' is no part of a data set; there are item, inter, sequences, ids, tree,"),
        (["--uncovered", "x"], "--uncovered 'x' is unknown; it can be nearest or pad"),
        (["--histories", "no.csv"], "'no.csv' does not exist"),
    ],
)
def test_exports_that_cannot_be(
    run: Any, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("recommend", "export", "office", *arguments, "-w", office)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")


def test_folders_that_cannot_be(run: Any, office: Path, tmp_path: Path) -> None:
    called = run("recommend", "export", tmp_path / "no" / "office", "-w", office)
    assert (called.code, called.err.endswith("does not exist; create it first, or name another\n")) == (
        2,
        True,
    )
    called = run("recommend", "export", "/", "-w", office)
    assert (called.code, called.err.endswith("no name to call the files by; name another folder\n")) == (
        2,
        True,
    )
    (tmp_path / "file").write_text("")
    called = run("recommend", "export", tmp_path / "file", "-w", office)
    assert (called.code, called.err.endswith("is a file; name a folder for the data set\n")) == (2, True)


def test_without_levels_or_items(run: Any, blank: Path, tmp_path: Path) -> None:
    with Workspace.open(blank) as workspace:
        workspace.index.load_tree(Tree("vocabulary", (), (), ()))
    for command in (["export", tmp_path / "office"], ["slots"]):
        called = run("recommend", *command, "-w", blank)
        assert called.code == 2
        assert called.err.startswith("error: the vocabulary has no descriptors; build it from more items")


def test_how_slots_are_used(run: Any, office: Path, tmp_path: Path) -> None:
    called = run("recommend", "slots", "--further", 0, "--uncovered", "pad", "-w", office)
    assert (called.code, called.err) == (0, "")
    assert [line.split()[0:5] for line in called.out.splitlines()[1:]] == [
        ["l1", "2", "2", "1", "0"],
        ["l2", "1", "1", "2", "0"],
        ["r", "2", "2", "0", "0"],
    ]
    run("recommend", "slots", "-w", office, "-o", tmp_path / "slots.csv")
    assert (tmp_path / "slots.csv").read_text().splitlines()[1].startswith("l1,level,4,3,0,1,")
    near = json.loads(run("recommend", "slots", "-w", office, "--json").out)
    assert [(row["slot"], row["pads"]) for row in near][:1] == [("l1", 0)]


def test_slots_of_ids_from_elsewhere(run: Any, tmp_path: Path) -> None:
    (tmp_path / "rqvae.json").write_text('{"1": ["<a_1>", "<b_2>"], "2": ["<a_1>", "<b_3>"]}')
    called = run("recommend", "slots", tmp_path / "rqvae.json", "-o", tmp_path / "slots.json", "--quiet")
    assert (called.code, called.out, called.err) == (0, "", "")
    assert [row["collisions"] for row in json.loads((tmp_path / "slots.json").read_text())] == [1, 0]
    called = run("recommend", "slots", tmp_path / "rqvae.json", "-o", "slots.xml")
    assert (called.code, called.err) == (2, "error: invalid suffix of 'slots.xml'; use .csv or .json\n")
    called = run("recommend", "slots", tmp_path / "rqvae.json", "--further", 1)
    assert (called.code, "are for the workspace's vocabulary; leave them out, or FILE" in called.err) == (
        2,
        True,
    )
    (tmp_path / "rqvae.json").write_text("{}")
    called = run("recommend", "slots", tmp_path / "rqvae.json")
    assert (called.code, "has no item" in called.err) == (2, True)


def test_codes_are_compared(run: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rows = [f"u{user},{(user + step) % 6},{step}" for user in range(12) for step in range(4)]
    (tmp_path / "events.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    (tmp_path / "codes.json").write_text(json.dumps({i: [f"<a_{i // 3}>", f"<b_{i % 3}>"] for i in range(6)}))
    arguments = ["--codes", f"ours={tmp_path / 'codes.json'}", "--seeds", 1, "--epochs", 2]
    called = run("recommend", "evaluate", tmp_path / "events.csv", *arguments, "-o", tmp_path / "out.json")
    assert called.code == 0
    head, *lines = called.out.splitlines()
    assert head.split() == [
        "codes",
        "Recall@5",
        "NDCG@5",
        "Recall@10",
        "NDCG@10",
        "slots",
        "tokens",
        "epochs",
    ]
    assert [line.split()[0] for line in lines] == ["popularity", "successors", "ids", "ours"]
    assert "12 users, 48 events, 6 items; 12 held out to choose the epoch, 12 to measure" in called.err
    found = json.loads((tmp_path / "out.json").read_text())
    assert [(row["name"], row["slots"], row["tokens"]) for row in found] == [
        ("popularity", 0, 0),
        ("successors", 0, 0),
        ("ids", 1, 6),
        ("ours", 2, 5),
    ]
    assert found[1]["Recall@5"] == {"mean": 1.0, "deviation": 0.0}


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([], "there are no codes; give some with --codes NAME=FILE"),
        (["ours"], "--codes 'ours' is not NAME=FILE with a name of its own; ids are taken"),
        (["ids=a.json"], "--codes 'ids=a.json' is not NAME=FILE with a name of its own"),
        (["a=no.json"], "there is no 'no.json'"),
    ],
)
def test_comparisons_that_cannot_be(run: Any, events: Path, codes: list[str], said: str) -> None:
    options = [each for code in codes for each in ("--codes", code)]
    called = run("recommend", "evaluate", events, *options)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")
