"""A sample of `run_faults.py`, which disturbs every flow: nothing is lost, wrong or wedged."""

import pytest
from run_faults import FLOWS, run


@pytest.mark.parametrize(
    "flow", [pytest.param(each, marks=[] if each == "conversation" else pytest.mark.slow) for each in FLOWS]
)
def test_a_flow_against_a_faulty_server(flow: str) -> None:
    counts = run([flow], faults=10, seed=3, rate=0.4)
    assert (counts.lost, counts.wrong, counts.wedged) == ([], [], [])
    assert counts.faults.total() >= 10
