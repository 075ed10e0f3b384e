"""What a critique leaves, and k-means codes."""

import json
from pathlib import Path

import numpy as np
import pytest

from taxonaut.benchmarks.recommend.critique import masks, read_fitting
from taxonaut.benchmarks.recommend.kmeans import residual_codes, tree_codes
from taxonaut.recommend.item_codes import make_codes
from taxonaut.state.errors import InputError

ITEMS = ("1", "2", "3")


def test_a_critique_leaves_items_with_a_fitting_first_token(tmp_path: Path) -> None:
    codes = make_codes("ours", ITEMS, {"1": ["<a_0>"], "2": ["<a_1>"], "3": ["<a_2>"]})
    own = masks(codes, ITEMS)
    assert own(1).tolist() == [False, True, False]
    path = tmp_path / "fits.json"
    path.write_text(json.dumps({"1": ["<a_0>", "<a_2>"], "2": ["<a_0>"]}))
    told = masks(codes, ITEMS, read_fitting(path))
    assert [told(row).tolist() for row in range(3)] == [
        [True, False, True],
        [True, False, False],
        [True, True, True],
    ]
    with pytest.raises(InputError, match="'<a_9>', which is no item's first token in 'ours'"):
        masks(codes, ITEMS, {"1": ["<a_9>"]})


def test_an_item_without_a_first_token_is_not_limited() -> None:
    codes = make_codes("ours", ITEMS, {"1": ["<a_0>"], "2": ["<pad>"], "3": ["<pad>"]})
    left = masks(codes, ITEMS)
    assert [left(row).tolist() for row in range(2)] == [[True, False, False], [True, True, True]]


def test_kmeans_codes_part_what_is_apart() -> None:
    near = np.array([[0, 0], [0, 1], [10, 0], [10, 1]], dtype=np.float32)
    tree = tree_codes(near, (2, 2), seed=0)
    assert tree[0][0] == tree[1][0] != tree[2][0] == tree[3][0]
    assert len({row[1] for row in tree}) == 4
    residual = residual_codes(near, (2, 2), seed=0)
    assert residual[0][0] == residual[1][0] != residual[2][0]
    assert residual[0][1] == residual[2][1] != residual[1][1] == residual[3][1]
