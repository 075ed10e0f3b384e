"""`taxonaut vocabulary export`, and `index export|import` of a vocabulary."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pulled import require_weights

from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

SMALL = "smollm2-135m-instruct"
NODES = (
    TreeNode(1, "Writing", "what one writes with", None, ("ball pen",), ("pens", "ink"), ("printers",)),
    TreeNode(2, "Pens", "", None, ("biro",)),
    TreeNode(3, "Furniture", "to sit at"),
)
EDGES = ((0, 1), (1, 2), (0, 3))
TEXTS = {"p1": "blue ball pen", "p2": "red ball pen", "d1": "oak desk [bold]", "?": "gift card"}
PATHS = {"p1": (0, 1), "p2": (0, 1), "d1": (2,), "?": ()}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, templates: dict[str, Path]) -> Path:
    """A workspace with a vocabulary of three descriptors and four items; tests only read it."""
    blank = Path(shutil.copytree(templates["blank"], tmp_path_factory.mktemp("office") / "office"))
    with Workspace.open(blank) as workspace:
        run = workspace.runs.open("vocabulary", "test", {})
        workspace.index.load_tree(Tree("vocabulary", NODES, EDGES, ()))
        nodes = [each.id for each in read_vocabulary(workspace).descriptors]
        workspace.items.put([Item(ItemId(id_), text) for id_, text in TEXTS.items()])
        Taggings(workspace.database).put(
            run,
            [
                Tagging(ItemId(id_), tuple(nodes[at] for at in path), (nodes[2],) if id_ == "p1" else ())
                for id_, path in PATHS.items()
            ],
        )
        workspace.runs.close(run, "finished")
    return blank


def test_semantic_ids(run: Any, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "ids.json"
    pads = ("--uncovered", "pad")
    called = run(
        "vocabulary", "export", file, "--format", "semantic-ids", "--further", 0, *pads, "-w", office
    )
    assert (called.code, called.out) == (0, "")
    assert called.err == (
        f"wrote 4 items to {file}\n"
        f"wrote what tokens mean to {tmp_path / 'ids.vocabulary.json'}\n"
        "3 slots, tokens in each: l1 2 of 2, l2 1 of 1, r 2\n"
        "3 base tokens + 2 resolvers\n"
        "1 item (25.0%) needs a resolver beyond the first; at most 2 share all descriptors\n"
    )
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "p1": ["<a_0>", "<b_0>", "<c_0>"],
        "p2": ["<a_0>", "<b_0>", "<c_1>"],
        "d1": ["<a_1>", "<pad>", "<c_0>"],
        "?": ["<pad>", "<pad>", "<c_0>"],
    }


def test_what_no_descriptor_fits_is_no_column_of_pads(run: Any, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "ids.json"
    called = run("vocabulary", "export", file, "--format", "semantic-ids", "--further", 0, "-w", office)
    assert called.code == 0
    assert "1 item has levels where no descriptor fits: the nearest stand there" in called.err
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["d1"] == ["<a_1>", "<pad>", "<c_0>"]
    assert found["?"] in (["<a_2>", "<b_1>", "<c_0>"], ["<a_3>", "<pad>", "<c_0>"])
    again = run("vocabulary", "export", file, "--uncovered", "none", "--format", "semantic-ids", "-w", office)
    assert (again.code, again.err) == (
        2,
        "error: --uncovered 'none' is unknown; it can be nearest or pad\n",
    )


def test_further_descriptors_tell_items_apart(run: Any, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "ids.parquet"
    slots = ("--further", 1, "--no-resolver", "--uncovered", "pad")
    called = run("vocabulary", "export", file, *slots, "--json", "-w", office)
    assert (called.code, called.err) == (0, "")
    assert json.loads(called.out) == {
        "files": [str(file)],
        "items": 4,
        "slots": [
            {"name": "l1", "kind": "level", "size": 2, "used": 2},
            {"name": "l2", "kind": "level", "size": 1, "used": 1},
            {"name": "x1", "kind": "further", "size": 3, "used": 1},
        ],
        "base_tokens": 4,
        "resolvers": 1,
        "beyond_first": 0,
        "beyond_first_share": 0.0,
        "largest_group": 1,
        "with_nearest": 0,
        "notes": [],
    }


def test_standard_output(run: Any, office: Path) -> None:
    called = run("vocabulary", "export", "-", "--format", "plain", "--quiet", "-w", office)
    assert (called.code, called.err) == (0, "")
    assert [json.loads(line) for line in called.out.splitlines()][2] == {
        "item_id": "d1",
        "path": ["Furniture"],
        "further": [],
    }
    pads = ("--uncovered", "pad")
    ids = run("vocabulary", "export", "-", "--format", "semantic-ids", *pads, "-w", office)
    assert json.loads(ids.out)["d1"] == ["<a_1>", "<pad>", "<pad>", "<pad>", "<d_0>"]
    assert ids.err.startswith("wrote 4 items to standard output\n5 slots")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ids.json"], "'ids.json' can have several formats; give --format semantic-ids|plain"),
        (["no/ids.csv"], "the folder 'no' does not exist; create it first, or name another file"),
        (["ids.csv", "--format", "csv"], "--format 'csv' is unknown; it can be one of semantic-ids, parquet"),
        (["-", "--format", "plain", "--json"], "--json prints the summary, and '-' the export, to standard"),
    ],
)
def test_exports_that_cannot_be(
    run: Any, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("vocabulary", "export", *arguments, "-w", office)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")


def test_there_must_be_a_vocabulary_with_items(run: Any, shop: Path, blank: Path, tmp_path: Path) -> None:
    called = run("vocabulary", "export", tmp_path / "a.csv", "-w", shop)
    assert called.code == 2
    assert called.err.endswith("has no vocabulary yet; build one: taxonaut vocabulary build ITEMS\n")
    with Workspace.open(blank) as workspace:
        workspace.index.load_tree(Tree("vocabulary", NODES, EDGES, ()))
    called = run("vocabulary", "export", tmp_path / "a.csv", "-w", blank)
    assert (called.code, called.err) == (
        2,
        "error: no item has been tagged yet; tag some: taxonaut vocabulary assign ITEMS\n",
    )
    assert not (tmp_path / "a.csv").exists()


def test_the_tree_itself_comes_back_from_json_lines(run: Any, office: Path, tmp_path: Path) -> None:
    file, fresh = tmp_path / "tree.jsonl.gz", tmp_path / "fresh"
    called = run("index", "export", file, "-w", office)
    assert (called.code, called.err) == (0, f"wrote 0 labels and 3 nodes to {file}\n")
    assert run("init", fresh, "--quiet").code == 0
    assert run("index", "import", file, "-w", fresh, "--quiet").code == 0
    with Workspace.open(fresh) as workspace:
        assert workspace.index.tree_method() == "vocabulary"
        nodes = [each.node for each in read_vocabulary(workspace).descriptors]
    assert [
        TreeNode(key, n.name, n.description, None, n.examples, n.includes, n.excludes)
        for key, n in enumerate(nodes, start=1)
    ] == list(NODES)
    called = run("index", "export", tmp_path / "tree.csv", "-w", office)
    assert called.code == 2
    assert "holds a vocabulary, and CSV has a row for each label only; write .jsonl or .ttl" in called.err
    assert run("index", "export", tmp_path / "tree.ttl", "-w", office, "--quiet").code == 0


@pytest.fixture
def writing(office: Path, tmp_path: Path) -> Path:
    """A copy of the workspace whose annotator is a language model."""
    folder = Path(shutil.copytree(office, tmp_path / "writing"))
    settings = folder / "taxonaut.toml"
    text = settings.read_text(encoding="utf-8")
    head, role, rest = text.partition("[models.annotator]\n")
    settings.write_text(head + role + rest.replace("encoder/onnx/all-minilm-l6-v2", "openai/x", 1), "utf-8")
    return folder


def test_free_form_keywords_stand_beside_the_vocabulary(
    run: Any, writing: Path, scripted: ScriptedModel, tmp_path: Path
) -> None:
    scripted.name = "openai/x"
    file = tmp_path / "keywords.json"
    scripted.rule = lambda request: {"keywords": request.text.split()[:3]}
    called = run("vocabulary", "export", file, "--format", "free-form", "-w", writing)
    assert (called.code, called.out) == (0, "")
    assert called.err == (
        f"wrote keywords of 4 items by openai/x to {file}\n"
        "free-form   9 different, 22.2% of them on more than one item, 2.75 an item\n"
        "vocabulary  3 different, 100.0% of them on more than one item, 1.50 an item\n"
    )
    assert json.loads(file.read_text(encoding="utf-8"))["d1"] == ["oak", "desk", "[bold]"]
    asked = len(scripted.history)
    again = run("vocabulary", "export", file, "--format", "free-form", "--json", "-w", writing)
    assert len(scripted.history) == asked == 4
    shown = json.loads(again.out)
    assert (shown["source"], shown["failed"]) == ("openai/x", {})
    assert shown["free-form"] == {"unique": 9, "shared": 2, "utilization": 2 / 9, "per_item": 2.75}


def test_items_without_an_answer_are_named(
    run: Any, writing: Path, scripted: ScriptedModel, tmp_path: Path
) -> None:
    scripted.rule = lambda request: {"keywords": ["gift"] if "gift" in request.text else []}
    called = run("vocabulary", "export", tmp_path / "k.json", "--format", "free-form", "-w", writing)
    assert called.code == 6
    assert called.err.splitlines()[-1] == (
        "3 items got no keywords: `keywords` does not keep to its schema, which has minItems: 1.; the same "
        "command asks for these again"
    )
    assert json.loads((tmp_path / "k.json").read_text())["p1"] == []


def test_nothing_is_asked_for_a_file_that_cannot_be(
    run: Any, writing: Path, scripted: ScriptedModel, tmp_path: Path
) -> None:
    file = tmp_path / "no" / "k.json"
    called = run("vocabulary", "export", file, "--format", "free-form", "-w", writing)
    assert (called.code, scripted.history) == (2, [])
    assert called.err.startswith(f"error: the folder '{tmp_path / 'no'}' does not exist")


def test_without_a_language_model_keywords_are_terms(run: Any, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    called = run("vocabulary", "export", file, "--format", "free-form", "--keywords", 1, "-w", office)
    assert called.code == 0
    assert called.err.splitlines()[0] == f"wrote keywords of 4 items by tf-idf to {file}"
    assert json.loads(file.read_text()) == {"p1": ["blue"], "p2": ["red"], "d1": ["bold"], "?": ["card"]}


@pytest.mark.local
def test_a_small_model_writes_keywords(run: Any, writing: Path, tmp_path: Path) -> None:
    require_weights(SMALL)
    settings = writing / "taxonaut.toml"
    settings.write_text(settings.read_text("utf-8").replace("openai/x", f"gguf/{SMALL}"), "utf-8")
    file = tmp_path / "k.json"
    called = run("vocabulary", "export", file, "--format", "free-form", "--keywords", 1, "-w", writing)
    assert called.code == 0, called
    found = json.loads(file.read_text(encoding="utf-8"))
    assert list(found) == list(TEXTS)
    assert all(len(words) == 1 and 0 < len(words[0]) <= 60 for words in found.values())
