"""The files of `taxonaut evaluate`: a row a label, a row an item."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("embedder"), pytest.mark.slow]

TEXTS = """\
id,text,labels
a,fresh red apples,apples
b,red apples and green apples,pears
c,ripe red apples,pears
d,hiking boots,boots
e,xylophone,boots
f,=snow,
"""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.csv"
    file.write_text(TEXTS, encoding="utf-8")
    return file


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_a_row_a_label(run: Any, shop: Path, judged: Path, tmp_path: Path) -> None:
    """Pears: right twice, never answered, apples both times. Boots: one of two, nothing the other time."""
    file = tmp_path / "labels.csv"
    called = run("evaluate", judged, "--methods", "bm25", "-k", "1", "--per-label", file, "-w", shop)
    assert (called.code, called.err) == (0, f"3 rows in {file}\n")
    rows = {row["id"]: row for row in read(file)}
    assert list(rows) == ["pears", "boots", "apples"]
    shown = ("method", "name", "path", "support", "predicted", "hits", "precision", "recall", "f1")
    assert [[row[name] for name in shown] for row in rows.values()] == [
        ["bm25", "Green pears", "Food > Fruit > Green pears", "2", "0", "0", "", "0.0", "0.0"],
        ["bm25", "Hiking boots", "Sport > Shoes > Hiking boots", "2", "1", "1", "1.0", "0.5", "0.6667"],
        ["bm25", "Red apples", "Food > Fruit > Red apples", "1", "3", "1", "0.3333", "1.0", "0.5"],
    ]
    confused = ("confused_1", "confused_id_1", "confused_path_1", "confused_count_1", "confused_2")
    assert [[row[name] for name in confused] for row in rows.values()] == [
        ["Red apples", "apples", "Food > Fruit > Red apples", "2", ""],
        ["(no label)", "", "", "1", ""],
        ["", "", "", "", ""],
    ]


def test_a_row_an_item(run: Any, shop: Path, judged: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    called = run("evaluate", judged, "--methods", "bm25,dense", "-k", "1,5", "--per-item", file, "-w", shop)
    assert called.code == 0
    rows = read(file)
    assert [(row["method"], row["id"]) for row in rows] == [
        (method, item) for method in ("bm25", "dense") for item in "abcdef"
    ]
    shown = ("gold", "answers", "hits", "missed", "wrong", "first_hit", "failed")
    assert [[row[name] for name in shown] for row in (rows[0], rows[2], rows[4], rows[5])] == [
        ["apples", "apples", "apples", "", "", "1", "false"],
        ["pears", "apples", "", "pears", "apples", "", "false"],
        ["boots", "", "", "boots", "", "", "false"],
        ["", "", "", "", "", "", "false"],
    ]
    assert rows[1]["gold_paths"] == "Food > Fruit > Green pears"
    assert rows[5]["text"] == "'=snow"


def test_other_formats(run: Any, shop: Path, judged: Path, tmp_path: Path) -> None:
    calamine, parquet = pytest.importorskip("python_calamine"), pytest.importorskip("pyarrow.parquet")
    for suffix in ("jsonl", "xlsx", "parquet"):
        options = ["--per-label", tmp_path / f"l.{suffix}", "--per-item", tmp_path / f"i.{suffix}"]
        assert run("evaluate", judged, "--methods", "bm25", *options, "-w", shop).code == 0
    first, *_ = map(json.loads, (tmp_path / "l.jsonl").read_text(encoding="utf-8").splitlines())
    assert first["confused"] == [
        {"id": "apples", "name": "Red apples", "path": ["Food", "Fruit", "Red apples"], "count": 2}
    ]
    sheet = calamine.load_workbook(str(tmp_path / "l.xlsx")).get_sheet_by_index(0).to_python()
    assert (sheet[0][:4], sheet[1][:2]) == (["id", "method", "name", "path"], ["pears", "bm25"])
    assert parquet.read_table(tmp_path / "i.parquet").column("gold").to_pylist()[0] == ["apples"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--per-label", "-"], "--per-label writes a file; name one"),
        (["--per-label", "x.csv", "--per-item", "x.csv"], "both name 'x.csv'; name two files"),
        (["--per-item", "x.doc"], "x.doc"),
        (["--per-item", "x.csv", "--incremental", "0"], "do not go with --incremental"),
    ],
)
def test_files_that_are_refused(run: Any, shop: Path, judged: Path, options: list[str], said: str) -> None:
    called = run("evaluate", judged, *options, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in called.err


def test_the_input_is_not_written_over(run: Any, shop: Path, judged: Path) -> None:
    called = run("evaluate", judged, "--per-label", judged, "-w", shop)
    assert (called.code, judged.read_text(encoding="utf-8")) == (2, TEXTS)
