"""Spherical k-means, even splits and medoids."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.tools.support.clustering import even_split, medoids, spherical_kmeans, unit_rows


def around(*angles, count=5, spread=1.0):
    """Unit vectors in the plane, `count` around each angle (degrees)."""
    degrees = np.concatenate([angle + np.linspace(-spread, spread, count) for angle in angles])
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1).astype(np.float32)


def as_lists(clusters):
    return [rows.tolist() for rows in clusters]


def test_clusters_far_apart_are_found():
    vectors = around(0, 120, 240)
    for seed in range(10):
        clusters = spherical_kmeans(vectors, 3, np.random.default_rng(seed))
        assert as_lists(clusters) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]


def test_the_largest_cluster_comes_first():
    vectors = np.concatenate([around(0, count=2), around(90, count=7)])
    assert as_lists(spherical_kmeans(vectors, 2, np.random.default_rng(0))) == [[2, 3, 4, 5, 6, 7, 8], [0, 1]]


def test_equal_rows_stay_together():
    rng = np.random.default_rng(0)
    assert as_lists(spherical_kmeans(around(10, count=1).repeat(4, axis=0), 3, rng)) == [[0, 1, 2, 3]]
    assert as_lists(spherical_kmeans(around(10, 80, count=1).repeat(2, axis=0), 3, rng)) == [[0, 1], [2, 3]]


def test_an_even_split_follows_the_direction_of_most_difference():
    vectors = around(40, 10, 30, 20, count=1)
    assert [sorted(part.tolist()) for part in even_split(vectors, 2)] in ([[1, 3], [0, 2]], [[0, 2], [1, 3]])
    assert as_lists(even_split(np.ones((5, 2), np.float32), 2)) == [[0, 1, 2], [3, 4]]


def test_medoids_are_central_first_and_then_unlike():
    assert medoids(around(0, 0.5, 60, 61, count=1), 2).tolist() == [2, 1]
    assert medoids(np.ones((4, 2), np.float32) / np.float32(2**0.5), 3).tolist() == [0]


def test_rows_of_zeros_stay_zeros():
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        [0.6000000238418579, 0.800000011920929],
        [0, 0],
    ]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 3), st.integers(0, 5))
def test_clusters_part_the_rows_whatever_the_vectors(count, k, decimals, seed):
    rng = np.random.default_rng(seed)
    vectors = unit_rows(np.round(rng.normal(size=(count, 3)), decimals))
    for clusters in (spherical_kmeans(vectors, k, np.random.default_rng(seed)), even_split(vectors, k)):
        assert sorted(np.concatenate(clusters).tolist()) == list(range(count))
        assert 1 <= len(clusters) <= k
        assert all(len(rows) for rows in clusters)
    chosen = medoids(vectors, k).tolist()
    assert 1 <= len(chosen) <= k
    assert len(set(chosen)) == len(chosen)
