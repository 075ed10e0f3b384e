"""Examples by a workspace's agents from its ledger, demonstrations in its prompts, and who can learn at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder

from taxonaut import InputError, Item, ItemRow, ScriptedModel, Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.learn.language_model import (
    check_adaptable,
    collect_examples,
    train_adapter,
    usable_kinds,
)
from taxonaut.workspace.learn.model_examples import ExampleSettings
from taxonaut.workspace.walk.labelled_items import store_gold

TEXTS = {"1": ("clothes hats", "balls"), "2": ("sports shoes", "shoes"), "3": ("sports balls", "balls")}


def answer(request: ModelRequest) -> Sequence[int] | Mapping[str, Any]:
    """Choose what the text names; give reasons."""
    if not request.field:
        return {
            "reasons": "The text says so.",
            "fits": request.tool.parameters["properties"]["fits"]["enum"][0],
        }
    wanted = request.text.casefold().split()
    return [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2].casefold() in wanted] or [0]


def store(shop: Workspace) -> None:
    store_gold(
        shop, [ItemRow(Item(ItemId(id), text), (LabelId(label),)) for id, (text, label) in TEXTS.items()]
    )


async def test_examples_from_the_ledger(shop: Workspace) -> None:
    shop.classify([Item(ItemId(id), text) for id, (text, _) in TEXTS.items()])
    store(shop)
    model = ScriptedModel(rule=answer)
    asked = shop.with_models({"navigator": model, "general_expert": model})
    found = await collect_examples(asked, shop.feedback().items, ExampleSettings(none=0.0))
    assert found.counts() == {"inductive": 6, "deductive": 6}
    explained = [(each.item, each.agent, each.options, each.marks) for each in found.examples[6:]]
    assert sorted(explained) == [
        ("1", "general_expert", ("balls",), ("miss",)),
        ("1", "general_expert", ("hats",), ("error",)),
        ("1", "navigator", ("2",), ("error",)),
        ("1", "navigator", ("3",), ("miss",)),
        ("1", "navigator", ("5",), ("error",)),
        ("1", "navigator", ("6",), ("miss",)),
    ]


async def test_what_encoders_cannot(shop: Workspace) -> None:
    plain = shop.with_models(dict.fromkeys(("navigator", "general_expert"), "encoder/onnx/all-minilm-l6-v2"))
    assert usable_kinds(plain) == ("inductive",)
    assert usable_kinds(shop) == ("inductive", "deductive")
    with pytest.raises(InputError, match="compares texts and writes no reasons"):
        await collect_examples(plain, [], ExampleSettings())
    with pytest.raises(InputError, match="an adapter is for a gguf/… model"):
        check_adaptable(plain)
    with pytest.raises(InputError, match="an adapter is for a gguf/… model"):
        train_adapter(plain, [], Path("nowhere"))


async def test_no_labelled_items(shop: Workspace) -> None:
    with pytest.raises(InputError, match="no example can be made of 0 labelled items"):
        await collect_examples(shop, [])


def test_demonstrations_are_the_labelled_texts(tmp_path: Path) -> None:
    """The setting alone changes the prompts; another label in the ledger is another classification."""
    model = ScriptedModel(rule=answer)
    labels = tmp_path / "labels.csv"
    labels.write_text("id,name,path\nshoes,Shoes,Clothes > Shoes\nballs,Balls,Sports > Balls\n")
    models = {"navigator": model, "general_expert": model}
    with Workspace.init(tmp_path / "w", models=models, embedder=word_embedder(64)) as made:
        made.import_labels(read_labels(labels))
        made.classify(["sports balls"])
        store(made)
    before = list(model.history)
    model.history.clear()

    with Workspace.open(
        tmp_path / "w", models=models, embedder=word_embedder(64), learning={"demonstrations": 2}
    ) as shop:
        shop.classify(["sports balls"])
        first = list(model.history)
        shop.classify(["sports balls"])
        assert model.history == first
        assert not any("Similar texts" in request.item for request in before)
        assert all("Text: sports shoes\nRight: " in request.item for request in first)
        assert [request.item.count("Text: sports balls") for request in first] == [1] * len(first)
        assert [(a.system, a.context) for a in first] == [(b.system, b.context) for b in before]
        shop.correct("2", right="balls", person="ann", complete=True)
        shop.classify(["sports balls"])
        assert len(model.history) > len(first)


def test_demonstrations_without_a_language_model(tmp_path: Path) -> None:
    with (
        Workspace.init(tmp_path / "w", embedder=word_embedder(64), learning={"demonstrations": 2}) as shop,
        pytest.raises(InputError, match="an encoder reads no examples"),
    ):
        shop.wiring.navigator()
