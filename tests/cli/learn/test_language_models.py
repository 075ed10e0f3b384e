"""`taxonaut learn export` and `learn adapter`: files of examples, and who can learn."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import in_every_role, packaged_embedder

from taxonaut import Item, ItemRow, Workspace
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.learn.language_model import export_examples
from taxonaut.workspace.walk.labelled_items import store_gold


@pytest.fixture
def given() -> GlobalOptions:
    return GlobalOptions(embedder=packaged_embedder())


@pytest.fixture
def labelled(shop: Path) -> Path:
    """The small workspace with a label for each of five texts."""
    with Workspace.open(shop, embedder=packaged_embedder()) as workspace:
        names = ("shoes", "boots", "tents", "apples", "pears")
        store_gold(
            workspace,
            [ItemRow(Item(ItemId(name), f"some {name} to buy"), (LabelId(name),)) for name in names],
        )
    return shop


def test_an_encoder_s_workspace_has_examples_for_a_language_model(
    run: Any, labelled: Path, tmp_path: Path
) -> None:
    file = tmp_path / "train.jsonl"
    called = run("learn", "export", file, "-w", labelled)
    assert (called.code, called.out, called.err) == (0, "", f"5 examples (5 inductive) -> {file}\n")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {row["messages"][1]["content"] for row in rows} == {
        f"Text: some {name} to buy" for name in ("shoes", "boots", "tents", "apples", "pears")
    }
    assert all("Candidates:\n1. " in row["messages"][0]["content"] for row in rows)
    shown = run("learn", "export", file, "-w", labelled, "--format", "trl", "--json")
    assert json.loads(shown.out) == {
        "file": str(file),
        "format": "trl",
        "inductive": 5,
        "deductive": 0,
        "unexplained": 0,
    }
    refused = run("learn", "export", file, "-w", labelled, "--kinds", "deductive")
    assert (refused.code, "compares texts and writes no reasons" in refused.err) == (2, True)


def test_nothing_is_known_yet(run: Any, shop: Path, tmp_path: Path) -> None:
    called = run("learn", "export", tmp_path / "train.jsonl", "-w", shop)
    assert called.code == 2
    assert "no example can be made of 0 labelled items" in called.err
    assert not (tmp_path / "train.jsonl").exists()


def test_an_adapter_needs_a_model_of_this_process(run: Any, labelled: Path) -> None:
    called = run("learn", "adapter", "learned/lora-1", "-w", labelled)
    assert called.code == 2
    assert "an adapter is for a gguf/… model" in called.err
    (labelled / "prompts" / "a.txt").write_text("a")
    full = run("learn", "adapter", "prompts", "-w", labelled)
    assert (full.code, "is not an empty folder; give a new one" in full.err) == (2, True)


def test_reasons_are_asked_once(labelled: Path, tmp_path: Path) -> None:
    def answer(request: ModelRequest) -> Any:
        if request.field:
            return [1]
        fits = request.tool.parameters["properties"]["fits"]["enum"][0]
        return {"reasons": "The text says so.", "fits": fits}

    model = ScriptedModel(rule=answer)
    with Workspace.open(labelled, models=in_every_role(model), embedder=packaged_embedder()) as workspace:
        workspace.classify([Item(ItemId(name), f"some {name} to buy") for name in ("shoes", "pears")])
        found = export_examples(workspace, tmp_path / "train.jsonl", "messages")
        asked = [request for request in model.history if not request.field]
    assert found.counts()["deductive"] == len(asked) > 0
    assert found.unexplained == 0
