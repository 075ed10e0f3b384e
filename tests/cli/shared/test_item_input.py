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
        ("report.PDF", True),
        ("docs/*.md", True),
        ("**bold**", False),
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
        (["folder"], r"the folder 'folder' has no documents \(\.txt, .*\)\. Give a table by its own name"),
        (
            ["red apples", "texts.csv"],
            r"'red apples' does not exist; give files, folders or patterns, or texts",
        ),
        (["-", "red apples"], r"2 arguments, and '-' is standard input: give - alone"),
        (["folder/*.md"], r"no document matches 'folder/\*\.md'"),
        (["folder/a"], r"there is no file 'folder/a'. If it is a text and not a file, pipe it in"),
        (["gone/a.png"], r"there is no file 'gone/a\.png'"),
        (["gone/"], r"there is no file 'gone/'"),
        (["notes.md"], r"'notes.md' does not exist.* If it is a text and not a file"),
        (["https://x.test/a.html"], r"is a web address, and nothing is fetched: save the page"),
    ],
)
def test_refusals(given: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=said):
        item_input(given, COLUMNS)


@pytest.mark.parametrize(
    "text", ["Node.js", "and/or", "AC/DC", "km/h", "1/2", "ASP.NET", "**bold**", "[x]/y z"]
)
def test_words_that_are_no_files_are_texts(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = item_input([text], COLUMNS)
    assert found.is_texts
    assert [item.text for item in found.items()] == [text]


def test_a_folder_and_several_files_are_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for name, text in {
        "a.txt": "One.\nTwo.",
        "docs/b.md": "Three.",
        "docs/c.png": "",
        "docs/d.txt": "",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = item_input(["docs"], COLUMNS)
    assert (found.count, found.file) == (2, "docs")
    assert capsys.readouterr().err == (
        "note: 2 documents are read, each as one text; left out: 1 of other formats (.png)\n"
    )
    assert [(item.id, item.text) for item in found.items()] == [("b.md", "Three.")]
    assert found.problems == {"d.txt": "'docs/d.txt' has no text"}
    several = item_input(["a.txt", "docs/b.md"], COLUMNS)
    assert [(item.id, item.text) for item in several.items()] == [
        ("a.txt", "One.\nTwo."),
        ("docs/b.md", "Three."),
    ]


def test_a_text_file_is_one_text_a_line_unless_it_is_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("One.\n\nTwo.\n", encoding="utf-8")
    lines = item_input([str(file)], COLUMNS)
    assert [item.text for item in lines.items()] == ["One.", "Two."]
    assert capsys.readouterr().err == (
        "note: a.txt is read as one text a line, 2 texts; with --documents it is one text\n"
    )
    whole = item_input([str(file)], COLUMNS, documents=True)
    assert [(item.id, item.text) for item in whole.items()] == [("a.txt", "One.\n\nTwo.\n")]
    assert capsys.readouterr().err == ""
