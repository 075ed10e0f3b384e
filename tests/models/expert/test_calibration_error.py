"""The expected calibration error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.expert.calibration import expected_calibration_error


def test_gaps_are_weighted_by_the_rows_of_their_bin() -> None:
    """Two bins: 0.8 sure and half right on four rows, 0.3 sure and never right on one."""
    confidence = [0.8, 0.8, 0.8, 0.8, 0.3]
    right = [True, True, False, False, False]
    assert expected_calibration_error(confidence, right) == pytest.approx(0.8 * 0.3 + 0.2 * 0.3)


def test_gaps_within_a_bin_cancel_out() -> None:
    assert expected_calibration_error([0.5, 0.5], [1, 0], bins=2) == 0.0
    assert expected_calibration_error([0.5, 0.501], [1, 0], bins=2) == pytest.approx((0.5 + 0.501) / 2)


def test_the_ends_of_the_scale() -> None:
    assert expected_calibration_error([0.0, 1.0], [False, True]) == 0.0
    assert expected_calibration_error([0.0, 1.0], [True, False]) == 1.0
    assert expected_calibration_error([np.float32(1.0000001)], [True]) == pytest.approx(0.0, abs=1e-6)
    assert expected_calibration_error([], []) == 0.0


def test_honest_probabilities_have_hardly_any_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(200_000)
    assert expected_calibration_error(confidence, rng.random(200_000) < confidence) < 0.006
    assert expected_calibration_error(confidence, rng.random(200_000) < 0.5) == pytest.approx(0.25, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(1, 20))
def test_it_is_a_share_and_order_does_not_matter(rows: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = zip(*rows, strict=True)
    error = expected_calibration_error(confidence, right, bins)
    assert -1e-9 <= error <= 1 + 1e-9
    assert expected_calibration_error(confidence[::-1], right[::-1], bins) == pytest.approx(error)


@pytest.mark.parametrize(
    ("confidence", "right", "said"),
    [
        ([0.1, 0.2], [True], r"confidence has shape \(2,\), right \(1,\)"),
        ([1.5], [True], "confidences run from 1.5 to 1.5; give probabilities"),
        ([float("nan")], [True], "give probabilities"),
    ],
)
def test_what_is_refused(confidence: list[float], right: list[bool], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        expected_calibration_error(confidence, right)
