"""Samples of attacks: nothing is lost, and what is lost is noticed. `python tests/attack` does them in full.

Samples of kills are in the tests of what is killed: test_kills.py, test_vocabulary_kills.py,
test_categorizing_kills.py and test_killed.py.
"""

from pathlib import Path
from typing import Any

import pytest
from attack import callers, histories, inputs
from attack.report import Report

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("attack", "count"), [(histories, 15), (callers, 4), (inputs, 40)])
def test_nothing_is_lost(tmp_path: Path, attack: Any, count: int) -> None:
    report = Report()
    attack.run(count, 7, tmp_path, report)
    assert report.losses == []
    assert report.rows


def test_an_answer_to_another_text_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (way, *_) = callers.WAYS

    async def mixed_up(workspace: Any, given: Any) -> Any:
        answers = await way.ask(workspace, given)
        return [answers[1], answers[0], *answers[2:]] if len(given) == callers.ITEMS else answers

    monkeypatch.setattr(callers, "WAYS", (callers.Way("mixed up", mixed_up, kept=False),))
    report = Report()
    callers.run(2, 7, tmp_path, report)
    assert len(report.losses) == 2 * 2 * 2


def test_a_table_has_sums_and_losses() -> None:
    report = Report()
    report.count("first", files=2)
    report.count("second", files=1, read=1)
    report.lose("second", "a thing")
    assert report.table() == (
        "        files  read  lost\n"
        "first       2     0     0\n"
        "second      1     1     1\n"
        "all         3     1     1\n"
        "LOST second: a thing"
    )
