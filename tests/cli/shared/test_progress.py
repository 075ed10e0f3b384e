"""Progress: a bar at a terminal, elsewhere a line now and then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxonaut.cli.shared.progress import Bar, Lines, duration, is_watched, progress, state
from taxonaut.cli.shared.session import Session
from taxonaut.state.updates import Progress, tell

PROCESS = [sys.executable, str(Path(__file__).parents[1] / "slow_process.py")]


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "shown"),
    [
        (0, None, 3.2, "0:03"),
        (0, 40, 3.2, "0 of 40  0:03"),
        (10, 40, 5.0, "10 of 40  2.0/s  0:05, 0:15 left"),
        (1000, 61_000, 60.0, "1,000 of 61,000  16.7/s  1:00, 1:00:00 left"),
    ],
)
def test_state(done: int, total: int | None, elapsed: float, shown: str) -> None:
    assert state(done, total, elapsed) == shown


def test_duration() -> None:
    assert [duration(seconds) for seconds in (0, 59.6, 3725)] == ["0:00", "1:00", "1:02:05"]


def test_nobody_watches_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(Session()) as bar:
        bar.stage("working", 3)
        bar.show(Progress("working", 1))
    assert isinstance(bar, Bar)
    assert capsys.readouterr() == ("", "")


def test_a_line_every_few_seconds_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    for now, update in [  # noqa: B007
        (1.0, Progress("embedding labels", 0, 4000)),
        (3.0, Progress("embedding labels", 1024, 4000)),
        (6.0, Progress("embedding labels", 2048, 4000)),
        (8.0, Progress("embedding labels", 3072, 4000)),
        (11.5, Progress("labelling", 0)),
    ]:
        lines.show(update)
    lines.stage("labelling", 50)
    now = 21.5
    lines.show(Progress("labelling", 20))
    now = 31.5
    lines.show(Progress("labelling", 50))
    assert capsys.readouterr().err.splitlines() == [
        "embedding labels: 2,048 of 4,000  409.6/s  0:05, 0:05 left",
        "labelling: 0:00",
        "labelling: 20 of 50  2.0/s  0:10, 0:15 left",
    ]


def test_lines_are_those_of_what_runs_unless_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonaut.cli.shared.progress.SECONDS", 0.0)
    for quiet in (False, True):
        with progress(Session(quiet=quiet), json=True):
            tell(Progress("embedding labels", 0, 4))
    assert capsys.readouterr() == ("", "embedding labels: 0 of 4  0:00\n")


def test_quiet_and_json_are_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert is_watched(Session())
    assert not is_watched(Session(quiet=True))
    assert not is_watched(Session(), json=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_rate_and_time_left_and_is_clean_afterwards(shop: Path, tmp_path: Path) -> None:
    import pty

    config, file, out = shop / "taxonaut.toml", tmp_path / "texts.txt", tmp_path / "out.jsonl"
    config.write_text(config.read_text(encoding="utf-8") + "batch = 4\n", encoding="utf-8")
    file.write_text("".join(f"red apples {number}\n" for number in range(24)), encoding="utf-8")
    master, slave = pty.openpty()
    arguments = ["classify", str(file), "-o", str(out), "-w", str(shop)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}
    with subprocess.Popen(
        [*PROCESS, *arguments], stderr=slave, stdout=subprocess.PIPE, env=environment
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                read = os.read(master, 65536)
            except OSError:
                break
            if not read:
                break
            shown += read
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(master)
    assert process.returncode == 0
    text = shown.decode()
    assert "labelling" in text
    assert " of 24  " in text
    assert " left" in text
    assert "\x1b[3" not in text.replace("\x1b[?25", "")
    assert text.splitlines()[-1].partition("24 items -> ")[2].startswith(str(out))
