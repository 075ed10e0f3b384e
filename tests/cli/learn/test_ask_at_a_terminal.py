"""`taxonaut learn` at a terminal: the measures are shown before it asks, and only yes adopts."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from terminal_screen import Played

from taxonaut import Workspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("answer", "in_use"), [("n", 0), ("y", 1)])
def test_it_shows_the_measures_and_asks(shop: Path, tmp_path: Path, answer: str, in_use: int) -> None:
    if importlib.util.find_spec("pexpect") is None:
        pytest.skip("pexpect is not installed")
    file = tmp_path / "labelled.jsonl"
    rows = [
        {"id": f"{label}-{copy}", "text": f"slang{at} jargon{at} extra{copy}", "labels": [label]}
        for at, label in enumerate(("shoes", "pears", "apples"))
        for copy in range(8)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "taxonaut", "learn", "run", str(file), "--rounds", "1", "-w", str(shop)]
    asked = Played(command, env=dict(os.environ), patience_s=180)
    try:
        asked.wait_for("use version 1 from now on?")
        shown = asked.screen.text()
        assert "seen labels (" in shown.partition("use version 1")[0]
        asked.send(f"{answer}\r")
        asked.wait_for("is in use; to go back" if in_use else "nothing was adopted; to use it")
    finally:
        asked.close()
    with Workspace.open(shop) as workspace:
        assert workspace.learned.in_use == in_use
