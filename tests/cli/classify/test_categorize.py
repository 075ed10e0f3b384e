"""`taxonaut categorize`, `taxonaut expert audit` and `taxonaut expert disagreements`."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import shop_expert

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError

pytestmark = pytest.mark.slow

PRODUCTS = """\
id,text,labels
sure,red apples,apples
fair,pears in a bag,pears
tie,boots for tents,tents
lost,a wonderful thing,shoes
blank,,apples
"""
GOLD = {"red apples": "apples", "pears in a bag": "pears", "boots for tents": "tents"}


def rule(request: ModelRequest) -> dict[str, Any]:
    """Choose the gold label where there is one, but for apples."""
    wanted = {**GOLD, "red apples": "pears"}.get(request.text, "nothing")
    chosen = [choice.id for choice in request.choices if wanted in choice.texts[0].casefold()]
    return {request.field: chosen or [0], "reason": "so it [bold]seems[/bold]"}


@pytest.fixture
def model(scripted: ScriptedModel, given: GlobalOptions) -> ScriptedModel:
    scripted.rule = rule
    given.classifier = shop_expert.WordExpert()
    return scripted


@pytest.fixture
def trained(tmp_path: Path, model: ScriptedModel, embedder: object) -> Path:
    """A workspace with a trained expert."""
    shop_expert.make(tmp_path / "w").close()
    return tmp_path / "w"


@pytest.fixture
def products(tmp_path: Path) -> Path:
    file = tmp_path / "products.csv"
    file.write_text(PRODUCTS, encoding="utf-8")
    return file


def test_texts_for_a_person(run: Any, trained: Path) -> None:
    called = run("categorize", "red apples", "boots for tents", "a wonderful thing", "-w", trained)
    assert called.code == 0
    assert called.out.splitlines() == [
        "red apples",
        "  Food > Fruit > Red apples   the domain expert, 99% sure",
        "",
        "boots for tents",
        "  Sport > Camping > Family tents   the general expert; the domain expert was 47% sure of another",
        "  “so it [bold]seems[/bold]”",
        "",
        "a wonderful thing",
        "  no category: none of 5 candidates fits, says the general expert",
        "  “so it [bold]seems[/bold]”",
        "",
    ]
    took, who, threshold = called.err.splitlines()
    assert took.startswith("3 items in ")
    assert took.endswith("/s); 2 requests")
    assert who == "the domain expert 1 (33.3%), the general expert 1 (33.3%), no candidate fits 1 (33.3%)"
    assert threshold == (
        "expert 1, threshold 0.5, as none is set and no audit proposed one (taxonaut expert audit ITEMS)"
    )


def test_products_as_json_lines_and_again(run: Any, trained: Path, products: Path) -> None:
    called = run("categorize", products, "--json", "-w", trained)
    found = [json.loads(line) for line in called.out.splitlines()]
    assert [(row["id"], row["label_id"], row["verdict"]) for row in found] == [
        ("sure", "apples", "domain"),
        ("fair", "pears", "domain"),
        ("tie", "tents", "general"),
        ("lost", None, "none"),
        ("blank", None, "blank"),
    ]
    assert found[2] | {"candidates": []} == {
        "id": "tie",
        "text": "boots for tents",
        "labels": "tents",
        "label_id": "tents",
        "name": "Family tents",
        "path": ["Sport", "Camping", "Family tents"],
        "confidence": 0.4653,
        "verdict": "general",
        "reason": "so it [bold]seems[/bold]",
        "error": "",
        "candidates": [],
    }
    assert found[2]["candidates"][:2] == [
        {"id": "boots", "probability": 0.4653},
        {"id": "tents", "probability": 0.4653},
    ]
    again = run("categorize", products, "--json", "-w", trained)
    assert again.out == called.out
    assert "no request to a general expert" in again.err


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl"])
def test_products_into_a_file(run: Any, trained: Path, products: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    called = run("categorize", products, "-o", out, "--json", "--threshold", 0.4, "-w", trained)
    assert called.code == 0, called
    summary = json.loads(called.out)
    assert summary | {"seconds": 0, "per_second": 0, "cost": {}} == {
        "items": 5,
        "expert": 1,
        "threshold": 0.4,
        "threshold_from": "set",
        "verdicts": {"domain": 3, "general": 0, "none": 1, "undecided": 0, "blank": 1, "failed": 0},
        "seconds": 0,
        "per_second": 0,
        "cost": {},
    }
    assert summary["cost"]["requests"] == 1
    if suffix == "parquet":
        query = (
            "SELECT id, text, label_id, path, confidence, verdict, candidates->>'apples' FROM read_parquet(?)"
        )
        row = duckdb.execute(query, [str(out)]).fetchall()[0]
        assert row == (
            "sure", "red apples", "apples", ["Food", "Fruit", "Red apples"], 0.9902, "domain", "0.9902",
        )  # fmt: skip
    elif suffix == "jsonl":
        assert len(out.read_text().splitlines()) == 5
    else:
        with out.open(newline="") as file:
            first, *_ = csv.DictReader(file, delimiter="\t" if suffix == "tsv" else ",")
        assert {**first, "candidates": json.loads(first["candidates"])["apples"]} == {
            "id": "sure",
            "text": "red apples",
            "labels": "apples",
            "label": "Red apples",
            "label_id": "apples",
            "path": "Food > Fruit > Red apples",
            "confidence": "0.9902",
            "verdict": "domain",
            "reason": "",
            "error": "",
            "candidates": 0.9902,
        }


def test_everything_goes_to_the_general_expert(run: Any, trained: Path, model: ScriptedModel) -> None:
    called = run("categorize", "red apples", "--everything", "-w", trained)
    assert (
        "Food > Fruit > Green pears   the general expert; the domain expert was 99% sure of another"
        in called.out
    )
    assert called.err.splitlines()[-1] == "expert 1, all items to the general expert"
    both = run("categorize", "red apples", "--everything", "--threshold", 0.3, "-w", trained)
    assert both.code == 2
    assert both.err.startswith("error: give --threshold or --everything, not both")


def test_failures_are_told_and_end_with_6(
    run: Any, trained: Path, products: Path, model: ScriptedModel
) -> None:
    model.rule = lambda _: ModelReplyError("prose [red]x[/red]")
    called = run("categorize", products, "-w", trained)
    assert called.code == 6
    assert "  failed: prose [red]x[/red]" in called.out
    assert called.err.splitlines()[-2:] == [
        "2 of 5 items failed, the first: prose [red]x[/red]",
        "run the same command again to ask for these only",
    ]
    model.rule = rule
    again = run("categorize", products, "-w", trained)
    assert (again.code, len(model.history)) == (0, 4)


def test_without_a_trained_expert(run: Any, shop: Path, model: ScriptedModel, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    called = run("categorize", "red apples", "-o", out, "-w", shop)
    assert called.code == 2
    assert "no expert was trained in" in called.err
    assert called.err.endswith("yet: taxonaut expert train ITEMS\n")
    assert not out.exists()


def test_an_audit_for_a_person_and_what_follows_from_it(
    run: Any, trained: Path, products: Path, model: ScriptedModel
) -> None:
    called = run("expert", "audit", products, "--share", 0.5, "-w", trained)
    assert called.code == 0, called
    lines = called.out.splitlines()
    assert lines[:3] == [
        "expert 1 and the general expert on 4 products of 5; both gave the same category for 25.0 %",
        "1 product with no text left out",
        "the general expert gave no category: none of the candidates fits 1; counted as wrong",
    ]
    assert [line.split()[:4] for line in lines[4:10]] == [
        ["sent", "threshold", "accuracy", "gain"],
        ["0.0%", "0", "75.0", "±37.5"],
        ["25.0%", "0.3", "50.0", "±50.0"],
        ["50.0%", "0.5", "75.0", "±37.5"],
        ["100.0%", "all", "50.0", "±50.0"],
        ["accuracy:", "of", "all", "products;"],
    ]
    assert (
        "proposed threshold 0.5: 50.0 % (0.0–100.0) go to the general expert, accuracy 75.0 %" in called.out
    )
    assert f"next: taxonaut expert disagreements -w {trained}" in lines[-1]
    assert called.err == "4 requests\n"
    categorized = run("categorize", products, "-w", trained)
    assert categorized.err.splitlines()[-1] == "expert 1, threshold 0.5, as the last audit proposed"
    assert len(model.history) == 4


def test_an_audit_as_json(run: Any, trained: Path, products: Path) -> None:
    given = ("--price-in", 1, "--price-out", 2, "--sample", 0, "--json", "-w", trained)
    found = json.loads(run("expert", "audit", products, *given).out)
    assert (found["measure"], found["items"], found["of"], found["blank"], found["agree"]) == (
        "accuracy",
        4,
        5,
        1,
        1,
    )
    assert found["verdicts"] == {"general": 3, "none": 1, "undecided": 0, "failed": 0, "not_asked": 0}
    assert [cut["threshold"] for cut in found["cuts"]] == [0.0, 0.3, 0.5, None]
    assert found["cuts"][1]["cost"] == 0
    proposal = found["proposal"]
    assert (proposal["rule"], proposal["threshold"], proposal["helps"]) == ("best", 0.0, False)
    kept = json.loads((trained / "experts" / "1" / "audit.json").read_text())
    assert (kept["threshold"], len(kept["rows"]), kept["source"]) == (0.0, 4, str(products))


def test_an_audit_without_gold_labels(run: Any, trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("red apples\npears in a bag\nboots for tents\n")
    called = run("expert", "audit", file, "-w", trained)
    assert called.code == 0, called
    assert "how often either is right cannot be known, only how often they agree" in called.out
    assert "agreement" in called.out
    assert called.out.splitlines()[-1].startswith("no threshold is proposed: say which share")
    refused = run("expert", "audit", file, "--accuracy", 0.9, "-w", trained)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("error: cannot target an accuracy of 0.9: these items have no gold labels")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_figure(run: Any, trained: Path, products: Path, tmp_path: Path, suffix: str) -> None:
    figure = tmp_path / f"audit.{suffix}"
    called = run("expert", "audit", products, "--share", 0.25, "--figure", figure, "-w", trained)
    assert called.code == 0, called
    assert called.err.endswith(f"drawn: {figure}\n")
    begins = {"png": b"\x89PNG", "svg": b"<?xml"}[suffix]
    assert figure.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--accuracy", 0.9, "--share", 0.2), "error: give only one of --accuracy, --share and --budget"),
        (("--price-in", 1), "error: give both --price-in and --price-out"),
        (("--figure", "x.gif"), "error: cannot write a figure to 'x.gif': use the suffix .png, .svg, .pdf"),
        (("--expert", 7), "error: there is no expert 7; there are: 1"),
    ],
)
def test_what_an_audit_refuses(
    run: Any, trained: Path, products: Path, model: ScriptedModel, arguments: tuple[Any, ...], said: str
) -> None:
    called = run("expert", "audit", products, *arguments, "-w", trained)
    assert (called.code, called.out, model.history) == (2, "", [])
    assert called.err.startswith(said)


def test_disagreements(run: Any, trained: Path, products: Path, tmp_path: Path) -> None:
    before = run("expert", "disagreements", "-w", trained)
    assert before.code == 2
    assert before.err == (
        "error: expert 1 has not been audited; run: taxonaut expert audit ITEMS --expert 1\n"
    )
    run("expert", "audit", products, "-w", trained)
    called = run("expert", "disagreements", "--threshold", 0.5, "-w", trained)
    assert [line.rstrip() for line in called.out.splitlines()] == [
        "sure  red apples",
        "  domain   Food > Fruit > Red apples",
        "           99.0%; like “crisp red apples”",
        "  general  Food > Fruit > Green pears",
        "           “so it [bold]seems[/bold]”",
        "  gold     Food > Fruit > Red apples",
        "",
    ]
    assert called.err.splitlines() == [
        "1 disagreement among 2 products of the audit at a confidence of 0.5 or more",
        "the gold label is the domain expert's for 1, the general expert's for 0, neither's for 0",
    ]
    found = json.loads(run("expert", "disagreements", "--threshold", 0, "--json", "-w", trained).out)
    assert [(row["id"], row["general"]) for row in found] == [
        ("sure", "pears"),
        ("tie", "tents"),
        ("lost", None),
    ]
    shown = run("expert", "disagreements", "--threshold", 0, "--limit", 1, "-w", trained)
    assert shown.err.splitlines()[-1] == (
        "1 of them shown, the surest first; --limit 0 shows all, -o FILE writes all"
    )
    out = tmp_path / "look.csv"
    into = run("expert", "disagreements", "--threshold", 0, "-o", out, "-w", trained)
    assert into.err.startswith(
        "3 disagreements among 4 products of the audit at a confidence of 0 or more -> "
    )
    with out.open(newline="") as file:
        assert [row["right"] for row in csv.DictReader(file)] == ["domain", "general", "domain"]
