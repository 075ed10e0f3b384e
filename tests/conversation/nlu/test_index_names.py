"""Names of an index are found in words, whatever their case, plural or joining words."""

import pytest

from taxonaut.conversation.nlu.index_names import Names, key_of
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Health & Beauty", "health and beauty"),
        ("Headphones", "headphone"),
        ("Cameras & Optics", "camera, optics"),
        ("Men's Shoes", "mens shoes"),
        ("Café Tables", "cafe table"),
    ],
)
def test_names_that_are_the_same(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [("C", "C++"), ("C#", "C++"), ("Glass", "Glas"), ("Shoes", "Boots")]
)
def test_names_that_are_not(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


def test_nodes_and_labels_by_name(index: Index) -> None:
    names = Names.of(index)
    (shoes,) = names.places["shoe",]
    assert isinstance(shoes, int)
    assert index.node(NodeId(shoes)).name == "Shoes"
    assert names.labels["shoe",] == ["shoes"]
    assert names.places["gift", "card"] == [LabelId("gift")]
    assert names.having["boot"] == {("boot",)}


def test_the_longest_name_at_each_place(index: Index) -> None:
    names = Names.of(index)
    words = ["move", "gift", "cards", "and", "boots", "there"]
    assert list(names.spans(words)) == [(1, 3, ("gift", "card")), (4, 5, ("boot",))]
    assert list(names.spans(["gift", "", "cards"])) == []


def test_near_names_share_words(index: Index) -> None:
    names = Names.of(index)
    assert names.near(["gift", "boxes"], 5) == [("gift", "card")]
    assert names.near(["nothing"], 5) == []
