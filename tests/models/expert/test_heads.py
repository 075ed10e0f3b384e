"""The trained head on toy data: it learns, the same way each time, and keeps its best pass."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from taxonaut.models.expert.features import Features, LabelledFeatures
from taxonaut.models.expert.heads import (
    SCALE,
    HeadSettings,
    Training,
    accuracy,
    torch_module,
    train_head,
)
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.updates import Progress, Update, listening

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")

SETTINGS = HeadSettings(batch=16, epochs=6, focal=True, bootstrap=True)


def toy(rows: int, classes: int = 4, noise: float = 0.0, seed: int = 0) -> LabelledFeatures:
    """Make rows whose category is told by one of their words and one direction of their vectors."""
    from scipy.sparse import csr_matrix

    chance = np.random.default_rng(seed)
    right = chance.integers(classes, size=rows)
    words = chance.random((rows, 3 * classes)).astype(np.float32) * (chance.random((rows, 3 * classes)) < 0.3)
    words[np.arange(rows), right] += 1
    vectors = chance.normal(size=(rows, 6)).astype(np.float32) * 0.3
    vectors[np.arange(rows), right] += 1
    given = np.where(chance.random(rows) < noise, chance.integers(classes, size=rows), right)
    return LabelledFeatures(
        Features(csr_matrix(words.astype(np.float32)), vectors),
        csr_matrix(np.eye(classes, dtype=np.float32)[given]),
    )


def same(one: Any, other: Any) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("words", "vectors", "bias")
    )


@pytest.mark.parametrize("focal", [True, False])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_a_head_learns(focal: bool, bootstrap: bool) -> None:
    settings = replace(SETTINGS, focal=focal, bootstrap=bootstrap)
    head = train_head(toy(200), None, settings)
    assert (head.epochs, head.best) == (6, 6)
    assert accuracy(head.part, toy(100, seed=1)) > 0.95


def test_a_head_learns_in_spite_of_wrong_labels() -> None:
    head = train_head(toy(400, noise=0.3), None, SETTINGS)
    assert accuracy(head.part, toy(100, seed=1)) > 0.9


def test_a_seed_makes_the_same_head() -> None:
    one, two = (train_head(toy(60), None, SETTINGS).part for _ in range(2))
    assert same(one, two)
    assert not same(one, train_head(toy(60), None, replace(SETTINGS, seed=1)).part)


def test_passes_are_told() -> None:
    told: list[Update] = []
    with listening(told.append):
        train_head(toy(30), None, replace(SETTINGS, epochs=3), "training")
    assert told == [Progress("training", epoch, 3) for epoch in (1, 2, 3)]


def test_training_stops_without_gain_and_keeps_the_best_pass() -> None:
    """Held-out labels that nothing foretells: the best pass comes early."""
    held = toy(40, noise=1.0, seed=3)
    settings = replace(SETTINGS, epochs=30, patience=2, bootstrap=False)
    head = train_head(toy(200), held, settings)
    assert head.best < head.epochs == head.best + 2
    again = train_head(toy(200), None, replace(settings, epochs=head.best))
    assert same(head.part, again.part)
    assert accuracy(head.part, held) == accuracy(again.part, held)


def test_training_goes_on_at_least_to_phase_2() -> None:
    held = toy(40, noise=1.0, seed=3)
    head = train_head(toy(200), held, replace(SETTINGS, epochs=10, patience=1, gate=0.5))
    assert head.epochs >= 5


@pytest.mark.parametrize(("rows", "batch"), [(1, 1), (1, 256), (5, 256), (5, 2)])
def test_few_rows(rows: int, batch: int) -> None:
    train = toy(rows)
    head = train_head(train, None, replace(SETTINGS, batch=batch, bootstrap=False, epochs=20))
    assert accuracy(head.part, train) == 1.0


@pytest.mark.parametrize("empty", ["words", "rows", "no words"])
def test_nothing_to_learn_from(empty: str) -> None:
    from scipy.sparse import csr_matrix

    full = toy(8)
    words = {
        "words": csr_matrix((8, 0), dtype=np.float32),
        "no words": csr_matrix((8, 12), dtype=np.float32),
        "rows": csr_matrix((0, 12), dtype=np.float32),
    }[empty]
    rows = words.shape[0]
    train = LabelledFeatures(Features(words, full.features.vectors[:rows]), full.targets[:rows])
    part = train_head(train, None, SETTINGS).part
    assert part.words.shape == (words.shape[1], 4)
    assert not part.words.any()
    assert bool(part.vectors.any()) == (rows > 0)


def test_one_step_is_adagrad_on_the_loss() -> None:
    """The first step of AdaGrad moves each weight by the learning rate, against its slope's sign."""
    train = toy(10)
    training = Training(train, replace(SETTINGS, focal=False, bootstrap=False, learning_rate=0.5))
    training.train_batch(np.arange(10))
    q, p = np.full((10, 4), 0.25), train.targets.toarray()
    part = training.part()
    for matrix, features in (
        (part.words, train.features.words.toarray()),
        (part.vectors, train.features.vectors),
    ):
        slope: NDArray[np.float64] = features.T @ (q - p)
        clear = np.abs(slope) > 1e-6
        assert np.asarray(matrix)[clear] == pytest.approx(-0.5 * SCALE * np.sign(slope[clear]), rel=1e-3)


def test_rare_categories_count_more() -> None:
    from scipy.sparse import csr_matrix

    full = toy(9)
    targets = csr_matrix(np.eye(4, dtype=np.float32)[[0] * 8 + [1]])
    weights = Training(LabelledFeatures(full.features, targets), replace(SETTINGS, alpha=0.5)).alpha().numpy()
    assert weights[1] / weights[0] == pytest.approx(8**0.5)
    assert (8 * weights[0] + weights[1]) / 9 == pytest.approx(1)
    assert Training(full, replace(SETTINGS, alpha=0.0)).alpha().tolist() == [1.0] * 4


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="train") as refused:
        torch_module()
    assert "torch" in str(refused.value)
    with pytest.raises(MissingExtraError):
        train_head(toy(3), None, SETTINGS)
