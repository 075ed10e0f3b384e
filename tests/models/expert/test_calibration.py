"""Probabilities of logits: a temperature that is known is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonaut.models.expert.calibration import (
    CANDIDATES,
    TemperatureScaling,
    expected_calibration_error,
    fit_temperature,
)

Array = NDArray[np.float32]


def softmax(logits: Array) -> Array:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def drawn(
    tempering: TemperatureScaling, rows: int = 6000, classes: int = 12
) -> tuple[Array, NDArray[np.bool_]]:
    """Draw logits, and whether the first is right by its probability under a tempering."""
    chance = np.random.default_rng(0)
    logits: Array = (chance.normal(size=(rows, classes)) * chance.uniform(1, 6, (rows, 1))).astype(np.float32)
    return logits, chance.random(rows) < tempering.probabilities(logits).max(axis=1)


def test_no_tempering_is_softmax() -> None:
    logits, _ = drawn(TemperatureScaling(), rows=50)
    assert TemperatureScaling().probabilities(logits) == pytest.approx(softmax(logits), abs=1e-6)


def test_a_level_is_a_temperature() -> None:
    logits, _ = drawn(TemperatureScaling(), rows=50)
    found = TemperatureScaling(level=0.7).probabilities(logits)
    assert found == pytest.approx(softmax(logits / np.float32(np.exp(0.7))), abs=1e-6)


@pytest.mark.parametrize(
    "true", [TemperatureScaling(0.6), TemperatureScaling(-0.5), TemperatureScaling(0.2, 0.15)]
)
def test_a_known_tempering_is_found_again(true: TemperatureScaling) -> None:
    logits, right = drawn(true)
    found = fit_temperature(logits, right)
    wanted = true.probabilities(logits).max(axis=1)
    assert found.probabilities(logits).max(axis=1) == pytest.approx(wanted, abs=0.05)
    assert expected_calibration_error(found.probabilities(logits).max(axis=1), right) < 0.02
    assert expected_calibration_error(TemperatureScaling().probabilities(logits).max(axis=1), right) > 0.04


def test_one_temperature_for_all_has_no_slope() -> None:
    logits, right = drawn(TemperatureScaling(0.6))
    found = fit_temperature(logits, right, slope=False)
    assert (found.level, found.slope) == (pytest.approx(0.6, abs=0.1), 0.0)


def test_no_products_leave_logits_alone() -> None:
    assert fit_temperature(np.empty((0, 3), np.float32), np.empty(0, np.bool_)) == TemperatureScaling()


@settings(max_examples=60)
@given(
    st.integers(1, 2 * CANDIDATES),
    st.floats(-4, 4),
    st.floats(-1, 1),
    st.sampled_from([1e-3, 1.0, 30.0, 1e4]),
    st.integers(0, 50),
)
def test_rows_are_probabilities_in_the_order_of_logits(
    classes: int, level: float, slope: float, size: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(size=(4, classes)).astype(np.float32) * np.float32(size)
    found = TemperatureScaling(level, slope).probabilities(logits)
    assert (found.dtype, found.shape) == (np.float32, logits.shape)
    assert found.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert ((found > 0).sum(axis=1) <= CANDIDATES).all()
    for row, scores in zip(found, logits, strict=True):
        # logits that nearly tie may share one float32, or swap by a rounding of exp
        assert (np.diff(row[np.argsort(scores)]) >= -1e-6).all()
        assert row[scores.argmax()] == pytest.approx(row.max(), abs=1e-6)
