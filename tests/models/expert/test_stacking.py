"""How much each part counts: known weights are found again, whatever else the candidates hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonaut.models.expert.stacking import Candidates, fit_weights, take_candidates

Array = NDArray[np.float32]


def drawn(weights: list[float], rows: int = 4000, count: int = 12, seed: int = 0) -> Candidates:
    """Draw scores, and right candidates by the softmax of their weighted sums."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(size=(rows, count, len(weights))).astype(np.float32) * np.float32([1, 20, 0.1])
    logits = scores @ np.float32(weights) + chance.gumbel(size=(rows, count))
    return Candidates(scores, np.eye(count, dtype=np.float32)[logits.argmax(axis=1)])


def test_weights_are_found_again_whatever_the_scale() -> None:
    found = fit_weights(drawn([1.0, 0.05, 0.0]), ["one", "two", "three"])
    assert list(found) == ["one", "two", "three"]
    assert found["one"] == pytest.approx(1.0, abs=0.06)
    assert found["two"] == pytest.approx(0.05, abs=0.003)
    assert found["three"] == pytest.approx(0.0, abs=0.6)


def test_a_part_that_is_the_same_everywhere_weighs_nothing() -> None:
    plain = drawn([1.0, 0.05, 5.0])
    flat = np.full((*plain.scores.shape[:2], 1), np.log1p(5), np.float32)
    with_flat = Candidates(np.concatenate([plain.scores, flat], axis=2), plain.right)
    found = fit_weights(with_flat, ["one", "two", "three", "flat"])
    assert found.pop("flat") == pytest.approx(0, abs=1e-4)
    assert found == pytest.approx(fit_weights(plain, ["one", "two", "three"]), abs=1e-2)


def test_rows_without_a_right_candidate_count_nothing() -> None:
    plain = drawn([1.0, 0.05, 5.0])
    other = drawn([-3.0, 0.0, 0.0], rows=2000, seed=1)
    lost = Candidates(other.scores, np.zeros_like(other.right))
    names = ["one", "two", "three"]
    found = fit_weights(Candidates.concatenate([plain, lost]), names)
    assert found == pytest.approx(fit_weights(plain, names), rel=0.1)


def test_candidates_are_the_best_ones() -> None:
    rough = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5]], np.float32)
    targets = np.array([[0, 0.5, 0, 0, 0.5], [1, 0, 0, 0, 0]], np.float32)
    found = take_candidates({"a": rough, "b": -rough}, targets, rough, 3)
    assert found.scores.shape == (2, 3, 2)
    assert np.array_equal(found.scores[:, :, 1], -found.scores[:, :, 0])
    assert [
        dict(zip(s[:, 0].tolist(), r.tolist(), strict=True))
        for s, r in zip(found.scores, found.right, strict=True)
    ] == [
        {5: 0, 4: 0.5, 3: 0},
        {5: 0, 4: 0, 3: 0},
    ]


def test_a_part_that_ranks_well_keeps_its_weight_where_right_ones_are_often_missed() -> None:
    chance = np.random.default_rng(0)
    right = chance.integers(500, size=2000)
    targets: Array = np.eye(500, dtype=np.float32)[right]
    rough: Array = (chance.normal(size=(2000, 500)) + 2 * targets).astype(np.float32)
    best = np.sort(rough, axis=1)[:, -20]
    assert 0.3 < (rough[np.arange(2000), right] >= best).mean() < 0.8
    found = fit_weights(take_candidates({"rough": rough}, targets, rough, 20), ["rough"])
    assert found["rough"] > 1


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 10), st.integers(0, 9))
def test_shares_stay_with_their_scores(rows: int, categories: int, count: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rough: Array = chance.permutation(rows * categories).reshape(rows, categories).astype(np.float32)
    targets: Array = np.eye(categories, dtype=np.float32)[chance.integers(categories, size=rows)]
    found = take_candidates({"rough": rough}, targets, rough, count)
    assert found.right.shape == (rows, min(count, categories))
    for row in range(rows):
        right = found.scores[row, found.right[row] == 1, 0].tolist()
        among = rough[row, targets[row].argmax()] >= np.sort(rough[row])[-min(count, categories)]
        assert right == ([rough[row, targets[row].argmax()]] if among else [])
