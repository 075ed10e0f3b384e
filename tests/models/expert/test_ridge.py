"""Ridge regression in the dual gives the weights of the primal; blocks of rows come to the same."""

from typing import Any

import numpy as np
import pytest

from taxonaut.models.expert import ridge
from taxonaut.models.expert.features import Features, LabelledFeatures, normalize_rows
from taxonaut.models.expert.ridge import Ridge

BLOCKS = {"words": slice(0, 5), "titles": slice(5, 8), "grams": slice(8, 12)}


def toy(rows: int, classes: int = 3) -> LabelledFeatures:
    from scipy.sparse import csr_matrix

    chance = np.random.default_rng(3)
    words: Any = csr_matrix(
        (chance.random((rows, 12)) * (chance.random((rows, 12)) < 0.5)).astype(np.float32)
    )
    targets: Any = csr_matrix(np.eye(classes, dtype=np.float32)[chance.integers(classes, size=rows)])
    return LabelledFeatures(Features(words, normalize_rows(chance.normal(size=(rows, 4)))), targets)


def weights_of(rows: int) -> Any:
    return np.linspace(0.5, 1, rows, dtype=np.float32)


def primal(given: LabelledFeatures, places: Any) -> tuple[Any, Any]:
    """Solve the normal equations of the scaled features."""
    whole = ridge.VECTORS + sum(ridge.SHARES.values())
    scale = np.empty(12)
    for kind, columns in BLOCKS.items():
        scale[columns] = np.sqrt(ridge.SHARES[kind] / whole)
    scale = np.append(scale, np.full(4, np.sqrt(ridge.VECTORS / whole)))
    features = np.hstack([given.features.words.toarray(), given.features.vectors])[places] * scale
    weighted = features.T * weights_of(len(given.features))[places]
    wanted = weighted @ given.targets.toarray()[places]
    solved = scale[:, None] * np.linalg.solve(weighted @ features + ridge.SHRINKAGE * np.eye(16), wanted)
    return solved[:12], solved[12:]


@pytest.mark.parametrize("last", [False, True])
def test_the_dual_is_the_primal(last: bool) -> None:
    given = toy(40)
    trained = Ridge(given, weights_of(40), BLOCKS)
    for places in (np.arange(0, 40, 2), np.arange(40)):
        part = trained.train(places, last=last)
        words, vectors = primal(given, places)
        assert part.words == pytest.approx(words, abs=1e-3)
        assert part.vectors == pytest.approx(vectors, abs=1e-3)


def test_blocks_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given, places = toy(60), np.arange(5, 60)
    monkeypatch.setattr(ridge, "BLOCK", 20)
    monkeypatch.setattr(ridge, "SWEEPS", 200)
    trained = Ridge(given, weights_of(60), BLOCKS)
    assert trained.known is None
    words, vectors = primal(given, places)
    part = trained.train(places, last=True)
    assert part.words == pytest.approx(words, abs=2e-3)
    assert part.vectors == pytest.approx(vectors, abs=2e-3)


def test_without_words() -> None:
    from scipy.sparse import csr_matrix

    given = toy(30)
    bare = LabelledFeatures(
        Features(csr_matrix((30, 0), dtype=np.float32), given.features.vectors), given.targets
    )
    part = Ridge(bare, np.ones(30, np.float32), {kind: slice(0, 0) for kind in BLOCKS}).train(np.arange(30))
    assert part.words is not None
    assert part.words.shape == (0, 3)
