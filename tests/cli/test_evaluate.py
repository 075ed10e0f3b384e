"""`taxonaut evaluate`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.evaluate import Stages, cutoffs
from taxonaut.cli.progress import Bar
from taxonaut.state.errors import InputError

pytestmark = pytest.mark.usefixtures("embedder")


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.csv"
    file.write_text(
        "id,text,labels\na,fresh red apples,apples\nb,hiking boots,boots\nc,green pears,pears;apples\nd,snow,\n",
        encoding="utf-8",
    )
    return file


def test_a_table_of_quality_beside_cost(run: Any, shop: Path, judged: Path) -> None:
    called = run("evaluate", judged, "--methods", "tree,dense,both,bm25", "--k", "1,2", "-w", shop)
    assert (called.code, called.err) == (0, "")
    title, header, *lines = called.out.splitlines()
    assert title.strip() == "4 texts, 3 with right labels; 5 labels in the index"
    assert header.split() == ["tree", "dense", "both", "bm25"]
    table = [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]
    cells = {name: values for name, *values in table}
    assert list(cells) == [
        "P@1", "P@2", "R@1", "R@2", "RP@2", "MRR", "hP", "hR", "hF", "requests", "asked now", "seconds",
    ]  # fmt: skip
    assert cells["P@1"] == ["100.0"] * 4
    assert cells["asked now"][3] == "0"


def test_as_json(run: Any, shop: Path, judged: Path) -> None:
    called = run(
        "evaluate", judged, "--methods", "dense, bm25", "--k", "1", "--limit", 2, "--json", "-w", shop
    )
    report = json.loads(called.out)
    assert (report["items"], report["with_gold"], report["labels"]) == (2, 2, 5)
    assert [method["method"] for method in report["methods"]] == ["dense", "bm25"]
    assert report["methods"][0]["scores"]["precision"] == {"1": 1.0}


def test_no_right_labels_still_show_the_cost(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("red apples\n", encoding="utf-8")
    called = run("evaluate", file, "--methods", "bm25", "-w", shop)
    assert called.code == 0
    assert [line.split()[0] for line in called.out.splitlines()[2:] if line.strip()] == [
        "requests",
        "asked",
        "seconds",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--methods", "magic"], "there is no method 'magic'; there are: tree, both, dense, bm25"),
        (["--methods", ","], "there is no method"),
        (["--k", "0"], "--k is '0'; give whole numbers from 1"),
        (["--labels-column", "gold"], "there is no column 'gold'"),
    ],
)
def test_refusals(run: Any, shop: Path, judged: Path, options: list[str], said: str) -> None:
    called = run("evaluate", judged, *options, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in called.err


def test_an_unknown_right_label_is_named_with_its_line(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("text,labels\nred plums,plums\n", encoding="utf-8")
    called = run("evaluate", file, "-w", shop)
    assert called.code == 2
    assert "judged.csv, line 2" in called.err
    assert "'plums' is not in the index" in called.err


def test_cutoffs() -> None:
    assert cutoffs("5, 1,5") == [1, 5]
    for wrong in ("", "a", "1.5", "-1", "²"):
        with pytest.raises(InputError, match="--k is"):
            cutoffs(wrong)


def test_each_method_is_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    bar = Bar()
    monkeypatch.setattr(bar, "stage", lambda *what: seen.append(what))
    monkeypatch.setattr(bar, "at", lambda *what: seen.append(what))
    stages = Stages(bar, ["tree", "bm25"], 4)
    stages.at("tree", 2, 4)
    stages.at("tree", 4, 4)
    stages.at("bm25", 4, 4)
    assert seen == [("tree", 4), (2, 4), (4, 4), ("bm25", 4), (4, 4)]
