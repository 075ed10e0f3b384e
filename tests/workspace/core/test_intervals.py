"""Bootstrap intervals."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.evaluation.measures.set_measures import set_ratios
from taxonaut.workspace.core.intervals import Interval, bootstrap, bootstrap_mean


def test_the_interval_of_a_mean_agrees_with_the_normal_one():
    values = np.array([0.0, 1.0] * 200)
    interval = bootstrap_mean(values)
    assert interval.value == 0.5
    half = 1.96 * 0.5 / np.sqrt(400)
    assert np.allclose([interval.low, interval.high], [0.5 - half, 0.5 + half], atol=0.005)
    assert bootstrap_mean(values) == interval
    assert bootstrap_mean(values, seed=1) != interval


def test_equal_values_leave_no_doubt():
    assert bootstrap_mean(np.full(7, 0.25)) == Interval(0.25, 0.25, 0.25)
    assert bootstrap_mean(np.array([])) == Interval(0.0, 0.0, 0.0)


def test_ratios_of_sums_are_drawn_by_item():
    counts = np.array([[1, 2, 2], [2, 2, 4]] * 50, dtype=float)
    interval = bootstrap(counts, lambda sums: set_ratios(*sums.T)[0], level=0.9, samples=500)
    assert interval.value == 0.75
    assert 0.7 < interval.low < 0.75 < interval.high < 0.8
    assert interval.level == 0.9


def test_drawing_in_parts_gives_as_many_samples():
    sizes = []

    def record(sums):
        sizes.append(len(sums))
        return sums[:, 0]

    bootstrap(np.ones((9_000, 1)), record, samples=1000)
    assert (sum(sizes[:-1]), max(sizes[:-1]) * 9_000 <= 4_000_000) == (1000, True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_mean_lies_in_its_interval(values):
    interval = bootstrap_mean(np.array(values), samples=200)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9
