"""The tools that change the tree, called directly: what they return, one event each, and their refusals."""

from typing import Any

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.tools import SplitPart, merge_nodes, move_node, remove_node, rename_node, split_node
from taxonaut.tools.edit.rename_label import rename_label

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


def test_a_node_that_is_a_label_is_renamed_with_it_in_one_change(index: Index) -> None:
    before = index.version()
    assert rename_node(index, SHOES, "Footwear").name == "Footwear"
    assert index.label(LabelId("shoes")).name == "Footwear"
    (change,) = index.events.changes(1)
    assert (change.first, dict(change.operations)) == (before + 1, {"edit_node": 1, "rename_labels": 1})
    assert [label.id for label in index.search("footwear")] == ["shoes"]
    index.undo()
    assert (index.node(SHOES).name, index.label(LabelId("shoes")).name) == ("Shoes", "Shoes")
    assert rename_label(index, LabelId("shoes"), "Footwear") == index.label(LabelId("shoes"))
    assert (index.node(SHOES).name, index.label(LabelId("shoes")).name) == ("Footwear", "Footwear")


def test_a_label_that_kept_a_node_s_former_name_gets_the_new_one(index: Index) -> None:
    index.rename_node(SHOES, "Footwear")
    rename_node(index, SHOES, "Footwear")
    assert index.label(LabelId("shoes")).name == "Footwear"


def test_a_category_in_two_places_is_renamed_in_both(index: Index) -> None:
    other = index.create_node(BALLS, "Shoes", label_id=LabelId("shoes"))
    index.place(LabelId("shoes"), [other])
    rename_node(index, other, "Footwear")
    assert [node.name for node in index.nodes([SHOES, other])] == ["Footwear", "Footwear"]
    with pytest.raises(ToolError, match="'Footballs'"):
        rename_node(index, SHOES, "footballs")


def test_a_label_gets_a_clean_name(index: Index) -> None:
    before = index.version()
    assert rename_label(index, LabelId("boots"), "  High \n boots ").name == "High boots"
    assert index.version() == before + 1
    assert [each.name for each in index.labels_at(SHOES)] == ["Shoes", "High boots"]


def test_two_nodes_become_one(index: Index) -> None:
    assert merge_nodes(index, CLOTHES, SPORTS) == index.node(CLOTHES)
    assert names(index, ROOT) == ["Clothes"]
    assert "Shoes" in names(index, CLOTHES)


def test_a_removed_node_leaves_all_to_its_parents(index: Index) -> None:
    assert remove_node(index, CLOTHES) == [index.node(ROOT)]
    assert names(index, ROOT) == ["Sports", "Shoes"]
    assert index.placements_of(LabelId("scarf")) == [ROOT]


def test_a_node_is_divided(index: Index) -> None:
    parts = [SplitPart("Round  things", (BALL,), "what rolls")]
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
    (lambda index: rename_node(index, SPORTS, " "), "node name must not be empty"),
    (lambda index: rename_node(index, SPORTS, "Sports"), "has the name 'Sports' already"),
    (lambda index: rename_node(index, SPORTS, "clothes"), "its sibling 'Clothes' (2) has this name"),
    (
        lambda index: rename_node(index, SHOES, "scarves"),
        "its sibling 'Scarves' (scarf) has this name; name what",
    ),
    (lambda index: rename_node(index, SPORTS, "x" * 121), "has 1 to 120 characters; 121 were given"),
    (lambda index: rename_label(index, LabelId("boots"), " "), "label name must not be empty: ' '"),
    (
        lambda index: rename_label(index, LabelId("boots"), "Boots"),
        "label 'boots' has the name 'Boots' already",
    ),
    (
        lambda index: rename_label(index, BALL, "pucks"),
        "its sibling 'Pucks' (puck) has this name; name what is",
    ),
    (lambda index: rename_label(index, LabelId("scarf"), "shoes"), "its sibling 'Shoes' (4) has this name"),
    (lambda index: rename_label(index, LabelId("hats"), "Caps"), "no label 'hats'"),
    (lambda index: merge_nodes(index, SPORTS, SPORTS), "was given twice"),
    (lambda index: merge_nodes(index, SPORTS, ROOT), "is the root, which cannot be removed"),
    (lambda index: remove_node(index, ROOT), "is the root, which cannot be removed"),
    (lambda index: split_node(index, BALLS, []), "give at least one part"),
    (
        lambda index: split_node(index, BALLS, [SplitPart("A", (BALL,)), SplitPart("a", (PUCK,))]),
        "names that tell",
    ),
    (
        lambda index: split_node(index, BALLS, [SplitPart("A", (LabelId("scarf"),))]),
        "are not placed in node 5",
    ),
]


@pytest.mark.parametrize(("call", "said"), CALLS)
def test_refusals_change_nothing(index: Index, call: Any, said: str) -> None:
    version = index.version()
    with pytest.raises(ToolError) as caught:
        call(index)
    assert said in str(caught.value)
    assert index.version() == version
