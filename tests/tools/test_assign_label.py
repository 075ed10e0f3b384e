"""`assign_label` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.tools import assign_label

PUCK = LabelId("puck")


def test_a_label_stands_under_every_centre_it_fits(index: Index) -> None:
    assert assign_label(index, PUCK, [NodeId(3), NodeId(2), NodeId(3)]) == [5, 3, 2]
    assert [label.id for label in index.labels_at(NodeId(3))] == ["puck"]


def test_assigning_again_changes_nothing(index: Index) -> None:
    version = index.version()
    assert assign_label(index, PUCK, [NodeId(5)]) == [5]
    assert assign_label(index, PUCK, []) == [5]
    assert index.version() == version


def test_one_call_is_one_event_that_can_be_undone(index: Index) -> None:
    version = index.version()
    assign_label(index, PUCK, [NodeId(2), NodeId(3)])
    assert index.version() == version + 1
    index.undo()
    assert index.placements_of(PUCK) == [5]


@pytest.mark.parametrize(("label", "node", "named"), [("gone", 2, "label 'gone'"), ("puck", 99, "node 99")])
def test_what_is_not_on_offer(index: Index, label: str, node: int, named: str) -> None:
    version = index.version()
    with pytest.raises(ToolError) as caught:
        assign_label(index, LabelId(label), [NodeId(2), NodeId(node)])
    assert str(caught.value).startswith(f"no {named} in the index; ")
    assert str(caught.value).endswith("; assign labels and centres that are on offer")
    assert index.version() == version
