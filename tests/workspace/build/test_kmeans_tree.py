"""The index of flat labels by recursive k-means."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.errors import InputError
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.updates import Progress, listening
from taxonaut.workspace.build.kmeans_tree import KMeansSettings, KMeansTreeBuilder, build_kmeans_tree


def labels_of(*names):
    return [Label(str(number), name) for number, name in enumerate(names)]


def scattered(count, seed=0, dimension=8):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def test_a_whole_tree():
    labels = labels_of("tune engines", "cook rice", "repair engines", "boil rice")
    vectors = np.array([[1, 0.1], [0.1, 1], [1, 0], [0, 1]], np.float32)
    tree = build_kmeans_tree(labels, vectors, KMeansSettings(k=2, terminal_size=2))
    assert tree == Tree(
        method="kmeans",
        nodes=(
            TreeNode(1, "engines, repair, tune", examples=("tune engines", "repair engines")),
            TreeNode(2, "rice, boil, cook", examples=("cook rice", "boil rice")),
        ),
        edges=((0, 1), (0, 2)),
        placements=((1, "0"), (1, "2"), (2, "1"), (2, "3")),
        settings={"k": 2, "terminal_size": 2, "seed": 0, "examples": 8},
    )


def test_few_labels_stay_in_the_root():
    for count in (0, 1, 5):
        tree = build_kmeans_tree(labels_of(*"abcde"[:count]), scattered(count))
        assert (tree.nodes, tree.edges) == ((), ())
        assert tree.placements == tuple((0, str(number)) for number in range(count))


def test_equal_vectors_are_cut_into_equal_parts():
    tree = build_kmeans_tree(
        labels_of(*(f"label{number}" for number in range(100))),
        np.ones((100, 4), np.float32),
        KMeansSettings(k=4, terminal_size=10),
    )
    assert sorted(Counter(node for node, _ in tree.placements).values()) == [6] * 12 + [7] * 4


def test_the_same_input_gives_the_same_tree():
    labels, vectors = labels_of(*map(str, range(500))), scattered(500)
    small = KMeansSettings(k=4, terminal_size=20)
    assert build_kmeans_tree(labels, vectors, small) == build_kmeans_tree(labels, vectors, small)
    other = KMeansSettings(k=4, terminal_size=20, seed=1)
    assert build_kmeans_tree(labels, vectors, small).edges != build_kmeans_tree(labels, vectors, other).edges


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError) as caught:
        build_kmeans_tree(labels_of("a"), scattered(2))
    assert str(caught.value) == "vectors have shape (2, 8) for 1 labels; give one row for each label"
    with pytest.raises(InputError) as caught:
        KMeansSettings(k=1)
    assert str(caught.value) == "k is 1; it must be at least 2"


async def test_the_builder_embeds_and_reports_progress():
    seen = []
    labels = labels_of(*map(str, range(60)))
    builder = KMeansTreeBuilder(lambda given: scattered(len(given)), KMeansSettings(k=2, terminal_size=30))
    with listening(seen.append):
        tree = await builder.build(labels)
    assert tree == build_kmeans_tree(labels, scattered(60), KMeansSettings(k=2, terminal_size=30))
    assert seen[-1] == Progress("splitting by kmeans", 60, 60)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 120),
    st.integers(2, 6),
    st.integers(1, 12),
    st.integers(0, 2),
    st.integers(0, 3),
)
def test_whatever_the_vectors_every_label_has_one_place(count, k, terminal_size, decimals, seed):
    labels = labels_of(*(f"{number % 7} {number}" for number in range(count)))
    vectors = np.round(scattered(count, seed, 3), decimals)
    tree = build_kmeans_tree(labels, vectors, KMeansSettings(k=k, terminal_size=terminal_size, seed=seed))
    placed = [label for _, label in tree.placements]
    assert sorted(placed) == sorted(label.id for label in labels)
    terminals = [node for node, _ in tree.placements]
    assert all(terminals.count(key) <= terminal_size for key in set(terminals))
    assert not {parent for parent, _ in tree.edges} & set(terminals), "only terminals hold labels"
    assert [child for _, child in tree.edges] == [node.key for node in tree.nodes], "each node has one parent"
    assert all(parent < child for parent, child in tree.edges)
    for key in {parent for parent, _ in tree.edges}:
        names = [tree.nodes[child - 1].name for parent, child in tree.edges if parent == key]
        assert len(names) == len(set(names)) <= k
