"""`propose_category` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import NodeId
from taxonaut.state.index import Index
from taxonaut.state.records import Node
from taxonaut.tools import propose_category
from taxonaut.tools.propose_category import folded

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
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("bus", "bu"), ("工具", "工"), ("C", "C++"), ("C#", "C++"), ("Glass", "Glas"), ("🧦", "👟")],
)
def test_names_that_do_not_count_as_the_same(one: str, other: str) -> None:
    assert folded(one) != folded(other)
