"""Building, adding and walking on the real embedder, killed at 50 random points: the end is always the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pulled import require_weights

from taxonaut import Workspace

pytestmark = [pytest.mark.local, pytest.mark.slow]
DRIVER = Path(__file__).with_name("kill_driver.py")


@pytest.fixture(autouse=True)
def _weights() -> None:
    require_weights()


def prepared(folder: Path, work: str) -> None:
    """Make a workspace as it is before a piece of work."""
    sys.path.insert(0, str(DRIVER.parent))
    try:
        import kill_driver
    finally:
        sys.path.pop(0)
    with Workspace.init(folder) as workspace:
        workspace.index.add_labels(kill_driver.FIRST)
        if work != "build":
            workspace.build_index("agents", **kill_driver.SMALL)


@pytest.mark.parametrize(("work", "kills"), [("build", 18), ("add", 16), ("walk", 16)])
def test_a_killed_piece_of_work_comes_to_the_same_end(tmp_path: Path, work: str, kills: int) -> None:
    base = tmp_path / "base"
    prepared(base, work)
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(base), work, str(kills), "11"],
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kills"], found["same"]) == (kills, True), found
