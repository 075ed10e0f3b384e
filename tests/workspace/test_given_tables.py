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


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "shop", embedder=packaged_embedder()) as opened:
        opened.index.add_labels([Label(LabelId(name), name) for name in ("apples", "pears")])
        opened.build_index()
        yield opened


COLUMNS = {"title": ["red apples", "boots"], "price": [1.0, 2.0]}


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def polars_frame() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


@pytest.mark.parametrize("make", [pandas_frame, arrow_table, polars_frame, lambda: COLUMNS])
def test_a_table_is_not_labelled_by_its_column_names(shop: Workspace, make: Callable[[], Any]) -> None:
    said = r"a table \(\w+\.\w+\) with the columns 'title', 'price' is given; give a column of it"
    for call in (
        shop.classify,
        shop.categorize,
        shop.build_vocabulary,
        shop.assign_vocabulary,
        shop.shortlists,
    ):
        with pytest.raises(InputError, match=said):
            call(make())
    with pytest.raises(InputError, match=r"'title', 'price' is given; give a list of Label"):
        shop.add_labels(make())


def test_a_column_is_read() -> None:
    assert [item.text for item in as_items(pandas_frame()["title"])] == COLUMNS["title"]


def test_one_text_is_not_labelled_by_its_characters(shop: Workspace) -> None:
    with pytest.raises(InputError, match=r"'boots' is one text; give a list of texts, such as \[text\]"):
        shop.classify("boots")


@pytest.mark.parametrize("given", [None, float("nan"), 3, b"boots", {"text": "boots"}])
def test_what_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"give texts or Item\(id, text\)"):
        list(as_items([Item(ItemId("1"), "a"), given]))
