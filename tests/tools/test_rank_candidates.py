"""`rank_candidates` called directly."""

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.tools import RankedLabel, rank_candidates


def test_a_ranking_carries_shortest_paths(index: Index) -> None:
    ranking = [LabelId(label) for label in ("boots", "gift", "shoes")]
    assert rank_candidates(index, ranking) == [
        RankedLabel(1, LabelId("boots"), "Boots", ("Clothes", "Shoes", "Boots")),
        RankedLabel(2, LabelId("gift"), "Gift cards", ("Gift cards",)),
        RankedLabel(3, LabelId("shoes"), "Shoes", ("Clothes", "Shoes")),
    ]


def test_an_empty_ranking(index: Index) -> None:
    assert rank_candidates(index, []) == []


def test_a_label_that_stands_nowhere_yet_is_its_own_path(index: Index) -> None:
    index.add_labels([Label(LabelId("new"), "New")])
    assert rank_candidates(index, [LabelId("new")]) == [RankedLabel(1, LabelId("new"), "New", ("New",))]


def test_what_a_model_must_not_do(index: Index) -> None:
    with pytest.raises(ToolError, match=r"^a label stands twice in the ranking; name each once$"):
        rank_candidates(index, [LabelId("ball"), LabelId("ball")])
    with pytest.raises(
        ToolError, match=r"^no label 'gone' in the index; .*; rank only candidates that are on offer$"
    ):
        rank_candidates(index, [LabelId("gone")])
