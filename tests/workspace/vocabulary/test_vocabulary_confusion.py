"""Siblings whose items lie next to each other, by vectors one can see the angles of."""

from dataclasses import replace
from math import cos, radians, sin
from typing import cast

import numpy as np
import pytest

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.stores.embeddings import Matrix
from taxonaut.workspace.vocabulary import report_data
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.report_data import (
    Confusion,
    Neighbours,
    find_confused_siblings,
    nearest_others,
)

PENS, PAPER, CLIPS, RED = (NodeId(each) for each in (2, 3, 4, 5))


def at(*degrees: float) -> Matrix:
    """Unit vectors at these angles."""
    return np.array([(cos(radians(each)), sin(radians(each))) for each in degrees], dtype=np.float32)


def tagged(*paths: tuple[NodeId, ...]) -> Vocabulary:
    """A vocabulary of which only the taggings matter."""
    return Vocabulary(
        NodeId(1), [], [Tagging(ItemId(f"i{number}"), path) for number, path in enumerate(paths)]
    )


def rounded(found: Confusion) -> Confusion:
    return replace(
        found,
        examples=tuple(replace(each, similarity=round(each.similarity, 4)) for each in found.examples),
    )


def test_items_next_to_a_sibling_s_are_counted_and_shown_the_closest_first() -> None:
    made = tagged((PENS,), (PAPER,), (PENS,), (PAPER,), (PENS,), (PENS,), (), (PAPER,))
    vectors = at(0, 1, 10, 13, 60, 61, 0.5, 90)
    found = list(map(rounded, find_confused_siblings(made, vectors, fewest=2, examples=1)))
    one, other = (
        Neighbours(ItemId("i0"), ItemId("i1"), 0.9998),
        Neighbours(ItemId("i1"), ItemId("i0"), 0.9998),
    )
    assert found == [
        Confusion(NodeId(1), PAPER, PENS, 3, 3, (other,)),
        Confusion(NodeId(1), PENS, PAPER, 2, 4, (one,)),
    ]
    assert [each.share for each in found] == [1.0, 0.5]
    assert find_confused_siblings(made, vectors, fewest=4) == []
    assert len(find_confused_siblings(made, vectors, fewest=2, most=1)) == 1


def test_only_siblings_are_compared_and_items_without_a_vector_left_out() -> None:
    made = tagged((PENS, RED), (PAPER, CLIPS), (PENS, RED), (PAPER, CLIPS), (PENS, RED))
    vectors = at(0, 0, 90, 90, 45)
    vectors[4] = 0
    (first, second) = find_confused_siblings(made, vectors, fewest=1)
    assert (first.descriptor, first.sibling, first.items, first.compared) == (PENS, PAPER, 2, 2)
    assert (second.descriptor, second.sibling) == (PAPER, PENS)
    assert find_confused_siblings(made, np.zeros((5, 0), dtype=np.float32)) == []


def test_a_large_share_of_many_comes_before_all_of_three() -> None:
    three = Confusion(NodeId(1), PENS, PAPER, 3, 3, ())
    forty = Confusion(NodeId(1), PENS, PAPER, 40, 50, ())
    assert (three.share, forty.share) == (1.0, 0.8)
    assert three.at_least == pytest.approx(3 / (3 + 1.96**2), abs=1e-4)
    assert forty.at_least == pytest.approx(0.670, abs=1e-3)


def test_of_many_items_some_are_drawn_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_data, "MOST_COMPARED", 100)
    vectors = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = tagged(*([(PENS,), (PAPER,)] * 200))
    found = find_confused_siblings(made, vectors)
    assert found == find_confused_siblings(made, vectors)
    assert sum(each.compared for each in found) == 100


def test_rows_in_parts_have_the_neighbours_they_have_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest, similarity = nearest_others(vectors)
    monkeypatch.setattr(report_data, "_ROWS_AT_ONCE", 7)
    again, _ = nearest_others(vectors)
    scores = cast("Matrix", vectors @ vectors.T - 4 * np.eye(50, dtype=np.float32))
    assert nearest.tolist() == again.tolist() == scores.argmax(axis=1).tolist()
    assert similarity == pytest.approx(scores.max(axis=1))
