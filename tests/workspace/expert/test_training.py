"""Training an expert in a workspace: little data, other embedders, an encoder that is fine-tuned."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxonaut import Workspace
from taxonaut.models.expert.out_of_fold import OutOfFold
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.state.errors import DiskError, InputError, MissingExtraError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.state.updates import Progress, Update
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training import encoder_settings
from taxonaut.workspace.files.item_files import ItemRow

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

KINDS = {"fruit": ("apple", "pear", "plum"), "shoes": ("boot", "shoe", "sandal"), "light": ("lamp", "bulb")}


def rows(texts: dict[str, list[str]]) -> list[ItemRow]:
    """Products by their categories, divided by +."""
    pairs = [(labels, text) for labels, all_of in texts.items() for text in all_of]
    return [
        ItemRow(Item(ItemId(f"p{place}"), text), tuple(map(LabelId, labels.split("+"))))
        for place, (labels, text) in enumerate(pairs)
    ]


def shelf(count: int) -> dict[str, list[str]]:
    """So many products of each category."""
    looks = ("red", "big", "old", "new")
    return {
        label: [f"{things[n % len(things)]} {looks[n % 4]} {n}" for n in range(count)]
        for label, things in KINDS.items()
    }


@pytest.fixture
def shop(words: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open one workspace with three categories, under settings of [expert]."""
    folder = tmp_path / "w"
    with Workspace.init(folder, embedder=words) as made:
        made.index.add_labels([Label(LabelId(label), label) for label in KINDS])
    opened: list[Workspace] = []

    def open_it(**expert: Any) -> Workspace:
        for each in opened:
            each.close()
        opened[:] = [Workspace.open(folder, embedder=words, expert=expert)]
        return opened[0]

    yield open_it
    opened[0].close()


@pytest.mark.parametrize(
    "texts",
    [
        {"fruit": ["red apple"], "shoes": ["old boot"]},
        {"fruit": ["red apple"], "shoes": ["old boot"], "light": ["lamp"]},
        {"fruit": ["red apple", "pear", "plum"], "shoes": ["old boot", "shoe"]},
        {"fruit": [f"apple {n}" for n in range(9)], "shoes": ["boot"]},
        {"fruit+shoes": [f"apple boot {n}" for n in range(6)]},
        {"fruit": ["!", "…"], "light": ["?", "\x00", "日本"]},
        {"fruit": ["same", "other"], "shoes": ["same", "same"]},
    ],
)
@pytest.mark.parametrize("settings", [{}, {"augment": 0, "lexical": False}, {"epochs": 3}])
def test_little_data_is_enough(
    shop: Callable[..., Any], texts: dict[str, list[str]], settings: dict[str, Any]
) -> None:
    workspace, given = shop(**settings), rows(texts)
    card = workspace.train_expert(given)
    assert (card.kind, card.data["products"], card.data["dev"]) == ("head", len(given), 0)
    assert sum(map(len, workspace.experts.examples().values())) == sum(len(row.gold) for row in given)
    found = workspace.experts.classifier().probabilities(
        [*(row.item.text for row in given), "", "never seen"]
    )
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)), abs=1e-4)


def test_one_text_alone_is_refused(shop: Callable[..., Any]) -> None:
    with pytest.raises(InputError) as refused:
        shop().train_expert(rows({"fruit": ["a thing"], "shoes": [" a thing", "a thing "]}))
    assert str(refused.value) == (
        "an expert needs products with at least two different texts, and all have the same text; give "
        "more products, or name the text column with --text-column"
    )


def test_an_expert_needs_the_embedder_that_it_was_trained_with(shop: Callable[..., Any], words: Any) -> None:
    assert shop().train_expert(rows(shelf(2))).settings["embedder"] == "words"
    words.name = "others"
    with pytest.raises(WorkspaceError) as refused:
        shop().experts.classifier()
    assert str(refused.value) == (
        "expert 1 was trained with the embedder 'words', but the workspace's is 'others': restore [embeddings], or "
        "train again: taxonaut expert train ITEMS"
    )


def test_one_bar_counts_the_whole_training(shop: Callable[..., Any]) -> None:
    seen: list[Update] = []
    workspace = shop()
    workspace.train_expert(rows(shelf(12)), on_update=seen.append)
    told = [update for update in seen if isinstance(update, Progress)]
    assert {(update.stage, update.total) for update in told} == {("training", 36 + 3 + 5 + 36)}
    assert [update.done for update in told] == sorted(update.done for update in told)
    assert (told[0].done, told[-1].done) == (0, 80)


def test_training_takes_pytorch_only_for_what_is_trained_by_gradient(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    card = shop(augment=0, seed=3).train_expert(rows(shelf(4)))
    assert card.settings["head"] == "ridge"
    assert "epochs" not in card.metrics
    for settings in ({"focal": True}, {"bootstrap": True}, {"epochs": 2}, {"learning_rate": 0.1}):
        with pytest.raises(MissingExtraError, match="train"):
            shop(**settings).train_expert(rows(shelf(4)))


def test_an_encoder_has_defaults_of_its_own() -> None:
    own = encoder_settings(ExpertConfig(encoder="x", gamma=2.0))
    assert (own.epochs, own.batch, own.patience, own.learning_rate, own.gamma) == (4, 32, 3, None, 2.0)
    own = encoder_settings(ExpertConfig(encoder="x", epochs=6, batch=256, learning_rate=1e-5))
    assert (own.epochs, own.batch, own.patience, own.learning_rate) == (6, 256, 3, 1e-5)


TUNED = {"epochs": 3, "batch": 8, "learning_rate": 3e-3}


def test_an_encoder_is_tuned_and_served_by_onnx_runtime(
    shop: Callable[..., Any], tiny_bert: Path, words: Any
) -> None:
    workspace = shop(encoder=str(tiny_bert), **TUNED)
    seen: list[Update] = []
    card = workspace.train_expert(rows(shelf(12)), on_update=seen.append)

    told = [update for update in seen if isinstance(update, Progress)]
    assert {update.stage for update in told} == {"training"}
    assert [update.done for update in told] == sorted(update.done for update in told)
    tuned = 3 * 3 * card.data["products"]
    assert [update.done for update in told[:5]] == [0, 0, tuned // 3, 2 * tuned // 3, tuned]
    assert told[-1].done == told[-1].total
    assert (card.kind, card.data["products"], card.data["dev"]) == ("encoder", 32, 4)
    told = {name: card.settings[name] for name in ("encoder", "served_by", "epochs", "batch", "patience")}
    assert told == {
        "encoder": str(tiny_bert),
        "served_by": "ONNX Runtime",
        "epochs": 3,
        "batch": 8,
        "patience": 3,
    }
    assert "no_onnx" not in card.settings
    assert {"accuracy", "passes", "best_pass", "device"} == set(card.metrics["encoder"])
    folder = workspace.experts.path(1)
    assert (folder / "encoder" / "model.onnx").is_file()
    assert [each.name for each in workspace.experts.folder.iterdir()] == ["1"]
    assert sum(map(len, workspace.experts.examples().values())) == 36
    compared = {card.settings["embedder"], "words"}  # the encoder's, and what it is compared with
    assert set(workspace.wiring.embeddings.models()) == compared

    words.name = "others"
    again = shop()
    classifier = again.experts.classifier()
    found = classifier.probabilities(["big plum", "new sandal", "red bulb"])
    assert classifier.labels == ("fruit", "shoes", "light")
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    assert again.wiring.embeddings.get(card.settings["embedder"], ["big plum"])[1].all(), "kept"
    again.experts.classifier()
    (encoder,) = [each for each in again.wiring.embedders.values() if isinstance(each, OnnxEmbedder)]
    assert encoder.name == card.settings["embedder"]


@pytest.mark.parametrize("given", [False, True])
def test_an_encoder_that_gains_nothing_is_left_out(
    shop: Callable[..., Any], tiny_bert: Path, given: bool
) -> None:
    workspace = shop(encoder=str(tiny_bert), epochs=1, dev=0.3)
    learned, judged = rows(shelf(24)), rows({name: texts[24:] for name, texts in shelf(32).items()})
    card = workspace.train_expert(learned, dev_rows=judged if given else None)

    found = card.metrics["encoder"]
    assert found["held_out"] < found["held_out_without"] + 0.01
    assert (card.kind, card.settings["embedder"]) == ("head", "words")
    assert (card.data["products"], card.data["dev"]) == (72, 24 if given else 0)
    (note,) = [each for each in card.data["notes"] if "encoder" in each]
    assert note.startswith("the fine-tuned encoder was left out: it gains too little, ")
    folder = workspace.experts.path(1)
    assert not (folder / "encoder").exists()
    assert len(OutOfFold.load(folder)) == sum(map(len, workspace.experts.examples().values())) == 72
    assert [each.name for each in workspace.experts.folder.iterdir()] == ["1"]
    best = shop().experts.classifier().probabilities(["big plum", "new sandal", "red bulb"]).argmax(axis=1)
    assert best.tolist() == [0, 1, 2]


def test_an_encoder_is_tuned_by_contrast_and_a_killed_training_continues(
    shop: Callable[..., Any], tiny_bert: Path
) -> None:
    pytest.importorskip("sentence_transformers")
    workspace = shop(encoder=str(tiny_bert), objective="contrast", epochs=4, batch=2, learning_rate=1e-3)

    def kill(update: Update) -> None:
        if (workspace.experts.folder / ".checkpoints" / "checkpoint-60").is_dir():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.train_expert(rows(shelf(12)), on_update=kill)
    seen: list[Update] = []
    card = workspace.train_expert(rows(shelf(12)), on_update=seen.append)

    done = [update.done for update in seen if isinstance(update, Progress) and update.total]
    assert done[2] > 3 * 4 * 32 * 60 // 65, "it continues"
    assert (card.kind, card.settings["served_by"], card.settings["objective"]) == (
        "encoder",
        "ONNX Runtime",
        "contrast",
    )
    assert {"passes", "loss", "device"} == set(card.metrics["encoder"])
    assert [each.name for each in workspace.experts.folder.iterdir()] == ["1"]
    found = shop().experts.classifier().probabilities(["big plum", "new sandal", "red bulb"])
    assert found.argmax(axis=1).tolist() == [0, 1, 2]


def test_contrast_needs_an_encoder_and_has_no_patience(shop: Callable[..., Any], tiny_bert: Path) -> None:
    with pytest.raises(
        InputError, match="fine-tunes an encoder, and none is given; name one, for example with"
    ):
        shop(objective="contrast").train_expert(rows(shelf(3)))
    with pytest.raises(InputError, match=r"by contrast has no \[expert\] patience; leave it out"):
        shop(objective="contrast", encoder=str(tiny_bert), patience=2).train_expert(rows(shelf(3)))


def test_what_onnx_runtime_computes_otherwise_is_served_by_pytorch(
    shop: Callable[..., Any], tiny_bert: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(tiny_bert, tmp_path / "other"))
    (other / "config.json").write_text(
        json.dumps({**json.loads((other / "config.json").read_text()), "hidden_act": "relu"})
    )
    workspace = shop(encoder=str(other), **TUNED)
    given = rows({label: texts[2:] for label, texts in shelf(8).items()})
    dev = rows({label: texts[:2] for label, texts in shelf(8).items()})

    card = workspace.train_expert(given, dev_rows=dev)

    assert (card.data["products"], card.data["dev"], card.data["dev_given"]) == (18, 6, True)
    assert card.settings["served_by"] == "PyTorch"
    assert "no ONNX graph can be written" in card.settings["no_onnx"]
    learned = {each.item.text for of_label in workspace.experts.examples().values() for each in of_label}
    assert learned == {row.item.text for row in given}, "a dev part that was given is not learned from"
    workspace.experts.classifier().probabilities(["big plum"])
    encoders = [each for each in workspace.wiring.embedders.values() if isinstance(each, TransformerEmbedder)]
    assert [each.name for each in encoders] == [card.settings["embedder"]]


def test_an_expert_without_its_encoder(shop: Callable[..., Any], tiny_bert: Path) -> None:
    workspace = shop(encoder=str(tiny_bert), epochs=1)
    name = workspace.train_expert(rows(shelf(3))).settings["embedder"]
    encoder = workspace.experts.path(1) / "encoder"
    file = encoder / "model.onnx"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WorkspaceError, match=rf"encoder' is damaged: .*the files of '{name}' were changed"):
        workspace.experts.classifier()
    file.unlink()
    (encoder / "config.json").unlink()
    with pytest.raises(WorkspaceError, match=r"encoder' is damaged: .*config\.json missing.*train again"):
        workspace.experts.classifier()
    shutil.rmtree(encoder)
    with pytest.raises(
        WorkspaceError, match=r"experts/1/encoder' does not exist; restore it, or delete the folder"
    ):
        workspace.experts.classifier()


@pytest.mark.parametrize("when", [0.0, 0.5, 1.0])
def test_a_training_that_is_broken_off_leaves_nothing(
    shop: Callable[..., Any], tiny_bert: Path, when: float
) -> None:
    workspace = shop(encoder=str(tiny_bert), epochs=1)

    def stop(update: Update) -> None:
        if isinstance(update, Progress) and update.total and update.done >= when * update.total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.train_expert(rows(shelf(3)), on_update=stop)
    assert list(workspace.experts.folder.iterdir()) == []


def test_an_encoder_that_cannot_be_used(shop: Callable[..., Any], tmp_path: Path) -> None:
    for encoder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match=r"there is no folder|is not a transformer encoder"):
            shop(encoder=str(encoder)).train_expert(rows(shelf(3)))
        assert not any(shop().experts.folder.glob("*"))
    with pytest.raises(
        InputError, match="no product can be held out for evaluation: every category has only one"
    ):
        shop(encoder=str(tmp_path)).train_expert(rows(shelf(1)))


def test_a_workshop_that_cannot_be_made(shop: Callable[..., Any]) -> None:
    experts = Experts(shop())
    experts.folder.write_text("a file")
    with pytest.raises(DiskError, match=r"^cannot write to '.*experts': "), experts.staging_folder():
        pass
