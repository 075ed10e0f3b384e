"""What is learned is added to similarities, for labels and for the nodes above them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import word_embedder

from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.adapt.neighbour_votes import ExemplarLearner, NeighbourVotes, load_exemplars
from taxonaut.models.requests import OptionText
from taxonaut.models.score_sources import LearnedScores, WeightedSource
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId

A, B, C = map(LabelId, "abc")


class Fixed:
    """Says the same of every text; counts how often it is asked."""

    name = "fixed"
    labels = (A, B)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.tile(np.array([[0.25, 0.64]], np.float32), (len(texts), 1))


@pytest.fixture
def fixed() -> Fixed:
    return Fixed()


def test_labels_and_nodes_get_weight_times_score_to_the_exponent(fixed: Fixed) -> None:
    scores = LearnedScores(
        [WeightedSource(fixed, 2.0, 0.5)], {NodeId(1): (A, B, C), NodeId(2): (C,)}.__getitem__
    )
    keys = (A, C, B, NodeId(1), NodeId(2), None)
    found = scores.add(["one", "two"], keys, np.full((2, 6), 0.1, np.float32))
    expected = [0.1 + 2 * 0.5, 0.1, 0.1 + 2 * 0.8, 0.1 + 2 * 0.89**0.5, 0.1, 0.1]
    assert np.allclose(found, [expected] * 2)
    scores.add(["two"], (A,), np.zeros((1, 1), np.float32))
    assert fixed.asked == ["one", "two"]


def test_nothing_is_asked_about_nothing(fixed: Fixed) -> None:
    scores = LearnedScores([WeightedSource(fixed, 1.0)], lambda _: ())
    assert scores.add([], (A,), np.zeros((0, 1), np.float32)).shape == (0, 1)
    assert scores.add(["x"], (), np.zeros((1, 0), np.float32)).shape == (1, 0)
    assert fixed.asked == []


def votes() -> NeighbourVotes:
    embedder = word_embedder()
    examples = [("red apples", (A,), 1.0), ("red pears", (A, B), 1.0), ("grey boots", (C,), 1.0)]
    return NeighbourVotes(examples, embedder.embed, embedder.embed)


def test_neighbours_vote() -> None:
    row = dict(zip("abc", votes().score(["red apples"])[0].tolist(), strict=True))
    assert row["a"] > 0.95
    assert row["a"] > row["b"] > row["c"]


def test_a_text_like_none_gets_next_to_nothing() -> None:
    assert votes().score(["quarterly report"]).max() < 0.05


def test_an_exemplar_does_not_vote_for_itself() -> None:
    known = votes()
    vectors = word_embedder().embed(["grey boots"])
    assert known.score_vectors(vectors, without=[2])[0][2] < 1e-6


def test_exemplars_are_written_and_read(tmp_path: Path) -> None:
    examples = [
        LabelledText(ItemId("1"), "=cmd|apples\n\ud800", (A, C), weight=0.5),
        LabelledText(ItemId("2"), "boots", (C,)),
        LabelledText(ItemId("3"), "pears", (A,), weight=0.0),
    ]
    card = ExemplarLearner().learn(TrainingMaterial(examples, {A: OptionText("apples")}), tmp_path)
    assert card == {"items": 1, "labels": 1}
    assert load_exemplars(tmp_path) == [("=cmd|apples\n?", (A,), 0.5)]
    with pytest.raises(InputError, match="no labelled item is left"):
        ExemplarLearner().learn(TrainingMaterial(examples, {B: OptionText("b")}), tmp_path)
