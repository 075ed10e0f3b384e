"""`taxonaut labels match`."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

THEIRS = """\
id,path
a,Food
b,Food > Apples
c,Sports
d,Sports > Running Shoes
"""


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(THEIRS, encoding="utf-8")
    return path


def test_the_workspace_is_mapped_to_a_file(run: Any, shop: Path, theirs: Path, tmp_path: Path) -> None:
    called = run("labels", "match", theirs, "-o", tmp_path / "map.csv", "--top", 2, "-w", shop)
    assert called.code == 0
    assert called.err.startswith("5 labels mapped (")
    rows = list(csv.DictReader((tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["id"], row["rank"]) for row in rows[:4]] == [
        ("shoes", "1"), ("shoes", "2"), ("boots", "1"), ("boots", "2"),
    ]  # fmt: skip
    assert {key: rows[0][key] for key in ("kind", "match_id", "match_path")} == {
        "kind": "close", "match_id": "d", "match_path": "Sports > Running Shoes",
    }  # fmt: skip


def test_two_files_need_no_workspace(
    run: Any, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours = tmp_path / "ours.txt"
    ours.write_text("apple\nrunning shoe\n", encoding="utf-8")
    found = json.loads(run("labels", "match", ours, theirs, "--json").out)
    assert [(row["name"], row["match_id"]) for row in found] == [("apple", "b"), ("running shoe", "d")]
    refused = run("labels", "match", ours, theirs, ours)
    assert (refused.code, refused.err) == (
        2, "error: 3 files are given; give one (from the workspace to it) or two (from, to)\n",
    )  # fmt: skip
