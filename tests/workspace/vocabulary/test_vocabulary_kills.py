"""A build and an assignment killed at random points: the end is always the same, and no answer is asked for twice.

TAXONAUT_KILLS says how many kills there are, 10 unless it is set.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("vocabulary_kills.py")
IN_FLIGHT = 2


def test_a_killed_build_goes_on_to_the_same_end(tmp_path: Path, start_server: Any) -> None:
    kills = int(os.environ.get("TAXONAUT_KILLS", "10"))
    log = tmp_path / "log.jsonl"
    server = start_server(delay=0.01, log=log)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAXONAUT_")}
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), server.url, str(kills), "3"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 12 * kills,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kills"], found["same"]) == (kills, True), found
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    answered = Counter(row["key"] for row in rows if row["event"] == "answered")
    repeated = sum(count - 1 for count in answered.values())
    assert repeated <= IN_FLIGHT * kills
    assert len(answered) / found["rounds"] == len(answered) // found["rounds"]
