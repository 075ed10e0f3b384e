"""Measures of distributions against numbers worked out by hand."""

import math

import numpy as np
import pytest

from taxonaut.evaluation.measures.alignment import (
    absolute_error,
    annotators_against_each_other,
    calibration_error,
    constant,
    crowd_against_one,
    example_f1,
    group_items,
    macro_f1,
    measure_alignment,
    negative_log_likelihood,
    prior,
    rank_correlation,
    squared_error,
)

GIVEN = np.array([[1.0, 0.0], [0.5, 0.25]])
PREDICTED = np.array([[0.8, 0.1], [0.5, 0.5]])


def test_measures_of_items_are_summed_over_labels() -> None:
    first = -math.log(0.8) - math.log(0.9)
    assert negative_log_likelihood(PREDICTED, GIVEN) == pytest.approx([first, 2 * math.log(2)])
    assert absolute_error(PREDICTED, GIVEN) == pytest.approx([0.3, 0.25])
    assert squared_error(PREDICTED, GIVEN) == pytest.approx([0.05, 0.0625])


def test_example_f1_counts_labels_that_half_the_annotators_gave() -> None:
    # item 2: predicted both, given the first: 2 * 1 / 3; no label on both sides is 1
    assert example_f1(PREDICTED, GIVEN) == pytest.approx([1.0, 2 / 3])
    assert example_f1(np.zeros((1, 2)), np.array([[0.4, 0.0]])).tolist() == [1.0]
    assert example_f1(PREDICTED, GIVEN, np.array([0.9, 0.05])) == pytest.approx([0.0, 0.0])


def test_macro_f1_is_zero_for_a_label_that_is_never_right() -> None:
    assert macro_f1(PREDICTED, GIVEN) == pytest.approx((1.0 + 0.0) / 2)


def test_calibration_error_is_weighted_by_the_bins() -> None:
    # one label: bin of .1 has shares 0 and .5 (gap .15), bin of .9 has 1 (gap .1)
    predicted, given = np.array([[0.1], [0.1], [0.9]]), np.array([[0.0], [0.5], [1.0]])
    assert calibration_error(predicted, given, bins=5) == pytest.approx([2 / 3 * 0.15 + 1 / 3 * 0.1])


def test_rank_correlation_is_unknown_where_all_labels_are_equal() -> None:
    found = rank_correlation(np.array([[0.1, 0.2, 0.3]] * 3), np.array([[0, 0.5, 1], [1, 0.5, 0], [0, 0, 0]]))
    assert found[:2] == pytest.approx([1.0, -1.0])
    assert math.isnan(found[2])


def test_baselines() -> None:
    assert constant(GIVEN).tolist() == [[0.1, 0.1], [0.1, 0.1]]
    assert prior(GIVEN).tolist() == [[0.75, 0.125], [0.75, 0.125]]


def test_annotators_predict_the_others() -> None:
    votes = [np.array([[1, 0], [1, 1], [0, 0]], bool), np.array([[1, 1]], bool)]
    one, others = annotators_against_each_other(votes)
    assert one.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert others.tolist() == [[0.5, 0.5], [0.5, 0.0], [1.0, 0.5]]
    first, second = crowd_against_one(votes)
    assert (first.tolist(), second.tolist()) == ([[0.5, 0.0]], [[1.0, 1.0]])
    assert annotators_against_each_other(votes[1:])[0].size == 0


def test_groups_by_agreement_and_number_of_labels() -> None:
    given = np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 0.0], [0.6, 0.0]])
    found = {name: mask.tolist() for name, mask in group_items(given).items()}
    assert found == {
        "unanimous": [True, False, True, False],
        "split": [False, True, False, True],
        "no label": [False, False, True, False],
        "one label": [True, False, False, True],
        "several labels": [False, True, False, False],
    }


def test_an_interval_holds_its_value() -> None:
    random = np.random.default_rng(0)
    given = random.random((40, 3))
    found = measure_alignment("x", np.clip(given + 0.1, 0, 1), given, groups=group_items(given))
    assert all(each.low <= each.value <= each.high for each in found.measures.values())
    assert found.groups["split"]["items"] + found.groups.get("unanimous", {}).get("items", 0) == 40
