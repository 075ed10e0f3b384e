"""A real process that is stopped half-way continues where it was and asks nothing twice."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ITEMS = 60
BATCH = 4
PROCESS = [sys.executable, str(Path(__file__).with_name("slow_process.py"))]


@pytest.fixture
def many(shop: Path, tmp_path: Path) -> Path:
    """A file of texts, and a workspace that labels four at a time."""
    config = shop / "taxonaut.toml"
    config.write_text(config.read_text(encoding="utf-8") + f"batch = {BATCH}\n", encoding="utf-8")
    file = tmp_path / "texts.txt"
    file.write_text(
        "".join(f"red apples {number} hiking boots\n" for number in range(ITEMS)), encoding="utf-8"
    )
    return file


def stopped(arguments: list[str], out: Path, rows: int, how: signal.Signals) -> tuple[int, str, float]:
    """Start the process, stop it once so many rows are out; return its code, its last words, how long it took."""
    with subprocess.Popen([*PROCESS, *arguments], stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 240
        while time.monotonic() < until and process.poll() is None:
            parts = out.parent.glob(f".{out.name}.{process.pid}.part")  # in its place once it is whole
            if any(len(part.read_text(encoding="utf-8").splitlines()) >= rows for part in parts):
                break
            time.sleep(0.02)
        process.send_signal(how)
        sent = time.monotonic()
        _, said = process.communicate(timeout=60)
    return process.returncode, said, time.monotonic() - sent


def test_ctrl_c_and_then_a_kill_lose_nothing(shop: Path, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ["classify", str(many), "-o", str(out), "-w", str(shop)]
    code, said, waited = stopped(arguments, out, 2 * BATCH, signal.SIGINT)
    kept = kept_items(shop)
    assert 2 * BATCH <= kept < ITEMS
    assert code == 130
    assert re.fullmatch(r"(\d+) of 60 done and kept; run the same command again to continue\n", said), said
    assert int(said.split()[0]) == kept
    assert waited < 10

    assert len(out.read_text(encoding="utf-8").splitlines()) == kept
    out.unlink()
    code, said, _ = stopped(arguments, out, kept + BATCH, signal.SIGKILL)
    assert (code, said) == (-signal.SIGKILL, "")
    assert kept + BATCH <= kept_items(shop) < ITEMS

    ended = subprocess.run([*PROCESS, *arguments], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert not list(out.parent.glob("*.part"))
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [f"texts.txt:{number + 1}" for number in range(ITEMS)]
    assert all(row["labels"] and "error" not in row for row in rows)
    with Workspace.open(shop) as workspace:
        found = workspace.database.rows(
            "SELECT item, count(*) FROM decisions WHERE node IS NULL GROUP BY item"
        )
    assert len(found) == ITEMS
    assert {count for _, count in found} == {1}


def kept_items(shop: Path) -> int:
    """Count the items that are finished."""
    with Workspace.open(shop) as workspace:
        runs: Any = workspace.runs.list("classify")
        return int(runs[0].units)
