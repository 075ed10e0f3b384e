"""The residual map: its gradient, what it learns, and how an adapted embedder stores vectors."""

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEmbedder, word_embedder

from taxonaut.models.adapt.adapter import (
    AdaptedEmbedder,
    Adapter,
    AdapterLearner,
    AdapterSettings,
    Contrast,
    residual,
    slope,
    train,
)
from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import OptionText
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.stores.embeddings import Embeddings


def unit(random: np.random.Generator, rows: int, width: int) -> np.ndarray:
    found = random.normal(size=(rows, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def contrast() -> Contrast:
    random = np.random.default_rng(3)
    return Contrast(
        unit(random, 6, 5),
        unit(random, 4, 5),
        [[0], [1], [2, 3], [3], [0], [1]],
        [[]] * 6,
        [[]] * 4,
        np.array([1, 1, 1, 0.5, 1, 1], np.float32),
    )


def test_the_gradient_is_that_of_the_loss(contrast: Contrast) -> None:
    random = np.random.default_rng(0)
    down, up = random.normal(size=(5, 3)).astype(np.float32), random.normal(size=(3, 5)).astype(np.float32)
    pairs = np.array([(0, 0), (2, 3), (3, 3)])
    plain = AdapterSettings(dropout=0.0, scale=5.0)
    _, slopes = slope(contrast, pairs, (down, up), plain, random)
    for value, by in ((down, slopes[0]), (up, slopes[1])):
        for at in ((0, 0), (2, 1)):
            step = np.float32(1e-2)
            value[at] += step
            above, _ = slope(contrast, pairs, (down, up), plain, random)
            value[at] -= 2 * step
            below, _ = slope(contrast, pairs, (down, up), plain, random)
            value[at] += step
            assert (above - below) / (2 * step) == pytest.approx(by[at], rel=0.02, abs=2e-3)


def test_other_right_labels_do_not_compete(contrast: Contrast) -> None:
    down, up = np.zeros((5, 1), np.float32), np.zeros((1, 5), np.float32)
    loss, _ = slope(
        contrast,
        np.array([(2, 3)]),
        (down, up),
        AdapterSettings(dropout=0, scale=1),
        np.random.default_rng(0),
    )
    logits = contrast.items[2] @ contrast.labels[[0, 1, 3]].T
    assert loss == pytest.approx(float(np.log(np.exp(logits - logits[2]).sum())), abs=1e-5)


def test_a_rotation_between_items_and_labels_is_learned_and_carries_over() -> None:
    """Items are their labels plus one common direction, much stronger; half of the labels are never trained on."""
    random = np.random.default_rng(0)
    labels = unit(random, 60, 24)
    noise = unit(random, 4, 24)
    owners = np.repeat(np.arange(60), 6)
    items = labels[owners] + 1.6 * noise[random.integers(0, 4, len(owners))]
    items = (items / np.linalg.norm(items, axis=1, keepdims=True)).astype(np.float32)
    seen = owners < 30
    given = Contrast(
        items[seen], labels[:30], [[owner] for owner in owners[seen].tolist()], [[]] * int(seen.sum()),
        [[]] * 30, np.ones(int(seen.sum()), np.float32),
    )  # fmt: skip
    down, up, losses = train(given, AdapterSettings(passes=30, batch=32, learning_rate=3e-3), 0)
    assert losses[-1] < losses[0] / 2

    def right(mapped: bool) -> float:
        rows, options = items[~seen], labels[30:]
        if mapped:
            rows, options = residual(rows, down, up)[0], residual(options, down, up)[0]
        return float(np.mean((rows @ options.T).argmax(axis=1) == owners[~seen] - 30))

    assert right(mapped=True) > right(mapped=False) + 0.1


def material(*pairs: tuple[str, str]) -> TrainingMaterial:
    examples = [
        LabelledText(ItemId(str(at)), text, (LabelId(label),)) for at, (text, label) in enumerate(pairs)
    ]
    return TrainingMaterial(examples, {LabelId(label): OptionText(label) for _, label in pairs})


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    embedder = word_embedder()
    learner = AdapterLearner(embedder.name, embedder.embed, AdapterSettings(passes=2))
    card = learner.learn(material(("red fruit", "apple"), ("yellow fruit", "banana")), tmp_path)
    assert (card["items"], card["labels"], len(card["losses"])) == (2, 2, 2)
    adapter = Adapter.load(tmp_path)
    assert adapter.embedder == "words"
    mapped = adapter(embedder.embed(["red fruit"]))
    assert np.linalg.norm(mapped) == pytest.approx(1, abs=1e-5)
    assert adapter.stamp == Adapter.load(tmp_path).stamp


def test_one_label_is_not_enough(tmp_path: Path) -> None:
    embedder = word_embedder()
    with pytest.raises(InputError, match="2 labelled items of one label"):
        AdapterLearner(embedder.name, embedder.embed).learn(material(("a", "x"), ("b", "x")), tmp_path)


def test_vectors_are_stored_once_and_mapped_when_looked_up() -> None:
    base: FakeEmbedder = word_embedder(8)
    random = np.random.default_rng(0)
    adapter = Adapter(
        base.name,
        random.normal(size=(8, 2)).astype(np.float32),
        random.normal(size=(2, 8)).astype(np.float32),
    )
    store = Embeddings(Database.in_memory())
    plain, adapted = StoredEmbedder(base, store), StoredEmbedder(AdaptedEmbedder(base, adapter), store)
    texts = ["red apples", "boots"]
    before = plain.lookup(texts)
    calls = len(base.calls)
    assert np.allclose(adapted.lookup(texts), adapter(before))
    assert np.allclose(adapted.embed(["boots", "tents"])[0], adapter(before[1:])[0], atol=1e-5)
    assert len(base.calls) == calls + 1
    assert np.allclose(plain.lookup(texts), before)
