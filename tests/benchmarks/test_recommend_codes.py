"""Codes of items: slots, the resolver, what a critique leaves, and k-means codes."""

import json
from pathlib import Path

import numpy as np
import pytest

from taxonaut.benchmarks.recommend.codes import BadCodes, coded, item_ids, read_codes
from taxonaut.benchmarks.recommend.critique import masks, read_fitting
from taxonaut.benchmarks.recommend.kmeans import residual_codes, tree_codes

ITEMS = ("1", "2", "3")


def test_ids_have_one_slot() -> None:
    codes = item_ids(ITEMS)
    assert codes.table.tolist() == [[1], [2], [3]]
    assert codes.tokens == ("<pad>", "<item_1>", "<item_2>", "<item_3>")
    assert (codes.resolved, codes.beyond_first) == (False, 0)


def test_items_that_share_all_codes_are_told_apart() -> None:
    rows = {"1": ["<a_0>", "<b_1>"], "2": ["<a_0>", "<pad>"], "3": ["<a_0>", "<b_1>"]}
    codes = coded("ours", ITEMS, rows)
    assert codes.tokens == ("<pad>", "<a_0>", "<b_1>", "<resolver_0>", "<resolver_1>")
    assert codes.table.tolist() == [[1, 2, 3], [1, 0, 3], [1, 2, 4]]
    assert (codes.resolved, codes.beyond_first) == (True, 1)
    assert codes.first == ["<a_0>", "<a_0>", "<a_0>"]


def test_a_file_with_its_own_resolver_gets_no_other(tmp_path: Path) -> None:
    path = tmp_path / "codes.json"
    path.write_text(json.dumps({item: ["<a_0>", f"<r_{item}>"] for item in ITEMS}))
    codes = read_codes("ours", path, ITEMS)
    assert codes.table.tolist() == [[1, 2], [1, 3], [1, 4]]
    assert not codes.resolved


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds list, not an object"),
        ('{"1": "a"}', "'1' has 'a', not a list of tokens"),
        ('{"1": ["a"]}', "'ours' has no codes for 2 items ('2'); give each a row, padded with <pad>"),
        ('{"1": ["a"], "2": ["a", "b"], "3": ["a"]}', "'ours' has rows of [1, 2] tokens"),
    ],
)
def test_codes_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "codes.json"
    path.write_text(text)
    with pytest.raises(BadCodes) as raised:
        read_codes("ours", path, ITEMS)
    assert message in str(raised.value)


def test_a_critique_leaves_items_with_a_fitting_first_token(tmp_path: Path) -> None:
    codes = coded("ours", ITEMS, {"1": ["<a_0>"], "2": ["<a_1>"], "3": ["<a_2>"]})
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
    with pytest.raises(BadCodes, match="'<a_9>', which is no item's first token in 'ours'"):
        masks(codes, ITEMS, {"1": ["<a_9>"]})


def test_an_item_without_a_first_token_is_not_limited() -> None:
    codes = coded("ours", ITEMS, {"1": ["<a_0>"], "2": ["<pad>"], "3": ["<pad>"]})
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
