"""`list_children` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Node
from taxonaut.tools import Children, list_children
from taxonaut.tools.list_children import list_children_spec


def test_branches_and_labels_of_a_node(index: Index) -> None:
    assert list_children(index, NodeId(2)) == Children(
        node=NodeId(2),
        branches=(Node(NodeId(4), "Shoes", label_id=LabelId("shoes")),),
        labels=(Label(LabelId("scarf"), "Scarves"),),
    )


def test_the_root_and_a_terminal_node(index: Index) -> None:
    root = list_children(index, index.root())
    assert [node.name for node in root.branches] == ["Clothes", "Sports"]
    assert [label.name for label in root.labels] == ["Gift cards"]
    assert list_children(index, NodeId(5)).branches == ()


def test_a_node_that_there_is_not(index: Index) -> None:
    with pytest.raises(ToolError) as caught:
        list_children(index, NodeId(99))
    assert str(caught.value).startswith("no node 99 in the index; ")
    assert str(caught.value).endswith("; call list_children with the id of a node you have seen")


def test_the_schema_starts_at_the_root(index: Index) -> None:
    assert list_children_spec(index).parameters["properties"]["node"]["default"] == 1
