"""A learned version with a fine-tuned encoder: made from the workspace's encoder, used, undone."""

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEmbedder

from taxonaut import Workspace
from taxonaut.models.adapt.adapter import Adapter
from taxonaut.models.adapt.contrast_data import ContrastSettings
from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.models.requests import OptionText
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.core.core import open_learned
from taxonaut.workspace.core.learned_versions import LearnedCard, VersionStore
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.learn.encoder_learner import encoder_learner

NAMES = ("pear", "sandal", "lamp")
SETTINGS = ContrastSettings(epochs=6, batch=8, learning_rate=1e-3)


@pytest.mark.slow
def test_a_version_with_a_fine_tuned_encoder_is_used_and_undone(tiny_bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    words = {"pear": "plum", "sandal": "boot", "lamp": "bulb"}
    texts = [(f"{colour} {words[name]}", name) for name in NAMES for colour in ("red", "old", "big", "new")]
    material = TrainingMaterial(
        [LabelledText(ItemId(text), text, (LabelId(name),)) for text, name in texts],
        {LabelId(name): OptionText(name) for name in NAMES},
    )
    settings = {"embeddings": {"model": f"onnx/{tiny_bert}", "pooling": "mean"}}
    with Workspace.init(tmp_path / "shop", **settings) as made:
        made.index.add_labels([Label(LabelId(name), name) for name in NAMES])
        before = made.wiring.stored.lookup(["red plum"])
        learner = encoder_learner(made, SETTINGS)
        card = LearnedCard(made.wiring.stored.embedder.name)
        versions = VersionStore(tmp_path / "shop")
        versions.use(
            versions.save(card, lambda folder: learner.learn(material, folder) and None).number, "why"
        )
        made.wiring.use_learned(open_learned(tmp_path / "shop"))

        assert made.wiring.stored.embedder.name.startswith("onnx/encoder-")
        assert np.abs(made.wiring.stored.lookup(["red plum"]) - before).max() > 0.01
        assert sorted(path.name for path in versions.path(1).iterdir()) == ["card.json", "encoder"]

    with Workspace.open(tmp_path / "shop", **settings) as again:
        assert again.wiring.stored.embedder.name.startswith("onnx/encoder-")
        versions.undo()
        again.wiring.use_learned(open_learned(tmp_path / "shop"))
        np.testing.assert_array_equal(again.wiring.stored.lookup(["red plum"]), before)


@pytest.mark.slow
def test_a_run_of_learning_fine_tunes_and_adapts_what_it_fine_tuned(tiny_bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    words = {"pear": "plum", "sandal": "boot", "lamp": "bulb", "candle": "apple"}
    colours = ("red", "old", "big", "new")
    rows = [
        ItemRow(Item(ItemId(f"{one} {two} {word}"), f"{one} {two} {word}"), gold=(LabelId(name),))
        for name, word in words.items()
        for one in colours
        for two in colours
    ]
    settings = {"embeddings": {"model": f"onnx/{tiny_bert}", "pooling": "mean"}}
    with Workspace.init(tmp_path / "shop", **settings) as made:
        made.index.add_labels([Label(LabelId(name), name) for name in words])
        made.build_index("kmeans")
        base = made.wiring.stored.embedder.name

        found = made.learn(rows, rounds=1, learners=["adapter", "finetuning"])

        version = made.learned.versions.path(found.version)
        assert list(found.card.learners) == ["finetuning", "adapter"]
        assert found.card.embedder == base
        assert (version / "encoder" / "model.onnx").is_file()
        assert Adapter.load(version).embedder == OnnxEmbedder(version / "encoder").name
        assert not (version.parent / ".checkpoints").exists()


def test_what_is_no_encoder_of_onnx_runtime_is_refused(tmp_path: Path) -> None:
    with (
        Workspace.init(tmp_path / "a", embeddings={"model": "openai/text-embedding-3-small"}) as remote,
        pytest.raises(
            InputError, match="'openai/text-embedding-3-small' cannot be fine-tuned; set an encoder"
        ),
    ):
        encoder_learner(remote)
    with (
        Workspace.init(tmp_path / "b", embedder=FakeEmbedder("fake", 2, lambda _: (1, 0))) as given,
        pytest.raises(InputError, match="an embedder given by the program cannot be fine-tuned"),
    ):
        encoder_learner(given)
