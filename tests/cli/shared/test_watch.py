"""Work that is done again on each save."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.watch import hash_files, wait_for_change, watch
from taxonaut.state.errors import InputError


def steps(*each: Callable[[], object]) -> Callable[[float], None]:
    """Do one thing at each look, and end with Ctrl-C."""
    waiting = list(each)

    def wait(_: float) -> None:
        if not waiting:
            raise KeyboardInterrupt
        waiting.pop(0)()

    return wait


def nothing() -> None:
    return


def test_a_save_runs_it_again_once(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "navigator" / "expand.j2"
    file.parent.mkdir()
    file.write_text("one")
    seen: list[str] = []
    edits = steps(
        nothing,
        lambda: file.write_text("tw"),
        lambda: file.write_text("two"),
        nothing,
        nothing,
        lambda: (tmp_path / "notes.txt").write_text("no template"),
        nothing,
    )
    watch(Session(), tmp_path, lambda: seen.append(file.read_text()), wait=edits)
    assert seen == ["one", "two"]
    said = f"watching {tmp_path}; save a file there to run again, Ctrl-C to end\n"
    assert capsys.readouterr().err == said + said + "stopped watching\n"


def test_a_mistake_is_said_and_the_watch_goes_on(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "expand.j2"

    def work() -> None:
        if file.exists():
            raise InputError("no block 'item'")

    watch(Session(quiet=True), tmp_path, work, wait=steps(lambda: file.write_text("x"), nothing))
    assert capsys.readouterr().err == "error: no block 'item'\nstopped watching\n"


def test_ctrl_c_within_the_work_is_raised_on(tmp_path: Path) -> None:
    def work() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(Session(), tmp_path, work, wait=steps())


def test_a_change_that_is_taken_back_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "expand.j2"
    file.write_text("one")
    before = hash_files(tmp_path)
    edits = steps(lambda: file.write_text("two"), lambda: file.write_text("one"), nothing)
    with pytest.raises(KeyboardInterrupt):
        wait_for_change(tmp_path, "*.j2", before, edits)


def test_removing_a_file_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "expand.j2"
    file.write_text("one")
    before = hash_files(tmp_path)
    file.unlink()
    assert hash_files(tmp_path) != before
    assert wait_for_change(tmp_path, "*.j2", before, steps(nothing, nothing)) == hash_files(tmp_path)
