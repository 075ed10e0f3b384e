"""`expand_node` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.tools import Expansion, expand_node


def test_opening_shows_branches_and_labels_in_the_order_asked(index: Index) -> None:
    clothes, balls = expand_node(index, [NodeId(2), NodeId(5)])
    assert clothes == Expansion(NodeId(2), (index.node(NodeId(4)),), (LabelId("scarf"),))
    assert balls == Expansion(NodeId(5), (), (LabelId("ball"), LabelId("puck")))
    assert (clothes.is_terminal, balls.is_terminal) == (False, True)


def test_opening_nothing(index: Index) -> None:
    assert expand_node(index, []) == []


def test_a_branch_that_there_is_not(index: Index) -> None:
    with pytest.raises(
        ToolError, match=r"^no node 99 in the index; .*; open only branches that are on offer$"
    ):
        expand_node(index, [NodeId(2), NodeId(99)])
