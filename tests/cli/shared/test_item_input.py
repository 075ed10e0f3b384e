"""Telling texts from files."""

from pathlib import Path

import pytest

from taxonaut.cli.shared.item_input import item_input, names_file
from taxonaut.state.errors import InputError
from taxonaut.workspace.files.item_files import ItemColumns

COLUMNS = ItemColumns(labels="")


@pytest.mark.parametrize(
    ("given", "is_file"),
    [
        ("red apples", False),
        ("texts.csv", True),
        ("texts.JSONL.GZ", True),
        ("a.parquet", True),
        ("version 1.2", False),
        ("archive.gz", False),
        ("x" * 5000, False),
        ("a\0b", False),
        ("", False),
    ],
)
def test_names_file(given: str, is_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert names_file(given) is is_file


def test_what_exists_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").write_text("a\n", encoding="utf-8")
    assert names_file("notes")


def test_texts_are_taken_once_each_and_cleaned() -> None:
    found = item_input(["red apples", "green\0 \udcff", "red apples"], COLUMNS)
    assert (found.count, found.file) == (2, "")
    assert [item.text for item in found.items()] == ["red apples", "green \ufffd"]
    assert len({item.id for item in found.items()}) == 2


def test_a_file_can_be_read_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("a\n\nb\n", encoding="utf-8")
    found = item_input([str(file)], COLUMNS)
    assert (found.count, found.file) == (2, str(file))
    for _ in range(2):
        assert [(item.id, item.text) for item in found.items()] == [
            ("texts.txt:1", "a"),
            ("texts.txt:3", "b"),
        ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["no such.csv"], r"'no such.csv' does not exist.* If it is a text and not a file, pipe it in"),
        (["folder"], r"'folder' is a folder"),
        (
            ["red apples", "texts.csv"],
            r"2 arguments, and 'texts.csv' is a file: give one file, or texts only",
        ),
        (["-", "red apples"], r"2 arguments, and '-' is a file"),
    ],
)
def test_refusals(given: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=said):
        item_input(given, COLUMNS)
