"""`taxonaut init`."""

from pathlib import Path
from typing import Any


def test_makes_a_workspace_and_says_what_is_next(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    called = run("init", folder)
    assert (called.code, called.out) == (0, "")
    assert called.err == f"made a workspace in {folder}; next: taxonaut labels import FILE -w '{folder}'\n"
    assert sorted(path.name for path in folder.iterdir()) == ["index.duckdb", "prompts", "taxonaut.toml"]


def test_quiet_says_nothing(run: Any, tmp_path: Path) -> None:
    called = run("init", tmp_path / "w", "--quiet")
    assert (called.code, called.out, called.err) == (0, "", "")


def test_refuses_a_workspace_that_is_there(run: Any, shop: Path) -> None:
    called = run("init", shop)
    assert called.code == 2
    assert called.err == f"error: {str(shop)!r} is already a workspace; use it or choose another folder\n"


def test_refuses_a_file(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    called = run("init", file)
    assert called.code == 3
    assert str(file) in called.err


def test_the_folder_is_needed(run: Any) -> None:
    called = run("init")
    assert called.code == 2
    assert "DIR" in called.err
