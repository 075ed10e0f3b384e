"""`taxonaut expert define`, and what `labels show` says of a definition."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Workspace
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.expert.training_data import Example

pytestmark = pytest.mark.slow

PRODUCTS = {
    "shoes": ["trail [red]runner[/red]", "marathon shoe", "road shoe"],
    "tents": ["tunnel tent"],
}


@pytest.fixture
def trained(shop: Path) -> Path:
    """The shop with an expert that learned from four products."""
    with Workspace.open(shop) as workspace:
        examples = [
            Example(Item(ItemId(f"{label}{number}"), text), (LabelId(label),))
            for label, texts in PRODUCTS.items()
            for number, text in enumerate(texts)
        ]
        workspace.items.put(example.item for example in examples)
        workspace.experts.save(ExpertCard("head"), lambda _: None, examples)
    return shop


@pytest.fixture
def prose(trained: Path, scripted: ScriptedModel) -> ScriptedModel:
    """A language model as general expert."""
    scripted.name = "hosted_vllm/test"
    scripted.rule = lambda request: {
        "title": f"What is in {request.context.splitlines()[0].rpartition(' > ')[2]}",
        "definition": "Made for [b]sport[/b].",
    }
    return scripted


@pytest.mark.usefixtures("embedder")
def test_an_encoder_composes_them(run: Any, trained: Path) -> None:
    called = run("expert", "define", "-w", trained)
    assert called.code == 0
    assert called.out.splitlines() == [
        "Running shoes  shoes",
        "  red, shoe; such as trail [red]runner[/red]; marathon shoe; road shoe",
        "Hiking boots  boots",
        "  part of Sport > Shoes",
        "Family tents  tents",
        "  tent, tunnel; such as tunnel tent",
        "Red apples  apples",
        "  part of Food > Fruit",
        "Green pears  pears",
        "  part of Food > Fruit",
    ]
    assert called.err.splitlines() == [
        "5 categories defined by encoder/onnx/all-minilm-l6-v2, composed of telling words and products, as it "
        "writes no prose",
        f"look at one: taxonaut labels show shoes -w {trained}; take all back: taxonaut index undo -w {trained}",
        f"next: taxonaut categorize FILE --shown definition -w {trained}",
    ]
    shown = run("labels", "show", "tents", "-w", trained).out.splitlines()
    assert shown[:4] == [
        "Family tents",
        "id tents   batch initial",
        "tent, tunnel; such as tunnel tent",
        "Sport > Camping > Family tents",
    ]
    assert shown[4].startswith(
        "description composed of telling words and products for encoder/onnx/all-minilm-l6-v2, 20"
    )
    assert shown[4].endswith(" UTC, from 1 product")
    assert shown[5:] == ["  tunnel tent"]
    last = run("labels", "show", "pears", "-w", trained).out.splitlines()[-1]
    assert last.endswith("from its place, without products")


@pytest.mark.usefixtures("embedder")
def test_again_and_undone(run: Any, trained: Path) -> None:
    run("expert", "define", "-w", trained)
    called = run("expert", "define", "-w", trained)
    assert (called.code, called.out) == (0, "")
    assert called.err == "5 categories as before: nothing they were written from has changed\n"
    assert run("index", "log", "-w", trained).out.splitlines()[0].split("  ")[2:4] == [
        "expert define",
        "(describe 5 labels)",
    ]
    undone = run("index", "undo", "-w", trained)
    assert "~ described 'Family tents' (tents): nothing any more" in undone.out.splitlines()
    assert run("labels", "show", "tents", "-w", trained).out.splitlines() == [
        "Family tents",
        "id tents   batch initial",
        "Sport > Camping > Family tents",
    ]


def test_a_language_model_writes_them(run: Any, trained: Path, prose: ScriptedModel) -> None:
    called = run("expert", "define", "tents", "shoes", "--limit", "1", "-w", trained)
    assert called.out.splitlines() == ["What is in Family tents  tents", "  Made for [b]sport[/b]."]
    assert called.err.splitlines()[:3] == [
        "1 category defined by hosted_vllm/test, written",
        "1 request, 0 tokens",
        f"1 category left: taxonaut expert define -w {trained}",
    ]
    shown = run("labels", "show", "tents", "-w", trained).out.splitlines()
    assert shown[4] == "also called What is in Family tents"
    assert shown[5].startswith("description written by hosted_vllm/test, 20")


def test_ids_from_a_file_and_json(run: Any, trained: Path, prose: ScriptedModel, tmp_path: Path) -> None:
    listed = tmp_path / "ids.txt"
    listed.write_text("tents\npears\n")
    called = run("expert", "define", "--categories", listed, "--json", "-w", trained)
    row = json.loads(called.out)
    assert (called.code, called.err) == (0, "")
    assert [one["label_id"] for one in row["written"]] == ["tents", "pears"]
    assert row["written"][0] == {
        "label_id": "tents",
        "title": "What is in Family tents",
        "definition": "Made for [b]sport[/b].",
        "products": ["tents0"],
        "model": "hosted_vllm/test",
        "template": "general_expert/define",
        "template_hash": row["written"][0]["template_hash"],
    }
    assert {key: value for key, value in row.items() if key != "written"} == {
        "model": "hosted_vllm/test",
        "composed": False,
        "unchanged": 0,
        "own": 0,
        "left": 0,
        "failed": {},
        "requests": 2,
    }
    shown = json.loads(run("labels", "show", "tents", "--json", "-w", trained).out)
    assert shown["written"] == row["written"][0]
    called = run("expert", "define", "--categories", "-", "-w", trained, stdin="shoes\n")
    assert called.out.startswith("What is in Running shoes")


def test_what_failed(run: Any, trained: Path, prose: ScriptedModel) -> None:
    prose.rule = lambda _: ModelReplyError("no valid call")
    called = run("expert", "define", "tents", "-w", trained)
    assert (called.code, called.out) == (6, "")
    assert called.err.splitlines() == [
        "1 request, 0 tokens",
        "1 category got no definition, the first: 'tents': no valid call",
        "they keep what they had; the same command asks for these only, and another model may do better",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hats"], "no label 'hats' in the index"),
        (["--categories", "nowhere.txt"], "'nowhere.txt' does not exist"),
        (["--limit", "-1"], "greater than or equal to 0"),
    ],
)
@pytest.mark.usefixtures("embedder")
def test_what_cannot_be(run: Any, trained: Path, arguments: list[str], words: str) -> None:
    called = run("expert", "define", *arguments, "-w", trained)
    assert (called.code, called.out) == (2, "")
    assert words in called.err


@pytest.mark.usefixtures("embedder")
def test_without_an_expert(run: Any, shop: Path) -> None:
    called = run("expert", "define", "-w", shop)
    assert (called.code, called.err) == (
        2,
        f"error: no expert was trained in {str(shop)!r} yet: taxonaut expert train ITEMS\n",
    )
