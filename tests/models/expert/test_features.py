"""What speaks for a category beside the trained head, and the sum of it all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.models.expert.features import (
    Categories,
    Features,
    LinearPart,
    Parts,
    add_parts,
    ancestor_matrix,
    build_parts,
    normalize_rows,
    normalize_sparse_rows,
)

BLOCKS = {"words": slice(0, 4), "grams": slice(4, 7)}
PATHS = [("Food", "Tea", "Green"), ("Food", "Tea", "Black"), ("Food", "Salt"), ("Paint",)]
COUNTS = [2, 1, 0, 3]


def sparse(rows: Any) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(np.asarray(rows, np.float32))


def features(rows: int, seed: int) -> Features:
    chance = np.random.default_rng(seed)
    words = chance.random((rows, 7)) * (chance.random((rows, 7)) < 0.6)
    return Features(sparse(words), normalize_rows(chance.normal(size=(rows, 3))))


def categories(seed: int = 5) -> Categories:
    return Categories(features(4, seed), features(4, seed + 1), ancestor_matrix(PATHS))


def made(seed: int = 0) -> Parts:
    return build_parts(features(6, seed), sparse(np.repeat(np.eye(4), COUNTS, axis=0)), categories(), BLOCKS)


def test_above_is_what_stands_on_a_path() -> None:
    found = ancestor_matrix(PATHS).toarray()
    assert found.tolist() == [[0.5, 0.5], [0.5, 0.5], [1, 0], [0, 0]]
    assert ancestor_matrix([("Tea",)]).toarray().tolist() == [[0]]
    assert ancestor_matrix([]).shape == (0, 1)


def test_the_same_name_under_different_parents_is_another_category() -> None:
    found = ancestor_matrix([("a", "x", "1"), ("b", "x", "1"), ("a", "x", "2")]).toarray()
    assert found.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0.5, 0.5, 0, 0]]


def test_parts_by_hand() -> None:
    known, products = categories(), features(6, 0)
    found = made().found
    names = ["average", "name", "path", "above"]
    kinds = ["vectors", "words", "grams"]
    plain = [f"{name} {kind}" for kind in kinds for name in names]
    assert list(found) == [*plain, "many", "none", "one"]
    assert list(made().scores(products)) == [*plain, "many", "none", "one", *(f"z:{name}" for name in plain)]
    words, columns = products.words.toarray(), BLOCKS["grams"]
    paths = known.paths.words.toarray()

    def length_1(row: Any) -> Any:
        return row / np.linalg.norm(row)

    average = length_1(words[:2, columns].sum(axis=0) + 0.5 * paths[0, columns])
    got = found["average grams"].words
    assert got is not None
    assert got.toarray()[columns, 0] == pytest.approx(average, abs=1e-6)
    assert not got.toarray()[BLOCKS["words"]].any()
    tea = length_1(words[:3, columns].sum(axis=0) + 0.5 * paths[:2, columns].sum(axis=0))
    food = length_1(words[:3, columns].sum(axis=0) + 0.5 * paths[:3, columns].sum(axis=0))
    got = found["above grams"].words
    assert got is not None
    assert (
        pytest.approx(np.array([(tea + food) / 2, (tea + food) / 2, food, np.zeros(3)]), abs=1e-6)
        == got.toarray()[columns].T
    )
    vectors = found["average vectors"].vectors
    assert vectors is not None
    assert vectors[:, 3] == pytest.approx(
        length_1(products.vectors[3:].sum(axis=0) + 0.5 * known.paths.vectors[3]), abs=1e-6
    )
    assert [np.asarray(found[name].bias).tolist() for name in ("many", "none", "one")] == [
        pytest.approx(np.log1p(COUNTS), abs=1e-6),
        [0, 0, 1, 0],
        [0, 1, 0, 0],
    ]


def test_parts_for_categories_without_products_touch_no_others() -> None:
    found = made().scores(features(5, 9))
    for name, scores in found.items():
        if name.startswith("z:"):
            plain = found[name[2:]]
            assert not scores[:, [0, 1, 3]].any()
            assert np.array_equal(scores[:, 2], plain[:, 2])


@settings(max_examples=30)
@given(st.integers(0, 99), st.lists(st.floats(-3, 3, width=32), min_size=28, max_size=28))
def test_joined_parts_score_as_their_weighted_sum(seed: int, values: list[float]) -> None:
    parts, texts = made(seed), features(5, seed + 1)
    head = LinearPart(np.ones((7, 4), np.float32), np.ones((3, 4), np.float32))
    found = {**parts.scores(texts), "head": head.scores(texts)}
    weights = dict(zip(found, values, strict=True))
    whole = add_parts(head, weights["head"], parts.weighted_sum(weights))
    assert isinstance(whole.words, np.ndarray)
    wanted = sum(weights[name] * scores.astype(np.float64) for name, scores in found.items())
    assert whole.scores(texts) == pytest.approx(wanted, abs=1e-3)


def test_scores_are_the_same_for_dense_and_sparse_words() -> None:
    texts, part = features(5, 9), made().found["average words"]
    assert part.words is not None
    dense = LinearPart(part.words.toarray()).scores(texts)
    assert (dense.dtype, dense.shape) == (np.float32, (5, 4))
    assert dense == pytest.approx(part.scores(texts), abs=1e-6)
    assert LinearPart(bias=np.arange(4, dtype=np.float32)).scores(texts).tolist() == [[0, 1, 2, 3]] * 5


def test_rows_of_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0]], np.float32)
    assert normalize_rows(rows) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))
    assert normalize_sparse_rows(sparse(rows)).toarray() == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


def test_features_of_some_rows() -> None:
    some = features(5, 0)
    found = some.take(np.array([3, 1]))
    assert len(found) == 2
    assert np.array_equal(found.vectors, some.vectors[[3, 1]])
    assert np.array_equal(found.words.toarray(), some.words.toarray()[[3, 1]])
