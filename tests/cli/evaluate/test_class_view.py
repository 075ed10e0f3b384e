"""The table by class that `taxonaut evaluate` prints, and its JSON."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")
pytestmark = pytest.mark.usefixtures("embedder")

OPTIONS = ("--methods", "tfidf-svm,knn:k=1", "--k", "1")


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.csv"
    file.write_text(
        "id,text,labels\na,fresh red apples,apples\nb,hiking boots,boots\nc,green pears,pears\nd,snow,\ne, ,boots\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def products(tmp_path: Path) -> Path:
    file = tmp_path / "products.csv"
    lines = [f"red apples no {at},apples" for at in range(6)]
    lines += [f"leather hiking boots {at},boots" for at in range(3)]
    file.write_text("text,labels\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file


def cells(lines: list[str]) -> dict[str, list[str]]:
    """A table's rows by their names."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]
    return {name: values for name, *values in rows}


def test_a_table_by_class(run: Any, shop: Path, judged: Path, products: Path) -> None:
    called = run("evaluate", judged, *OPTIONS, "--examples", products, "-w", shop)
    assert (called.code, called.err) == (0, "")
    shown, _, note = called.out.partition("Each text's first label alone")
    lines = shown.strip("\n").split("\n\n")[-1].splitlines()
    assert [line.split() for line in lines[:2]] == [["tfidf-svm", "knn"], ["k=1"]]
    bands = [line for line in lines if line.startswith("  macro F1")]
    table = cells([line for line in lines[2:] if line not in bands])
    assert len(bands) == 3
    assert list(table) == [
        "weighted P",
        "weighted F1",
        "calibration error",
        "middle: accuracy",
        "tail: accuracy",
        "zero-shot: accuracy",
        "none given",
    ]
    assert table["weighted F1"] == ["50.0", "50.0"]
    assert table["calibration error"][0] == "–"
    assert table["tail: accuracy"] == ["50.0", "50.0"]
    assert table["none given"] == ["1", "1"]
    assert " ".join(note.split()).endswith(
        "By products of a text's class: "
        "head 20 or more (0 texts, 0 classes); middle 5 to 19 (1 text, 1 class); tail 1 to 4 (2 texts, 1 class); "
        "zero-shot 0 (1 text, 1 class)."
    )


def test_as_json(run: Any, shop: Path, judged: Path, products: Path) -> None:
    called = run("evaluate", judged, *OPTIONS, "--examples", products, "--json", "-w", shop)
    report = json.loads(called.out)["classes"]
    assert report["bands"] == {"head": [20, None], "middle": [5, 19], "tail": [1, 4], "zero-shot": [0, 0]}
    assert report["conventions"]["accuracy"].startswith("items whose first prediction")
    assert list(report["methods"]) == ["tfidf-svm", "knn:k=1"]
    method = report["methods"]["knn:k=1"]
    assert (method["scores"]["accuracy"], method["intervals"]["accuracy"][0]) == (0.5, 0.5)
    middle = method["scores"]["bands"]["middle"]
    assert (middle["items"], middle["classes"], middle["accuracy"]) == (1, 1, 1.0)
    assert (method["differences"]["macro_f1"][0], method["verdicts"]) == (0.0, {})


def test_other_methods_show_classes_when_asked(run: Any, shop: Path, judged: Path) -> None:
    plain = run("evaluate", judged, "--methods", "bm25", "-w", shop)
    asked = run("evaluate", judged, "--methods", "bm25", "--classes", "-w", shop)
    assert (plain.code, asked.code) == (0, 0)
    assert "weighted F1" not in plain.out
    assert "weighted F1" in asked.out
    assert "Name the labelled products with --examples FILE" in " ".join(asked.out.split())
    assert "classes" not in json.loads(run("evaluate", judged, "--methods", "bm25", "--json", "-w", shop).out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--methods", "knn"],
            "'knn' is trained on labelled products; give a file of them with --examples FILE",
        ),
        (["--methods", "expert"], "no expert was trained in"),
        (["--methods", "dual"], "taxonaut expert train ITEMS"),
    ],
)
def test_what_is_missing_is_named(run: Any, shop: Path, judged: Path, options: list[str], said: str) -> None:
    called = run("evaluate", judged, *options, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in " ".join(called.err.split())
