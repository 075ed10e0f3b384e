"""Refusing texts that fit no label, by hand."""

import numpy as np
import pytest

from taxonaut.evaluation.measures.refusal import area_under_curve, find_threshold, score_refusals

SHOULD = [True, True, True, False, False]
SCORES = [0.1, 0.3, 0.6, 0.3, 0.9]


def test_a_small_case_by_hand() -> None:
    """Refused are one text that should be, and one that should not; two are answered in vain."""
    found = score_refusals(SHOULD, [True, False, False, True, False], SCORES)
    assert (found.items, found.out_of_scope, found.refused, found.hits) == (5, 3, 2, 1)
    assert found.precision is not None
    assert (found.precision.value, found.recall.value, found.f1.value) == (0.5, pytest.approx(1 / 3), 0.4)
    assert found.precision.low < 0.5 < found.precision.high


def test_scores_of_texts_in_and_out_of_scope() -> None:
    """Of six pairs 0.3 wins one, ties one and loses one; 0.9 wins three. Below 0.75 three of four are right."""
    assert area_under_curve(np.array(SHOULD), np.array(SCORES)) == pytest.approx(4.5 / 6)
    threshold, f1 = find_threshold(np.array(SHOULD), np.array(SCORES))
    assert (threshold, f1) == (0.75, pytest.approx(6 / 7))


def test_nothing_refused_and_no_scores() -> None:
    found = score_refusals([True, False], [False, False])
    assert (found.precision, found.recall.value, found.f1.value) == (None, 0.0, 0.0)
    assert (found.auroc, found.best_threshold, found.best_f1) == (None, None, None)
    assert area_under_curve(np.array([False, False]), np.array([0.1, 0.2])) is None
    assert find_threshold(np.array([True, False]), np.array([0.5, 0.5])) == (None, None)
