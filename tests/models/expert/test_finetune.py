"""Fine-tuning an encoder: it learns, gives the same twice, keeps its best pass and refuses what it cannot train."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.expert.finetune import Epoch, Finetuned, FinetuneSettings, Targets, finetune
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.state.errors import InputError

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

KINDS = (("apple", "pear", "plum"), ("boot", "shoe", "sandal"), ("lamp", "bulb", "candle"))
SETTINGS = FinetuneSettings(epochs=8, patience=8, batch=8, learning_rate=3e-3, head_epochs=2, head_rate=1e-2)


def products(count: int, seed: int) -> tuple[list[str], list[tuple[int, ...]]]:
    """Texts of a thing among words that mean nothing, and what kind of thing it is."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 3, count).tolist()
    words = [
        [KINDS[kind][random.integers(3)], *random.choice(["red", "big", "old", "new"], 3)] for kind in kinds
    ]
    return [" ".join(random.permutation(each)) for each in words], [(kind,) for kind in kinds]


TRAIN, DEV = products(160, 0), products(48, 1)


def tuned(
    folder: Path, out: Path, settings: FinetuneSettings = SETTINGS, dev: tuple[list[str], Targets] = DEV
) -> tuple[Finetuned, list[Epoch]]:
    epochs: list[Epoch] = []
    return finetune(folder, *TRAIN, *dev, 3, settings, out, epochs.append), epochs


def accuracy(found: Finetuned) -> float:
    """The accuracy of the head that came back, on the vectors that the written encoder gives."""
    vectors = TransformerEmbedder(found.folder).embed(DEV[0])
    first = (vectors @ found.weight.T + found.bias).argmax(axis=1)
    return float(np.mean(first == [kind for (kind,) in DEV[1]]))


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_it_learns_what_the_words_mean(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    found, epochs = tuned(request.getfixturevalue(f"tiny_{kind}"), tmp_path / "out")

    assert [epoch.number for epoch in epochs] == list(range(found.epochs + 1))
    assert {epoch.of for epoch in epochs} == {8}
    assert found.best in epochs
    assert epochs[0].dev_accuracy is not None
    assert found.dev_accuracy is not None
    assert found.dev_accuracy > max(0.9, epochs[0].dev_accuracy)
    assert accuracy(found) == found.dev_accuracy
    assert (found.weight.shape, found.weight.dtype, found.bias.shape) == ((3, 32), np.float32, (3,))
    names = {path.name for path in found.folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert len({(found.folder / name).stat().st_mode for name in names}) == 1, (
        "whoever may read one may read all"
    )
    told = [(found.folder / name).read_text() for name in names if name.endswith(".json")]
    assert not any(str(tmp_path.parent) in text for text in told), "where it lay is nobody's business"


def test_it_gives_the_same_twice_and_leaves_the_random_state(tiny_bert: Path, tmp_path: Path) -> None:
    import torch

    settings = replace(SETTINGS, epochs=2)
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, _ = tuned(tiny_bert, tmp_path / "first", settings)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(8)
    second, _ = tuned(tiny_bert, tmp_path / "second", settings)
    other, _ = tuned(tiny_bert, tmp_path / "other", replace(settings, seed=1))

    weights = [(found.folder / "model.safetensors").read_bytes() for found in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]
    np.testing.assert_array_equal(first.weight, second.weight)


def test_the_best_pass_is_kept_and_training_ends_without_gain(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge is a script: accuracy counts first, then the loss."""
    judged = iter([(0.5, 1.0), (0.7, 0.9), (0.7, 0.8), (0.6, 0.1), (0.7, 0.8), (0.9, 0.1)])
    monkeypatch.setattr("taxonaut.models.expert.finetune.TunedNetwork.evaluate", lambda *_: next(judged))

    written: list[bytes] = []
    weights = tmp_path / "out" / "model.safetensors"

    def on_epoch(_: Epoch) -> None:
        written.append(weights.read_bytes())

    settings = replace(SETTINGS, patience=2)
    found = finetune(tiny_bert, *TRAIN, *DEV, 3, settings, tmp_path / "out", on_epoch)

    assert (found.epochs, found.best.number, found.dev_accuracy) == (4, 2, 0.7)
    assert [written.index(each) for each in written] == [0, 1, 2, 2, 2]
    assert weights.read_bytes() == written[2]


def test_without_a_dev_part_the_last_pass_is_kept(tiny_bert: Path, tmp_path: Path) -> None:
    found, epochs = tuned(tiny_bert, tmp_path / "out", replace(SETTINGS, epochs=2, patience=1), ([], []))

    assert (found.epochs, found.best, found.dev_accuracy) == (2, epochs[-1], None)
    assert {(epoch.dev_accuracy, epoch.dev_loss) for epoch in epochs} == {(None, None)}


def test_two_categories_of_one_text_and_a_category_without_texts(tiny_bert: Path, tmp_path: Path) -> None:
    texts, targets = ["red apple", "old shoe", "big lamp"], [(0, 1), (1,), (3,)]

    found = finetune(tiny_bert, texts, targets, texts, targets, 5, SETTINGS, tmp_path / "out")

    vectors = TransformerEmbedder(found.folder).embed(texts)
    logits = vectors @ found.weight.T + found.bias
    assert logits.shape == (3, 5)
    assert found.dev_accuracy == 1.0
    assert set(logits.argmax(axis=1)[1:].tolist()) == {1, 3}


def test_a_rate_that_is_too_high_is_said(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the loss diverged in epoch 1 at a learning rate of 1e\+38"):
        tuned(tiny_bert, tmp_path / "out", replace(SETTINGS, learning_rate=1e38))


def test_what_cannot_be_trained_on(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 texts with 0 targets cannot be trained on"):
        finetune(tiny_bert, [], [], [], [], 3, SETTINGS, tmp_path / "out")
    with pytest.raises(InputError, match="would be overwritten"):
        tuned(tiny_bert, tiny_bert)
    with pytest.raises(InputError, match="there is no folder"):
        tuned(tmp_path / "nothing", tmp_path / "out")
    assert not (tmp_path / "out").exists()
