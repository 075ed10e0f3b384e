"""`propose_category` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node
from taxonaut.tools import propose_category
from taxonaut.tools.write.propose_category import category_name, fold_name

ROOT, SPORTS = NodeId(1), NodeId(3)


def test_a_category_with_what_it_holds_and_what_not(index: Index) -> None:
    made = propose_category(index, SPORTS, "  Winter \n sports ", "on snow and ice", ["skis"], ["scarves"])
    assert made == Node(NodeId(6), "Winter sports", "on snow and ice", ("skis",), ("scarves",))
    assert index.children(SPORTS)[-1] == made


@pytest.mark.parametrize(
    ("parent", "name", "message"),
    [
        (SPORTS, "  ", "a category's name has 1 to 120 characters; 0 were given"),
        (SPORTS, "x" * 121, "a category's name has 1 to 120 characters; 121 were given"),
        (SPORTS, "Miscellaneous", "'Miscellaneous' tells nothing apart; name what the category holds"),
        (SPORTS, "various", "'various' tells nothing apart; name what the category holds"),
        (SPORTS, "Others", "'Others' tells nothing apart; name what the category holds"),
        (SPORTS, "sport", "'sport' is the name of its parent; name what sets this part of it apart"),
        (SPORTS, "BALL", "'Balls' stands under this node already; use it, or name what is different"),
        (SPORTS, "shoes!", "'Shoes' stands under this node already; use it, or name what is different"),
    ],
)
def test_names_that_do_not_do(index: Index, parent: NodeId, name: str, message: str) -> None:
    version = index.version()
    with pytest.raises(ToolError) as caught:
        propose_category(index, parent, name)
    assert (str(caught.value), index.version()) == (message, version)


@pytest.mark.parametrize(
    "name",
    ["Misc", "Miscellaneous", "Other pens", "Pens (other)", "Misc. pens", "OTHERS!", "Uncategorized pens"],
)
def test_what_is_left_over_is_no_category(name: str) -> None:
    with pytest.raises(ToolError) as caught:
        category_name(name, "Office", ["Paper"])
    assert str(caught.value) == f"{name!r} tells nothing apart; name what the category holds"


@pytest.mark.parametrize(
    ("sibling", "name"),
    [
        ("Gel pens", "Pens for Gel"),
        ("Laptop cases", "Cases for a laptop"),
        ("Pens and Pencils", "Pencils & pens"),
        ("Rest, Wrist, Gel", "Gel, Wrist, Rest"),
    ],
)
def test_the_same_words_in_another_order_are_the_same_name(sibling: str, name: str) -> None:
    with pytest.raises(ToolError) as caught:
        category_name(name, "Office", ["Paper", sibling])
    assert str(caught.value) == (
        f"{name!r} says the same as its sibling {sibling!r}; use that, or name what is different"
    )


@pytest.mark.parametrize(
    ("sibling", "name"),
    [
        ("Men's shoes", "Women's shoes"),
        ("C", "C++"),
        ("C#", "C"),
        ("A4 paper", "A5 paper"),
        ("Vitamin A", "Vitamins"),
        ("Check in", "Check"),
        ("Pens", "Gel pens"),
        ("The", "And"),
        ("Shoes with laces", "Shoes without laces"),
        ("Toys for dogs", "Toys for cats"),
        ("工具", "玩具"),
        ("🧦", "👟"),
    ],
)
def test_names_that_differ_in_a_word_may_stand_beside_each_other(sibling: str, name: str) -> None:
    assert category_name(name, "Office", [sibling]) == name
    assert category_name(sibling, "Office", [name]) == sibling


@pytest.mark.parametrize("name", ["Mother's day", "General stationery", "Various artists", "Another World"])
def test_words_that_only_look_like_what_is_left_over(name: str) -> None:
    assert category_name(name, "Office", []) == name


def test_a_name_may_repeat_the_words_of_its_parent_with_others() -> None:
    assert category_name("Office chairs", "Office", []) == "Office chairs"
    with pytest.raises(ToolError, match=r"^'Chairs for the office' is the name of its parent; "):
        category_name("Chairs for the office", "Office chairs", [])


def test_the_same_name_may_stand_elsewhere(index: Index) -> None:
    assert propose_category(index, ROOT, "Balls").name == "Balls"


def test_a_parent_that_there_is_not(index: Index) -> None:
    with pytest.raises(ToolError, match=r"^no node 99 .*; propose a category under a node that is there$"):
        propose_category(index, NodeId(99), "Toys")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cafés", "cafe"), ("Wi-Fi", "wi fi"), ("STRASSE", "straße"), ("Toys", "toy"), ("A  B", "a b")],
)
def test_names_that_count_as_the_same(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("bus", "bu"), ("工具", "工"), ("C", "C++"), ("C#", "C++"), ("Glass", "Glas"), ("🧦", "👟")],
)
def test_names_that_do_not_count_as_the_same(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)
