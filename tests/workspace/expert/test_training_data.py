"""Labelled products become training data: what is left out, what is refused, how they are divided."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut import Workspace
from taxonaut.state.errors import InputError
from taxonaut.state.records import Item
from taxonaut.workspace.expert.training_data import (
    Example,
    inner_labels,
    prepare_training_data,
    split_train_dev,
)
from taxonaut.workspace.files.item_files import ItemColumns, ItemRow, open_items
from taxonaut.workspace.files.label_files import read_labels

LABELS = """\
id,name,path
shoes,Shoes,Sport > Shoes
boots,Boots,Sport > Shoes > Boots
balls,Balls,Sport > Balls
tea,Tea,Food > Tea
ham,Ham,Food > Ham
"""


def workspace_of(folder: Path, labels: str) -> Workspace:
    path = folder / "labels.csv"
    path.write_text(labels, encoding="utf-8")
    workspace = Workspace.init(folder / "w")
    workspace.import_labels(read_labels(path))
    return workspace


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with workspace_of(tmp_path_factory.mktemp("shop"), LABELS) as workspace:
        yield workspace


def row(number: int, text: str, *labels: str) -> ItemRow:
    return ItemRow(Item(f"p{number}", text), labels, f"shop.csv, line {number}")


def rows(**counts: int) -> list[ItemRow]:
    """So many products of each category, with texts of their own."""
    pairs = [(label, place) for label, count in counts.items() for place in range(count)]
    return [row(number, f"{label} {place}", label) for number, (label, place) in enumerate(pairs, start=2)]


def data_of(shop: Workspace, given: list[ItemRow], dev: Any = None, **how: Any) -> Any:
    return prepare_training_data(shop, given, dev, **{"share": 0.2, "seed": 0, **how})


def test_products_are_divided_by_category(shop: Workspace) -> None:
    data = data_of(shop, rows(boots=10, balls=10, tea=1))
    assert data.labels == ("boots", "balls", "tea", "ham")
    assert Counter(each.labels for each in data.train) == {("boots",): 8, ("balls",): 8, ("tea",): 1}
    assert Counter(each.labels for each in data.dev) == {("boots",): 2, ("balls",): 2}
    assert data.notes == (
        "1 category without a product to learn from, known by label text only",
        "1 category with one product to learn from",
    )
    assert data.summary == {
        "products": 17,
        "dev": 4,
        "dev_given": False,
        "categories": 4,
        "without_examples": 1,
        "one_example": 1,
        "several_categories": 0,
        "inner_categories": 0,
        "contradicting_texts": 0,
        "notes": list(data.notes),
    }
    assert data == data_of(shop, rows(boots=10, balls=10, tea=1))
    assert data.dev != data_of(shop, rows(boots=10, balls=10, tea=1), seed=1).dev


def test_without_a_share_all_products_are_learned_from(shop: Workspace) -> None:
    data = data_of(shop, rows(boots=1, balls=1), share=None)
    assert ([each.labels for each in data.train], data.dev) == ([("boots",), ("balls",)], ())
    assert (data.summary["products"], data.summary["dev"], data.summary["dev_given"]) == (2, 0, False)
    given = data_of(shop, rows(boots=1, balls=1), [row(1, "a new boot", "boots")], share=None)
    assert (len(given.train), len(given.dev), given.summary["dev_given"]) == (2, 1, True)


def test_a_category_with_one_product_keeps_it(shop: Workspace) -> None:
    data = data_of(shop, rows(boots=1, balls=1, tea=1, ham=2), share=0.9)
    assert Counter(each.labels for each in data.train) == {(label,): 1 for label in data.labels}
    assert [each.labels for each in data.dev] == [("ham",)]


def test_some_categories_lose_their_only_product_to_the_dev_part(shop: Workspace) -> None:
    texts = [f"l{place % 20}" if place < 40 else f"l{place}" for place in range(80)]
    examples = [Example(Item(str(place), f"text {place}"), (label,)) for place, label in enumerate(texts)]
    train, dev = split_train_dev(examples, 0.1, 0)
    lost = set(texts) - {each.labels[0] for each in train}
    assert (len(train), len(dev), len(lost)) == (72, 8, 4)


def test_nothing_to_hold_out_is_refused_unless_a_dev_part_is_given(shop: Workspace) -> None:
    with pytest.raises(InputError, match=r"^no product can be held out .* with --dev FILE$"):
        data_of(shop, rows(boots=1, balls=1))
    dev = [row(1, "a new boot", "boots")]
    data = data_of(shop, rows(boots=1, balls=1), dev)
    assert (len(data.train), [each.item.text for each in data.dev]) == (2, ["a new boot"])
    assert data.summary["dev_given"] is True


def test_an_inner_category_takes_part_where_a_product_is_labelled_with_it(shop: Workspace) -> None:
    assert inner_labels(shop.index) == {"shoes"}
    data = data_of(shop, rows(shoes=3, boots=3))
    assert data.labels == ("shoes", "boots", "balls", "tea", "ham")
    assert data.notes[-1] == "1 inner category that products are labelled with"
    dev = [row(1, "trainers", "shoes"), row(2, "green tea", "tea")]
    assert data_of(shop, rows(boots=3, tea=3), dev).labels == data.labels


def test_a_product_in_two_categories_keeps_both(shop: Workspace) -> None:
    data = data_of(shop, [*rows(boots=4, balls=4), row(90, "boots with balls", "balls", "boots")], share=0.1)
    assert Example(Item("p90", "boots with balls"), ("balls", "boots")) in (*data.train, *data.dev)
    assert "1 product in more than one category, which share the weight" in data.notes


def test_products_without_text_or_category_are_left_out(shop: Workspace) -> None:
    given = [*rows(boots=3, balls=3), row(90, " \n", "tea"), row(91, "a thing"), row(92, "another")]
    data = data_of(shop, given, [row(1, "", "tea"), row(2, "a ball", "balls")])
    assert data.notes[:3] == (
        "1 product without a text left out",
        "2 products in no category left out",
        "1 product without a text of the dev part left out",
    )
    assert len(data.train) == 6


def test_an_unknown_category_is_refused_with_its_line(shop: Workspace) -> None:
    given = [*rows(boots=3, balls=3), row(90, "one", "boots", "hats"), row(91, "two", "caps")]
    with pytest.raises(InputError) as refused:
        data_of(shop, given)
    assert str(refused.value) == (
        "shop.csv, line 90: the index has no category 'hats' (and 1 more category). Add the missing "
        "labels (taxonaut labels add FILE), correct the products, or leave them out with --skip-unknown "
        "(2 products)"
    )
    data = data_of(shop, given, skip_unknown=True)
    assert data.notes[0] == (
        "2 products of categories unknown to the index left out, the first: 'hats' (shop.csv, line 90)"
    )
    assert len(data.train) + len(data.dev) == 6
    with pytest.raises(
        InputError, match=r"shop.csv, line 5: the index has no category 'Tea'\. It is the name "
    ):
        data_of(shop, [*rows(boots=3), row(5, "green", "Tea")])


@pytest.mark.parametrize(
    ("given", "stand"),
    [
        ([], "none of them can be used"),
        (rows(boots=5), "all are in one category, 'boots'"),
        (
            [row(2, "thing"), row(3, " ", "tea")],
            "none of them can be used (1 product without a text left out; ",
        ),
    ],
)
def test_too_few_categories_are_refused(shop: Workspace, given: list[ItemRow], stand: str) -> None:
    with pytest.raises(InputError) as refused:
        data_of(shop, given)
    assert str(refused.value).startswith(f"an expert needs products of at least two categories, and {stand}")


def test_a_workspace_without_labels_is_refused(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "w") as workspace, pytest.raises(InputError, match="has no labels yet"):
        data_of(workspace, rows(boots=2, balls=2))


def test_a_dev_product_whose_text_is_trained_on_is_left_out(shop: Workspace) -> None:
    train = rows(boots=2, balls=2)
    data = data_of(shop, train, [row(1, " boots 0 ", "balls"), row(2, "new", "tea")])
    assert [each.item.text for each in data.dev] == ["new"]
    assert data.notes[0] == "1 product of the dev part with a text that is also trained on left out"
    with pytest.raises(InputError, match=r"^the dev part has no usable product"):
        data_of(shop, train, train)


def test_one_text_in_two_categories_is_noted_and_stays_together(shop: Workspace) -> None:
    same = [row(80, "gift", "tea"), row(81, "gift", "ham")]
    data = data_of(shop, [*rows(boots=4, balls=4), *same])
    assert "1 text of more than one product, in different categories" in data.notes
    assert sum(each.item.text == "gift" for each in data.train) == 2


def test_all_labels_of_a_flat_or_built_index_are_categories(tmp_path: Path) -> None:
    with workspace_of(tmp_path, "id,name\n" + "".join(f"l{n},name {n}\n" for n in range(4))) as flat:
        assert data_of(flat, rows(l0=2, l2=2)).labels == ("l0", "l1", "l2", "l3")


def test_an_inner_category_whose_children_went_is_a_leaf(tmp_path: Path) -> None:
    with workspace_of(tmp_path, LABELS) as changed:
        shoes = next(node for node in changed.index.placements_of("shoes"))
        food = next(node for node in changed.index.placements_of("tea"))
        changed.index.place("boots", [food])
        changed.index.unplace("boots", shoes)
        assert inner_labels(changed.index) == set()


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sets(st.integers(0, 4), min_size=1, max_size=2)), min_size=2),
    st.floats(0.01, 0.9),
    st.integers(0, 3),
)
def test_no_text_in_both_parts_and_no_category_without_its_last(
    pairs: list[tuple[int, set[int]]], share: float, seed: int
) -> None:
    examples = [
        Example(Item(str(place), f"text {text}"), tuple(f"l{label}" for label in sorted(labels)))
        for place, (text, labels) in enumerate(pairs)
    ]
    try:
        train, dev = split_train_dev(examples, share, seed)
    except InputError:
        texts: dict[str, set[str]] = {}
        for each in examples:
            texts.setdefault(each.item.text, set()).update(each.labels)
        left = Counter(label for labels in texts.values() for label in labels)
        assert all(min(left[label] for label in labels) == 1 for labels in texts.values())
        return
    assert sorted([*train, *dev], key=lambda each: int(each.item.id)) == examples
    assert not {each.item.text for each in train} & {each.item.text for each in dev}
    of_label: dict[str, set[str]] = {}
    for each in examples:
        for label in each.labels:
            of_label.setdefault(label, set()).add(each.item.text)
    alone = {text for texts in of_label.values() if len(texts) == 1 for text in texts}
    lost = set(of_label) - {label for each in train for label in each.labels}
    taken = {each.item.text for each in dev} & alone
    assert len(taken) <= min(share, 0.25) * len(alone)
    assert lost <= {label for each in dev if each.item.text in taken for label in each.labels}
    assert dev


def test_popularity_is_read_where_a_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("text,labels,sold\na,x,3\nb,x,\nc,y,2.5\n", encoding="utf-8")
    columns = ItemColumns(popularity="sold")
    assert [each.popularity for each in open_items(path, columns).rows()] == [3.0, 0.0, 2.5]
    assert [each.popularity for each in open_items(path).rows()] == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match=r"there is no column 'sales'; .*--popularity-column"):
        open_items(path, replace(columns, popularity="sales"))
    path.write_text("text,labels,sold\na,x,often\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^p.csv, line 2: 'sold' is 'often'; give a number from 0, "):
        open_items(path, columns)


def test_popularity_is_kept(shop: Workspace) -> None:
    given = [replace(each, popularity=7.0) for each in rows(boots=3, balls=3)]
    assert {each.popularity for each in data_of(shop, given).train} == {7.0}
