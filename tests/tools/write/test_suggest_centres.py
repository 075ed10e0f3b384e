"""Candidate centres and partings made of vectors alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.tools.support.clustering import Matrix, unit_rows
from taxonaut.tools.write import suggest_centres as module
from taxonaut.tools.write.suggest_centres import (
    LOPSIDED,
    Suggestion,
    cluster_labels,
    partition_labels,
    sample_labels,
    suggest_centres,
)

NAMES = ["red fox", "grey fox", "fox cub", "blue whale", "grey whale"]


def fan(names: list[str]) -> Matrix:
    """Foxes to the right, whales upwards, a degree apart."""
    angles = np.radians([(90 if "whale" in name else 0) + place for place, name in enumerate(names)])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def scattered(count: int, seed: int, decimals: int, dimension: int = 3) -> Matrix:
    rows = np.round(np.random.default_rng(seed).normal(size=(count, dimension)), decimals)
    return unit_rows(rows + (np.abs(rows).sum(axis=1, keepdims=True) == 0))


def test_candidates_are_named_by_what_tells_them_apart_the_largest_first() -> None:
    assert suggest_centres(NAMES, fan(NAMES), 2) == [
        Suggestion("fox, cub, red", (1, 0, 2)),
        Suggestion("whale, blue", (3, 4)),
    ]
    assert suggest_centres(NAMES, fan(NAMES), 2, examples=1) == [
        Suggestion("fox, cub, red", (1,)),
        Suggestion("whale, blue", (3,)),
    ]


def test_a_parting_has_every_row_once() -> None:
    assert partition_labels(NAMES, fan(NAMES), 2) == [
        (Suggestion("fox, cub, red", (1, 0, 2)), [0, 1, 2]),
        (Suggestion("whale, blue", (3, 4)), [3, 4]),
    ]


def test_labels_that_do_not_differ_are_cut_into_equal_parts() -> None:
    same = np.ones((7, 2), np.float32) / np.float32(2**0.5)
    parts = partition_labels(["twin"] * 7, same, 3)
    assert [rows for _, rows in parts] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [suggestion.name for suggestion, _ in parts] == ["twin", "twin (2)", "twin (3)"]
    assert [suggestion.rows for suggestion, _ in parts] == [(0,), (3,), (5,)]
    assert [suggestion.name for suggestion in suggest_centres(["twin"] * 7, same, 2)] == ["twin", "twin (2)"]


def test_a_cluster_of_nearly_all_is_no_parting() -> None:
    vectors = np.concatenate([np.tile([[1.0, 0.0]], (39, 1)), [[0.0, 1.0]]]).astype(np.float32)
    parts = partition_labels([f"label {number}" for number in range(40)], vectors, 2)
    assert [len(rows) for _, rows in parts] == [20, 20]


def test_of_very_many_rows_a_sample_is_clustered_and_all_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CLUSTERED", 30)
    names = [f"{kind} {number}" for kind in ("fox", "whale") for number in range(50)]
    vectors = np.concatenate([np.tile(fan(["fox"]), (50, 1)), np.tile(fan(["whale"]), (50, 1))])
    parts = partition_labels(names, vectors, 2)
    assert sorted(rows for _, rows in parts) == [list(range(50)), list(range(50, 100))]
    assert all(set(suggestion.rows) <= set(rows) for suggestion, rows in parts)
    assert len(suggest_centres(names, vectors, 2)) == 2
    assert len(sample_labels(vectors, 10)) == 2


def test_a_sample_is_the_medoid_of_each_cluster() -> None:
    assert sample_labels(fan(NAMES), 2) == [1, 3]
    assert sample_labels(fan(NAMES), 5) == sample_labels(fan(NAMES), 9) == [0, 1, 2, 3, 4]


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 60), st.integers(2, 8), st.integers(0, 3), st.integers(0, 9))
def test_whatever_the_vectors_all_rows_are_parted_and_none_is_nearly_all(
    count: int, wanted: int, decimals: int, seed: int
) -> None:
    vectors = scattered(count, seed, decimals)
    names = [f"{number % 5} name {number % 11}" for number in range(count)]
    parts = partition_labels(names, vectors, wanted, seed)
    assert sorted(row for _, rows in parts for row in rows) == list(range(count))
    assert 2 <= len(parts) <= wanted
    assert all(rows for _, rows in parts)
    assert max(len(rows) for _, rows in parts) <= max(LOPSIDED * count, -(-count // 2))
    assert len({suggestion.name for suggestion, _ in parts}) == len(parts)
    for suggestion, rows in parts:
        assert suggestion.rows
        assert set(suggestion.rows) <= set(rows)
        assert len(set(suggestion.rows)) == len(suggestion.rows) <= 8


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 3), st.integers(0, 9))
def test_whatever_the_vectors_candidates_and_samples_are_rows_without_repeats(
    count: int, wanted: int, decimals: int, seed: int
) -> None:
    vectors = scattered(count, seed, decimals)
    names = [f"name {number % 7}" for number in range(count)]
    found = suggest_centres(names, vectors, wanted, seed)
    rows = [row for suggestion in found for row in suggestion.rows]
    assert 1 <= len(found) <= wanted
    assert len(rows) == len(set(rows))
    assert set(rows) <= set(range(count))
    assert len({suggestion.name for suggestion in found}) == len(found)
    assert found == suggest_centres(names, vectors, wanted, seed)
    sample = sample_labels(vectors, wanted, seed)
    assert sample == sorted(set(sample))
    assert set(sample) <= set(range(count))
    assert 1 <= len(sample) <= max(wanted, count if count <= wanted else 0)


def test_one_theme_stays_one_cluster_where_sets_need_not_be_even() -> None:
    rng = np.random.default_rng(0)
    near = unit_rows(np.array([1.0, 0.0, 0.0]) + 0.01 * rng.normal(size=(30, 3)))
    apart = unit_rows(np.array([[0.0, 1.0, 0.0]]))
    vectors = np.concatenate([near, apart])
    names = [*(f"gel pen {number}" for number in range(30)), "tent"]
    found = cluster_labels(names, vectors, 2)
    assert [len(rows) for _, rows in found] == [30, 1]
    assert [len(rows) for _, rows in partition_labels(names, vectors, 2)] == [16, 15]
    assert [(suggestion.name, rows) for suggestion, rows in cluster_labels(["tent"], apart, 3)] == [
        ("tent", [0])
    ]
