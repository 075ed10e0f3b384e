"""Threads that are killed at random moments of a turn: the history is whole, a change is made once or not at all."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("talk_kills.py")
KILLS = 6


def driven(folder: Path, kills: int) -> Any:
    finished = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), str(kills), "11"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_killed_threads_go_on_and_no_change_is_made_twice(tmp_path: Path) -> None:
    found = driven(tmp_path, KILLS)
    assert found["found"] == found["expected"]
    assert found["history_whole"]
    assert sum(found["left"].values()) == KILLS


def test_ctrl_c_in_an_answer_leaves_the_thread_usable(tmp_path: Path) -> None:
    interrupted, (facts, answers) = driven(tmp_path, 0)["told"]
    assert interrupted is True
    assert "Toys" in facts[0]
    assert answers == ["Done."]
