"""Codes of items: slots and the resolver."""

import json
from pathlib import Path

import pytest

from taxonaut.recommend.item_codes import item_ids, make_codes, read_codes
from taxonaut.state.errors import InputError

ITEMS = ("1", "2", "3")


def test_ids_have_one_slot() -> None:
    codes = item_ids(ITEMS)
    assert codes.table.tolist() == [[1], [2], [3]]
    assert codes.tokens == ("<pad>", "<item_1>", "<item_2>", "<item_3>")
    assert (codes.resolved, codes.beyond_first) == (False, 0)


def test_items_that_share_all_codes_are_told_apart() -> None:
    rows = {"1": ["<a_0>", "<b_1>"], "2": ["<a_0>", "<pad>"], "3": ["<a_0>", "<b_1>"]}
    codes = make_codes("ours", ITEMS, rows)
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
    with pytest.raises(InputError) as raised:
        read_codes("ours", path, ITEMS)
    assert message in str(raised.value)
