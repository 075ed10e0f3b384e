"""The tools that change the tree, called directly: what they return, one event each, and their refusals."""

from typing import Any

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index import Index
from taxonaut.tools import Part, merge_nodes, move_node, remove_node, rename_node, split_node

ROOT, CLOTHES, SPORTS, SHOES, BALLS = (NodeId(number) for number in range(1, 6))
BALL, PUCK = LabelId("ball"), LabelId("puck")


def names(index: Index, node: NodeId) -> list[str]:
    return [child.name for child in index.children(node)]


def test_a_node_moves(index: Index) -> None:
    assert move_node(index, BALLS, CLOTHES) == index.node(BALLS)
    assert (names(index, CLOTHES), names(index, SPORTS)) == (["Shoes", "Balls"], ["Shoes"])


def test_a_node_of_several_parents_leaves_one(index: Index) -> None:
    with pytest.raises(ToolError, match="has 2 parents"):
        move_node(index, SHOES, ROOT)
    move_node(index, SHOES, ROOT, CLOTHES)
    assert [node.name for node in index.parents(SHOES)] == ["Sports", "root"]


def test_a_node_gets_a_clean_name(index: Index) -> None:
    assert rename_node(index, SPORTS, "  Sporting \n goods ").name == "Sporting goods"


def test_two_nodes_become_one(index: Index) -> None:
    assert merge_nodes(index, CLOTHES, SPORTS) == index.node(CLOTHES)
    assert names(index, ROOT) == ["Clothes"]
    assert "Shoes" in names(index, CLOTHES)


def test_a_removed_node_leaves_all_to_its_parents(index: Index) -> None:
    assert remove_node(index, CLOTHES) == [index.node(ROOT)]
    assert names(index, ROOT) == ["Sports", "Shoes"]
    assert index.placements_of(LabelId("scarf")) == [ROOT]


def test_a_node_is_divided(index: Index) -> None:
    parts = [Part("Round  things", (BALL,), "what rolls")]
    (made,) = split_node(index, BALLS, parts)
    assert (made.name, made.description, made.examples) == (
        "Round things",
        "what rolls",
        (index.label(BALL).name,),
    )
    assert index.labels_under([BALLS, made.id]) == {BALLS: [PUCK], made.id: [BALL]}


CALLS: list[tuple[Any, str]] = [
    (lambda index: move_node(index, CLOTHES, SHOES), "would each be below the other"),
    (lambda index: move_node(index, NodeId(99), SHOES), "no node 99"),
    (lambda index: rename_node(index, SPORTS, " "), "give it one with letters"),
    (lambda index: rename_node(index, SPORTS, "Sports"), "has the name 'Sports' already"),
    (lambda index: rename_node(index, SPORTS, "clothes"), "'Clothes' (2) stands beside it already"),
    (lambda index: merge_nodes(index, SPORTS, SPORTS), "was given twice"),
    (lambda index: merge_nodes(index, SPORTS, ROOT), "is the root, which cannot be removed"),
    (lambda index: remove_node(index, ROOT), "is the root, which cannot be removed"),
    (lambda index: split_node(index, BALLS, []), "give at least one part"),
    (lambda index: split_node(index, BALLS, [Part("A", (BALL,)), Part("a", (PUCK,))]), "names that tell"),
    (lambda index: split_node(index, BALLS, [Part("A", (LabelId("scarf"),))]), "do not stand in node 5"),
]


@pytest.mark.parametrize(("call", "said"), CALLS)
def test_refusals_change_nothing(index: Index, call: Any, said: str) -> None:
    version = index.version()
    with pytest.raises(ToolError) as caught:
        call(index)
    assert said in str(caught.value)
    assert index.version() == version
