"""A table, a mapping or one text is not taken for a list of texts or labels."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import packaged_embedder

from taxonaut import Workspace
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label, as_items
from taxonaut.workspace.files.given_items import given_items
from taxonaut.workspace.files.item_files import ItemColumns


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "shop", embedder=packaged_embedder()) as opened:
        opened.index.add_labels([Label(LabelId(name), name) for name in ("apples", "pears")])
        opened.build_index()
        yield opened


COLUMNS = {"sku": ["01", "2"], "title": ["red apples", "boots"], "price": [1.0, None]}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


class DataSet:
    """What a Hugging Face data set looks like: `column_names`, and dictionaries when iterated."""

    column_names = list(COLUMNS)  # noqa: RUF012

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(ROWS)


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def indexed_frame() -> Any:
    return pandas_frame().set_index("sku")


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def polars_frame() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


@pytest.mark.parametrize(
    "make",
    [
        pandas_frame, indexed_frame, arrow_table, polars_frame, DataSet, lambda: COLUMNS, lambda: ROWS,
        lambda: iter(ROWS),
    ],
)  # fmt: skip
def test_a_table_is_labelled_by_its_rows(shop: Workspace, make: Callable[[], Any]) -> None:
    found = shop.classify(make(), top=1)
    assert [(result.item_id, [label.name for label in result.labels]) for result in found] == [
        ("01", ["apples"]),
        ("2", []),
    ]
    table = found.to_arrow()
    assert table.column_names == [*COLUMNS, "label_1", "label_id_1", "path_1", "score_1", "error"]
    assert table.select(list(COLUMNS)).to_pylist() == ROWS


def test_columns_are_named_joined_and_nested(shop: Workspace) -> None:
    rows = [{"a": {"b": "red"}, "c": "apples", "d": 1}]
    (item,) = given_items(rows, ItemColumns(id="d", text="a.b,c")).items()
    assert (item.id, item.text) == ("1", "red\napples")
    with pytest.raises(InputError, match=r"row 1: there is no column 'text'; the columns are 'a', 'c', 'd'"):
        given_items(rows)
    with pytest.raises(InputError, match="columns are given for texts, which have none"):
        shop.classify(["apples"], columns=ItemColumns(text="a"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a": ["x"], "b": "y"}, "a dictionary with the keys 'a', 'b' is given; give lists of one length"),
        ({"train": DataSet(), "test": DataSet()}, "several data sets are given: 'train', 'test'; give one"),
        ([{"text": "x"}, "y"], "row 2 is 'y'; give a dictionary for each item"),
        ([{"id": "1", "text": "x"}, {"id": "1", "text": "y"}], "the id '1' was already used"),
    ],
)
def test_what_is_no_table_is_refused(shop: Workspace, given: Any, said: str) -> None:
    for call in (
        shop.classify,
        shop.categorize,
        shop.build_vocabulary,
        shop.assign_vocabulary,
        shop.shortlists,
    ):
        with pytest.raises(InputError, match=said):
            call(given)


def test_labels_are_no_table(shop: Workspace) -> None:
    with pytest.raises(InputError, match=r"'sku', 'title', 'price' is given; give a list of Label"):
        shop.add_labels(pandas_frame())


def test_a_column_is_read() -> None:
    assert [item.text for item in as_items(pandas_frame()["title"])] == COLUMNS["title"]


def test_one_text_is_not_labelled_by_its_characters(shop: Workspace) -> None:
    with pytest.raises(InputError, match=r"'boots' is one text; give a list of texts, such as \[text\]"):
        shop.classify("boots")


@pytest.mark.parametrize("given", [None, float("nan"), 3, b"boots", {"text": "boots"}])
def test_what_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"give texts or Item\(id, text\)"):
        list(as_items([Item(ItemId("1"), "a"), given]))
