"""`taxonaut evaluate`."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.evaluate.evaluate import parse_cutoffs
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelReplyError
from taxonaut.state.updates import Progress, Update, listening

pytestmark = [pytest.mark.usefixtures("embedder"), pytest.mark.slow]


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.csv"
    file.write_text(
        "id,text,labels\na,fresh red apples,apples\nb,hiking boots,boots\nc,green pears,pears;apples\nd,snow,\n",
        encoding="utf-8",
    )
    return file


def read_table(lines: list[str]) -> dict[str, list[str]]:
    """The rows of a printed table by their names."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]
    return {name: values for name, *values in cells}


def test_three_lines_then_quality_beside_cost(run: Any, shop: Path, judged: Path) -> None:
    methods = "tree,dense,navigate:start=anchored,bm25"
    called = run("evaluate", judged, "--methods", methods, "-k", "1,2", "-w", shop)
    assert (called.code, called.err) == (0, "")
    title, good, where, following, *rest = called.out.splitlines()
    assert title == "4 texts, 1 of them without a right label and not measured; 5 labels in the index"
    assert good == (
        "How good: tree is right with its first label for 100.0 % (100.0 … 100.0) of 3 texts; 83.3 % of the right "
        "labels are among its first 2. No clear difference from dense and navigate:start=anchored."
    )
    assert where.startswith("Where it fails: 1 of 4 right labels were missed, most at ")
    assert following == "Next: --per-label FILE.csv lists how well each label is found."
    table, differences, missed = "\n".join(rest).strip("\n").split("\n\n")
    table, notes = table.split("P@k: hits among the first k / k; ")
    header, settings, *lines = table.splitlines()
    assert (header.split(), settings.split()) == (["tree", "dense", "navigate", "bm25"], ["start=anchored"])
    cells = read_table(lines)
    assert list(cells) == [
        "P@1", "P@2", "R@1", "R@2", "NDCG@2", "micro F1@1", "macro F1@1", "example F1@1", "hR@1", "hF@1",
        "macro hF@1",
        "comparisons", "seconds", "ms a text",
    ]  # fmt: skip
    assert cells["P@1"] == ["100.0 ±0.0"] * 4
    assert cells["comparisons"][3] == "0"
    assert "P@1 is also NDCG@1, hP@1. ± is half of the 95 % bootstrap interval" in " ".join(notes.split())
    header, *lines = differences.splitlines()
    assert header.split() == ["less", "tree", "P@1", "R@2", "macro", "F1@1"]
    assert read_table(lines)["dense"] == [
        "+0.0 (+0.0 … +0.0)",
        "+16.7 (+0.0 … +50.0)",
        "+0.0 (+0.0 … +0.0)",
    ]
    assert read_table(missed.splitlines())["Fruit > Red apples"] == ["1", "2", "100 %"]


def test_measures_to_show_and_a_narrow_terminal(
    run: Any, shop: Path, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    methods = "tree,both,dense,bm25,dense:mix=0"
    called = run(
        "evaluate", judged, "--methods", methods, "--measures", "accuracy, ndcg@3,hF,mrr", "-w", shop
    )
    assert (called.code, max(map(len, called.out.splitlines())) <= 60) == (0, True)
    names = [line.split("  ")[0] for line in called.out.splitlines() if re.search(r"\d ±\d", line)]
    assert names == ["P@1", "NDCG@3", "hF@1", "MRR"] * 2
    every = run("evaluate", judged, "--methods", "bm25", "--measures", "all", "-k", "1", "-w", shop)
    assert "example hR@1" in every.out


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("NCDG", "unknown measure 'NCDG' (nearest: NDCG); choose from P, R, NDCG, RP, micro F1"),
        ("P@7", "'P@7': k must be one of 1, 3, 5, 10; other ones are added with -k"),
        ("MRR@3", "unknown measure 'MRR@3'"),
        ("", "unknown measure ''; choose from P"),
    ],
)
def test_measures_that_are_refused(run: Any, shop: Path, judged: Path, named: str, said: str) -> None:
    called = run("evaluate", judged, "--measures", named, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in called.err


def test_as_json(run: Any, shop: Path, judged: Path) -> None:
    called = run(
        "evaluate", judged, "--methods", "dense, bm25", "--k", "1", "--limit", 2, "--json", "-w", shop
    )
    report = json.loads(called.out)
    assert (report["items"], report["with_gold"], report["labels"]) == (2, 2, 5)
    assert [method["method"] for method in report["methods"]] == ["dense", "bm25"]
    assert report["methods"][0]["scores"]["precision"] == {"1": 1.0}
    assert report["methods"][0]["intervals"]["RP@1"] == [1.0, 1.0, 1.0]
    assert (report["methods"][0]["differences"], report["methods"][1]["differences"]["P@1"]) == (
        {},
        [0.0, 0.0, 0.0],
    )
    assert report["conventions"]["RP@k"] == "hits among the first k, divided by min(k, right labels)"


def test_labels_that_come_later(run: Any, shop: Path, judged: Path) -> None:
    options = ["--incremental", "2", "--share", "0.6", "--methods", "navigate,bm25", "--k", "1,3", "-w", shop]
    called = run("evaluate", judged, *options, "--quiet")
    assert (called.code, called.err) == (0, "")
    lines = [line.strip() for line in called.out.splitlines() if line.strip()]
    assert lines[0].startswith("3 labels known first (Y0), 2 later (Y1), seed 2; 4 texts, ")
    assert [line for line in lines if line.startswith(("Inc", "Overall"))] == [
        "Inc: only gold labels of Y1 count, all labels are ranked; texts without one of Y1 are left out",
        "Inc, only Y1 on offer: the same, with the labels of Y0 removed from the rankings",
        "Overall: all labels count and are ranked",
    ]
    assert lines[2].split() == ["navigate", "grown", "navigate", "whole", "bm25"]
    assert [line.split()[0] for line in lines[-3:-1]] == ["requests", "asked"]
    report = json.loads(run("evaluate", judged, *options, "--json").out)
    assert (report["seed"], report["labels_known"], report["labels_later"]) == (2, 3, 2)
    assert [(each["method"], each["index"], each["asked"]) for each in report["methods"]] == [
        ("navigate", "grown", 0),
        ("navigate", "whole", 0),
        ("bm25", None, 0),
    ]
    assert report["methods"][0]["overall"]["scores"]["rp"]["1"] == 1.0


def test_a_figure_and_its_numbers(run: Any, shop: Path, judged: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = tmp_path / "recall.png"
    options = ["--methods", "bm25", "--figure", figure, "-w", shop]
    called = run("evaluate", judged, *options)
    assert (called.code, called.err) == (0, "")
    assert figure.read_bytes().startswith(b"\x89PNG")
    lines = called.out.splitlines()
    assert lines[-1].startswith("drawn in ")
    assert re.split(r"\s{2,}", lines[-2].strip()) == ["flat search", "5", "0.0", "5.0", "100.0 ±0.0"]
    report = json.loads(run("evaluate", judged, *options, "--json").out)
    assert report["figure"][-1] == {
        "series": "flat search", "budget": 5, "requests": 0.0, "size": 5.0, "recall": [1.0, 1.0, 1.0],
        "failed": 0,
    }  # fmt: skip


def test_without_right_labels_nothing_is_measured(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("red apples\n", encoding="utf-8")
    called = run("evaluate", file, "--methods", "bm25", "-w", shop)
    assert called.code == 2
    assert (
        "has no gold labels, so nothing can be measured; name their column with --labels-column" in called.err
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--methods", "magic"], "unknown method 'magic'; choose from navigate, tree, both, dense, bm25,"),
        (["--methods", ","], "no method given; choose from navigate"),
        (
            ["--methods", "navigate:speed=9"],
            "invalid option 'speed=9' of method 'navigate': write navigate:KEY=VALUE",
        ),
        (
            ["--figure", "recall.gif"],
            "cannot write a figure to 'recall.gif': use the suffix .png, .svg, .pdf",
        ),
        (["--methods", "linear", "--shots", "1"], "shots=1 needs labelled texts to sample from"),
        (["--incremental", "0", "--share", "1"], "invalid share of labels known first: 1.0"),
        (
            ["--incremental", "0", "--methods", "bm25,expert"],
            "'expert' is trained on labelled products, and labels",
        ),
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
    assert (
        "matches no label of the index: 'plums' (judged.csv, line 2; nearest is 'apples' (Red apples))"
        in called.err
    )


def test_unknown_right_labels_are_left_out_when_asked(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("text,labels\nred plums,plums\nred apples,Red apples;plums\nsnow,\n", encoding="utf-8")
    options = ["--methods", "bm25", "--out-of-scope", "empty", "--skip-unknown", "--json", "-w", shop]
    called = run("evaluate", file, *options)
    assert called.code == 0
    assert (
        "note: 1 gold label matches no label of the index: 'plums' (judged.csv, line 2; nearest is 'apples' "
        "(Red apples)); left out"
    ) in called.err
    report = json.loads(called.out)
    assert (report["items"], report["with_gold"], report["out_of_scope"]) == (3, 1, 1)


def test_cutoffs() -> None:
    assert parse_cutoffs("5, 1,5") == [1, 5]
    for wrong in ("", "a", "1.5", "-1", "²"):
        with pytest.raises(InputError, match="--k is"):
            parse_cutoffs(wrong)


def test_each_method_is_a_stage(run: Any, shop: Path, judged: Path) -> None:
    seen: list[Update] = []
    with listening(seen.append):
        run("evaluate", judged, "--methods", "tree,bm25", "-w", shop)
    last = {update.stage: (update.done, update.total) for update in seen if isinstance(update, Progress)}
    assert [last[name] for name in ("tree", "bm25")] == [(4, 4), (4, 4)]


def choose_by_words(request: ModelRequest) -> Any:
    """Choose the options that share a word with the text; fail for boots."""
    if "boots" in request.text:
        return ModelReplyError("the reply holds no call")
    words = set(request.text.split())
    found = [choice.id for choice in request.choices if words & set(" ".join(choice.texts).lower().split())]
    return {
        request.field: (found or [choice.id for choice in request.choices])[: request.most],
        "reason": "words",
    }


def test_texts_that_failed_are_counted_and_in_no_measure(
    run: Any, given: Any, shop: Path, judged: Path
) -> None:
    model = ScriptedModel(rule=choose_by_words)
    given.models = {"general_expert": model}
    called = run("evaluate", judged, "--methods", "bm25,navigate", "--k", "1", "-w", shop)
    assert called.code == 6
    cells = {line.split("  ")[0].strip(): line.split()[1:] for line in called.out.splitlines()}
    assert cells["texts failed"][1:] == ["0", "1"]
    assert "1 text with right labels, about which a request of some method failed, left out" in called.out
    assert called.err == "navigate: 1 text failed\nrun the same command again to ask for these only\n"

    failed = run("evaluate", judged, "--methods", "bm25,navigate", "--k", "1", "--json", "-w", shop)
    assert failed.code == 6
    report = json.loads(failed.out)
    assert (report["with_gold"], report["left_out"]) == (3, 1)
    assert [method["failed"] for method in report["methods"]] == [0, 1]
    assert [method["scores"]["items"] for method in report["methods"]] == [2, 2]

    model.rule = lambda request: choose_by_words(
        replace(request, text=request.text.replace("boots", "hiking"))
    )
    report = json.loads(run("evaluate", judged, "--methods", "bm25,navigate", "--json", "-w", shop).out)
    assert (report["left_out"], [method["scores"]["items"] for method in report["methods"]]) == (0, [3, 3])


def test_texts_that_fit_no_label(run: Any, shop: Path, tmp_path: Path) -> None:
    """Of two texts without a fitting label BM25 refuses the one that shares no word with a label."""
    lines = ["fresh red apples,apples", "hiking boots,boots", "snow,none", "red cars,None", "wool,"]
    file = tmp_path / "scope.csv"
    file.write_text("\n".join(["text,labels", *lines]), encoding="utf-8")
    options = ["--methods", "bm25,dense", "--out-of-scope", "none", "-w", shop]
    called = run("evaluate", file, *options)
    assert (called.code, called.err) == (0, "")
    first, *rest = called.out.splitlines()
    good = " ".join(" ".join(rest).split()).partition(" Where it fails")[0]
    assert first == (
        "5 texts, 2 of them fit no label, 1 of them without a right label and not measured; 5 labels in the index"
    )
    assert good.endswith("Of 2 texts without a fitting label it refuses 1.")
    report = json.loads(run("evaluate", file, *options, "--json").out)
    words, dense = (each["refusal"] for each in report["methods"])
    assert (words["out_of_scope"], words["refused"], words["hits"], words["auroc"]) == (2, 1, 1, None)
    assert (words["precision"][0], words["recall"][0], words["f1"][0]) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (dense["refused"], dense["precision"], dense["recall"][0], dense["auroc"]) == (0, None, 0.0, 1.0)
    sure = json.loads(run("evaluate", file, *options, "--min-score", dense["best_threshold"], "--json").out)
    assert sure["methods"][1]["refusal"]["f1"][0] == dense["best_f1"] == 1.0
    file.write_text("\n".join(["text,labels", *lines[:2], lines[-1]]), encoding="utf-8")
    empty = json.loads(
        run("evaluate", file, "--methods", "bm25", "--out-of-scope", "empty", "--json", "-w", shop).out
    )
    assert (empty["out_of_scope"], empty["with_gold"]) == (1, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out-of-scope", "oos"], "no text has the right label 'oos'; give --out-of-scope the value"),
        (["--min-score", "0.3"], "--min-score needs --out-of-scope VALUE"),
        (["--out-of-scope", "empty", "--incremental", "0"], "--out-of-scope does not go with --incremental"),
    ],
)
def test_refusing_that_is_refused(run: Any, shop: Path, judged: Path, options: list[str], said: str) -> None:
    called = run("evaluate", judged, *options, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in called.err
