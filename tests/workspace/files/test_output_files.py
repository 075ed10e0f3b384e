"""Outputs are whole or not there, and never stand where the workspace's or the user's own files are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import ItemResult
from taxonaut.workspace.files.output_files import Replacement, check_output, write_atomically
from taxonaut.workspace.files.result_files import open_results

OWN = [
    "index.duckdb",
    "index.duckdb.wal",
    "taxonaut.toml",
    "threads.sqlite",
    "threads.sqlite-wal",
    "chat_history",
    "prompts/navigator/expand.j2",
    "experts/1/card.json",
    "prompts",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name in ("prompts/navigator", "experts/1"):
        (folder / name).mkdir(parents=True)
    (folder / "taxonaut.toml").write_text("", encoding="utf-8")
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", OWN)
def test_a_workspace_s_own_files_are_not_written_over(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(folder)
    for path in (folder / name, tmp_path / "link" / name):
        with pytest.raises(InputError) as caught:
            check_output(path)
        assert str(path) in str(caught.value)
    with pytest.raises(InputError), write_atomically(folder / name):
        pass
    with pytest.raises(InputError):
        open_results(folder / name, "jsonl")
    assert not (folder / "index.duckdb").exists()


@pytest.mark.parametrize("name", ["out.jsonl", "index.jsonl", "my.prompts", "export"])
def test_other_files_may_stand_in_a_workspace(folder: Path, name: str) -> None:
    with write_atomically(folder / name) as raw:
        raw.write(b"x")
    assert (folder / name).read_bytes() == b"x"


def test_names_of_a_workspace_are_free_elsewhere(tmp_path: Path) -> None:
    check_output(tmp_path / "index.duckdb")
    check_output(tmp_path / "prompts")


def stopped(path: Path, error: type[BaseException], results: list[ItemResult]) -> None:
    """Write results and stop, with an old file in the place until the end."""
    with open_results(path) as writer:
        writer.write(results)
        assert path.read_text(encoding="utf-8") == "before"
        raise error


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "jsonl.gz"])
@pytest.mark.parametrize("results", [[], [ItemResult(ItemId("1"), ())]])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_work_that_stops_leaves_the_old_file(
    tmp_path: Path, suffix: str, results: list[ItemResult], error: type[BaseException]
) -> None:
    path = tmp_path / f"r.{suffix}"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(error):
        stopped(path, error, results)
    assert (names_in(tmp_path), path.read_text(encoding="utf-8")) == ([path.name], "before")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are asked for by signal 0")
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = [f".r.csv.{gone.pid}.part", f".r.csv.{gone.pid}.part.parquet", f".r.csv.{gone.pid}.part.rows"]
    kept = [f".r.csv.{os.getppid()}.part", f".other.csv.{gone.pid}.part", ".r.csv.note.part"]
    for name in (*left, *kept):
        (tmp_path / name).write_text("x", encoding="utf-8")
    with open_results(tmp_path / "r.csv") as writer:
        writer.write([])
    assert names_in(tmp_path) == sorted([*kept, "r.csv"])


def test_long_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: File name too long; name another file"):
        check_output(tmp_path / ("a" * 300))
    longest = tmp_path / ("a" * 249 + ".jsonl")
    with open_results(longest) as writer:
        writer.write([ItemResult(ItemId("1"), ())])
    assert names_in(tmp_path) == [longest.name]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "out.jsonl"
    link.symlink_to(tmp_path / "there" / "real.jsonl")
    with write_atomically(link) as raw:
        raw.write(b"x")
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.jsonl").read_bytes() == b"x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_is_written_to_directly() -> None:
    assert Replacement(Path("/dev/null")).path == Path("/dev/null")
    with pytest.raises(DiskError, match="no space left"), write_atomically(Path("/dev/full")) as raw:
        raw.write(b"x" * 100_000)
