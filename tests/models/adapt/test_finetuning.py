"""Fine-tuning an encoder by contrast: it learns, exports, continues after a kill and refuses what teaches nothing."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.adapt.contrast_data import ContrastData, ContrastItem, ContrastPairs, ContrastSettings
from taxonaut.models.adapt.contrast_trainer import STAGE
from taxonaut.models.adapt.finetuning import FinetuningLearner, contrast_data, finetune_by_contrast
from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.onnx.safetensors import read_header
from taxonaut.models.requests import OptionText
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.updates import Progress, Update, listening

pytestmark = pytest.mark.slow

pytest.importorskip("sentence_transformers")

KINDS = (("apple", "pear", "plum"), ("boot", "shoe", "sandal"), ("lamp", "bulb", "candle"))
LABELS = ("things > pear", "things > sandal", "things > lamp")
SETTINGS = ContrastSettings(epochs=3, batch=16, learning_rate=1e-3, refresh=5)


def make_items(count: int, seed: int) -> list[ContrastItem]:
    """Texts of a thing among words that mean nothing, with its kind; the kind after it is a hard negative."""
    random = np.random.default_rng(seed)
    texts = [
        (kind, [KINDS[kind][random.integers(3)], random.choice(["red", "big", "old", "new"])])
        for kind in random.integers(0, 3, count).tolist()
    ]
    return [ContrastItem(" ".join(words), (kind,), ((kind + 1) % 3,)) for kind, words in texts]


DATA = ContrastData(make_items(96, 0), LABELS)


def accuracy(folder: Path, items: Sequence[ContrastItem]) -> float:
    embedder = OnnxEmbedder(folder, settings=OnnxSettings("fp32", "mean"))
    first = (embedder.embed([item.text for item in items]) @ option_vectors(LABELS, embedder.embed).T).argmax(
        1
    )
    embedder.close()
    return float(np.mean([place in item.right for place, item in zip(first.tolist(), items, strict=True)]))


def embed(folder: Path, precision: str = "fp32") -> Matrix:
    embedder = OnnxEmbedder(folder, settings=OnnxSettings(precision))  # type: ignore[arg-type]
    vectors = embedder.embed([item.text for item in DATA.items])
    embedder.close()
    return vectors


def test_it_learns_which_items_belong_to_a_label(tiny_bert: Path, tmp_path: Path) -> None:
    told: list[Update] = []
    before = accuracy(tiny_bert, make_items(60, 1))

    with listening(told.append):
        found = finetune_by_contrast(tiny_bert, DATA, replace(SETTINGS, epochs=8), tmp_path / "out")

    assert (found.folder, found.steps) == (tmp_path / "out", 48)
    assert Progress(STAGE, 48, 48) in told
    assert accuracy(found.folder, make_items(60, 1)) > before + 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert {"model.onnx", "model.int8.onnx", "model.safetensors", "tokenizer.json", "config.json"} <= {
        path.name for path in found.folder.iterdir()
    }


def read_tensors(folder: Path) -> dict[str, Matrix]:
    return {name: each.read() for name, each in read_header(folder / "model.safetensors").items()}


@pytest.mark.parametrize("given", [{"lora_rank": 4}, {"frozen_layers": 1}, {"items_share": 1.0}])
def test_low_rank_updates_frozen_layers_and_contrast_of_items(
    given: dict[str, int], tiny_bert: Path, tmp_path: Path
) -> None:
    finetune_by_contrast(tiny_bert, DATA, replace(SETTINGS, epochs=1, **given), tmp_path / "out")

    before, after = read_tensors(tiny_bert), read_tensors(tmp_path / "out")
    changed = {name for name in after if np.abs(after[name] - before[name]).max() > 0}
    lowest = "encoder.layer.0.attention.self.query.weight"
    assert after.keys() <= before.keys()
    assert "encoder.layer.1.attention.self.query.weight" in changed
    assert (lowest in changed) == ("frozen_layers" not in given)
    assert ("embeddings.word_embeddings.weight" in changed) == ("items_share" in given)


def test_onnx_runtime_gives_the_vectors_of_pytorch(tiny_xlmr: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    found = finetune_by_contrast(tiny_xlmr, DATA, replace(SETTINGS, epochs=1), tmp_path / "out")

    model = SentenceTransformer(str(found.folder), local_files_only=True, device="cpu")
    expected = model.encode([item.text for item in DATA.items], show_progress_bar=False)
    assert np.abs(embed(found.folder) - expected).max() < 1e-3
    assert (embed(found.folder, "int8") * expected).sum(axis=1).min() > 0.9
    embedder = OnnxEmbedder(found.folder)
    (read,) = embedder.embed_in_context(["red apple"])
    assert (read.words, read.vectors.shape) == (("red", "apple"), (2, 32))


def test_a_killed_training_continues_at_its_last_checkpoint(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finetune_by_contrast(tiny_bert, DATA, SETTINGS, tmp_path / "whole")

    def kill(update: Update) -> None:
        if update == Progress(STAGE, 13, 18):
            raise KeyboardInterrupt

    told: list[Update] = []
    with pytest.raises(KeyboardInterrupt), listening(kill):
        finetune_by_contrast(tiny_bert, DATA, SETTINGS, tmp_path / "out")
    with listening(told.append):
        found = finetune_by_contrast(tiny_bert, DATA, SETTINGS, tmp_path / "out")

    assert told[0] == Progress(STAGE, 11, 18)
    assert found.steps == 18
    np.testing.assert_allclose(embed(found.folder), embed(whole.folder), atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_a_training_of_other_items_begins_anew(tiny_bert: Path, tmp_path: Path) -> None:
    def kill(update: Update) -> None:
        if update == Progress(STAGE, 7, 18):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), listening(kill):
        finetune_by_contrast(tiny_bert, DATA, SETTINGS, tmp_path / "out")
    told: list[Update] = []
    with listening(told.append):
        finetune_by_contrast(
            tiny_bert, ContrastData(DATA.items[:32], LABELS), replace(SETTINGS, epochs=1), tmp_path / "out"
        )

    assert told[0] == Progress(STAGE, 1, 2)


def test_neither_other_right_labels_nor_labels_of_equal_texts_compete() -> None:
    labels = ["a > x", "b > y", "a > x", "c > z"]
    items = [ContrastItem("one", (0, 1), (2, 3)), ContrastItem("two", (2,)), ContrastItem(" ", (3,))]

    pairs = ContrastPairs.of(ContrastData(items, labels), ContrastSettings())

    assert pairs.labels == [["a > x", "x"], ["b > y", "y"], ["c > z", "z"]]
    assert (pairs.right, pairs.wrong) == ([[0, 1], [0]], [[2], []])
    assert pairs.drawn == pairs.labels
    batch = pairs.batch([1, 0])
    assert (batch.items, batch.labels, sorted(batch.pairs)) == ([1, 0], [0, 1], [(0, 0), (1, 0), (1, 1)])
    assert pairs.competing(2) == pairs.competing(2)
    assert pairs.competing(9) == [0, 1, 2]


def test_no_text_stands_for_two_labels_of_a_batch() -> None:
    items = [ContrastItem("one", (0,)), ContrastItem("two", (1,))]

    pairs = ContrastPairs.of(ContrastData(items, ["a > other", "b > other"]), ContrastSettings())

    assert pairs.labels == [["a > other", "other"], ["b > other", "other"]]
    assert pairs.batch([0, 1]).texts == ["a > other", "b > other"]


def test_a_learner_contrasts_errors_and_siblings_of_known_labels(tiny_bert: Path, tmp_path: Path) -> None:
    a, b, c, held_out = map(LabelId, ("a", "b", "c", "held out"))
    material = TrainingMaterial(
        [
            LabelledText(ItemId("1"), "red apple", (a, held_out), (c, held_out)),
            LabelledText(ItemId("2"), "old boot", (b,), weight=0.5),
        ],
        {a: OptionText("things > pear"), b: OptionText("things > shoe"), c: OptionText("things > lamp")},
        {a: (b,)},
        seed=3,
    )

    data = contrast_data(material)
    card = FinetuningLearner(tiny_bert, SETTINGS).learn(material, tmp_path)

    assert list(data.items) == [
        ContrastItem("red apple", (0,), (2, 1)),
        ContrastItem("old boot", (1,), (), 0.5),
    ]
    assert (card["items"], card["labels"], card["steps"], card["seed"]) == (2, 3, 3, 3)
    assert json.loads(json.dumps(card)) == card
    assert OnnxEmbedder(tmp_path / "encoder").dimension == 32


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "0 labelled items of 0 different labels: contrast needs two labels; give items of more labels"),
        ([ContrastItem("one", (0,))], "1 labelled items of 1 different labels"),
        ([ContrastItem("one", (7,))], "an item names the label 7 of 3"),
        ([ContrastItem("one", (0,), (1,), -1.0)], "an item has the weight -1.0; allowed are numbers from 0"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(
    items: list[ContrastItem], message: str, tiny_bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        finetune_by_contrast(tiny_bert, ContrastData(items, LABELS), SETTINGS, tmp_path / "out")


def test_a_rate_that_diverges_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="the loss diverged at a learning rate of 1e\\+30; set a smaller one"
    ):
        finetune_by_contrast(tiny_bert, DATA, replace(SETTINGS, learning_rate=1e30), tmp_path / "out")


def test_the_encoder_is_not_overwritten(tiny_bert: Path) -> None:
    with pytest.raises(
        InputError, match="would be overwritten by its fine-tuned encoder; give another folder"
    ):
        finetune_by_contrast(tiny_bert, DATA, SETTINGS, tiny_bert)


def test_without_the_extra(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)

    with pytest.raises(MissingExtraError, match=r"sentence_transformers .*'taxonaut\[train\]'"):
        finetune_by_contrast(tiny_bert, DATA, SETTINGS, tmp_path / "out")
