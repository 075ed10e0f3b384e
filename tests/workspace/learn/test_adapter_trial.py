"""A LoRA adapter from a workspace's labelled items: what is held out, the report, and its use."""

import json
from pathlib import Path

import pytest
from fakes import word_embedder
from tiny_llama import write_tiny_llama

from taxonaut import InputError, Item, ItemRow, Workspace
from taxonaut.models.adapt.lora import LoraSettings
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.learn.adapter_trial import SEEN, UNSEEN, Accuracy, compare, divide, learn_adapter
from taxonaut.workspace.learn.feedback import MarkedItem
from taxonaut.workspace.learn.model_examples import ExampleSettings
from taxonaut.workspace.walk.labelled_items import store_gold

NAMES = [LabelId(name) for name in ("shoes", "boots", "tents", "apples", "pears")]


def marked(number: int) -> MarkedItem:
    name = NAMES[number % len(NAMES)]
    return MarkedItem(Item(ItemId(str(number)), f"{name} {number}"), (name,))


def test_held_out_labels_are_learned_nowhere() -> None:
    items = [marked(number) for number in range(40)]
    parts = divide(items, NAMES, 0.2, seed=0)
    assert (len(parts.train), len(parts.seen), len(parts.unseen), len(parts.known)) == (26, 6, 8, 4)
    assert {label for item in (*parts.train, *parts.seen) for label in item.right} == parts.known
    assert not {label for item in parts.unseen for label in item.right} & parts.known
    assert divide(items, NAMES, 0.2, seed=0) == parts
    with pytest.raises(InputError, match="0 labelled items are too few"):
        divide([], NAMES, 0.2, seed=0)


def test_an_adapter_fails_by_more_than_chance() -> None:
    assert compare([True, True, False], [True, False, True]) == Accuracy(3, 2, 2, 1, 1)
    assert not Accuracy(100, 50, 48, 8, 10).fell
    assert Accuracy(100, 50, 30, 0, 20).fell


@pytest.mark.slow
def test_learn_measure_and_use(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("peft")
    role = {"model": f"gguf/{write_tiny_llama(tmp_path / 'tiny.gguf')}", "answer": "scored"}
    labels = tmp_path / "labels.csv"
    labels.write_text("id,path\n" + "".join(f"{name},Shop > {name.title()}\n" for name in NAMES))
    roles = {"navigator": role, "general_expert": role}
    folder = tmp_path / "w"
    with Workspace.init(folder, models=roles, embedder=word_embedder(32)) as workspace:
        workspace.import_labels(read_labels(labels))
        rows = [marked(number) for number in range(10)]
        store_gold(workspace, [ItemRow(each.item, each.right) for each in rows])
        report = learn_adapter(
            workspace,
            folder / "learned/lora-1",
            examples=ExampleSettings(kinds=("inductive",), options=3, nodes=0, none=0.0),
            lora=LoraSettings(rate=3e-3),
        )
        with pytest.raises(InputError, match="is not an empty folder"):
            learn_adapter(workspace, folder / "learned/lora-1")
    assert (report.counts["deductive"], set(report.accuracy)) == (0, {SEEN, UNSEEN})
    assert report.result.loss_after < report.result.loss_before
    card = json.loads((folder / "learned/lora-1/card.json").read_text())
    assert (card["model"], card["passed"]) == (f"{role['model']} scored", report.passed)

    adapted = {**role, "adapter": "learned/lora-1/lora.gguf"}
    with Workspace.open(
        folder, models={"navigator": adapted, "general_expert": adapted}, embedder=word_embedder(32)
    ) as workspace:
        (result,) = workspace.classify(["shoes to buy"])
        assert (result.error, workspace.config.models.navigator.adapter) == (
            "",
            str(folder / "learned/lora-1/lora.gguf"),
        )
