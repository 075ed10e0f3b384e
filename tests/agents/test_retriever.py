"""Dense retrieval and exemplars over an embedder that anyone can check by hand."""

import numpy as np
import pytest
from fakes import bag_embedder
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.agents.retriever import Retriever, top_k
from taxonaut.agents.support.exemplars import Exemplars, facility_location
from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.requests import OptionText
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Label

NAMES = ["red apple", "green apple", "red car", "blue boat", "green boat"]
LABELS = [LabelId(str(number)) for number in range(len(NAMES))]


def table() -> LabelTable:
    return LabelTable(LABELS, NAMES, bag_embedder(256, counts=False).embed(NAMES))


@pytest.fixture
def retriever() -> Retriever:
    return Retriever(TextScorer(bag_embedder(256, counts=False), ScoreSettings(mix=0.0)), table)


async def test_the_nearest_labels_come_first(retriever: Retriever) -> None:
    one, two = await retriever.search(["a red apple", "boat"], 2)
    assert [label for label, _ in one] == ["0", "1"]
    assert {label for label, _ in two} == {"3", "4"}
    assert one[0][1] > one[1][1]


async def test_more_texts_than_one_block_and_more_labels_than_there_are(retriever: Retriever) -> None:
    found = await retriever.search([f"red apple {number}" for number in range(130)], 99)
    assert {(len(row), row[0][0]) for row in found} == {(5, "0")}
    assert await retriever.search([], 3) == []


async def test_the_scores_of_a_shortlist_are_those_of_a_search(retriever: Retriever) -> None:
    item = Item(ItemId("i"), "a green boat")
    (all_,) = await retriever.search([item.text], len(LABELS))
    known = dict(all_)
    found = await retriever.scores([(item, LABELS[:4]), (item, []), (item, LABELS)])
    assert found == [
        pytest.approx([known[label] for label in LABELS[:4]]),
        [],
        pytest.approx([known[label] for label in LABELS]),
    ]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=30), st.integers(1, 12))
def test_top_is_a_stable_sort(scores: list[float], k: int) -> None:
    expected = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]
    assert top_k(np.asarray(scores, np.float32), k) == expected


def test_facility_location_takes_one_of_each_group_first() -> None:
    vectors = bag_embedder(256, counts=False).embed(["a b", "a b", "a b c", "x y", "x y", "q"])
    assert {(0, 1)[place > 2] if place < 5 else 2 for place in facility_location(vectors, 3)} == {0, 1, 2}
    assert set(facility_location(vectors, 9)) == {0, 2, 3, 5}


def test_exemplars_stand_for_what_is_below_a_node(index: Index) -> None:
    labels = index.all_labels()
    names = [label.name for label in labels]
    loads = []

    def load() -> LabelTable:
        loads.append(1)
        return LabelTable([label.id for label in labels], names, bag_embedder(256, counts=False).embed(names))

    exemplars = Exemplars(index, load, most=2)
    assert exemplars.of(NodeId(5)) == (OptionText("Footballs"), OptionText("Pucks"))
    assert len(exemplars.of(NodeId(2))) == 2
    assert {option.text for option in exemplars.of(NodeId(2))} <= {"Scarves", "Shoes", "Boots"}
    assert exemplars.of(NodeId(5)) == (OptionText("Footballs"), OptionText("Pucks"))
    assert len(loads) == 1
    index.add_labels([Label(LabelId("new"), "New")])
    exemplars.of(NodeId(5))
    assert len(loads) == 2
