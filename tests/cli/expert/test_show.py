"""`taxonaut expert list|show|remove`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Workspace
from taxonaut.workspace.expert.experts import ExpertCard

DATA = {
    "products": 1200,
    "dev": 130,
    "dev_given": False,
    "categories": 5,
    "notes": ["1 product [red]without[/red] a text left out"],
}
SETTINGS = {"encoder": "", "beta": 0.9, "embeddings": {"model": "onnx/all-minilm-l6-v2"}}
METRICS = {
    "accuracy": 0.861,
    "macro_f1": 0.7123,
    "calibration_error": 0.021,
    "seconds": 12.34,
    "by_frequency": {"head": {"accuracy": 0.9}},
}


@pytest.fixture
def trained(shop: Path) -> Callable[..., Path]:
    def keep(data: Any = DATA, settings: Any = SETTINGS, metrics: Any = METRICS) -> Path:
        with Workspace.open(shop) as workspace:
            workspace.experts.save(ExpertCard("head", data, settings, metrics), lambda _: None)
        return shop

    return keep


def made(folder: Path, number: int) -> str:
    card: dict[str, str] = json.loads((folder / "experts" / str(number) / "card.json").read_text())
    return card["made"][:16].replace("T", " ")


def test_no_expert_yet(run: Any, shop: Path) -> None:
    called = run("expert", "list", "-w", shop)
    assert (called.code, called.out) == (0, "")
    assert called.err == f"no expert was trained yet; train one: taxonaut expert train ITEMS -w {shop}\n"
    assert run("expert", "list", "--json", "-w", shop).out == "[]\n"
    called = run("expert", "show", "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err == f"error: no expert was trained in {str(shop)!r} yet: taxonaut expert train ITEMS\n"


def test_the_list(run: Any, trained: Callable[..., Path]) -> None:
    trained(data={}, metrics={})
    shop = trained()
    called = run("expert", "list", "-w", shop)
    assert [line.split() for line in called.out.splitlines()] == [
        [
            "expert",
            "trained",
            "(UTC)",
            "kind",
            "products",
            "categories",
            "accuracy",
            "macro-F1",
            "calibration",
            "error",
        ],
        ["1", *made(shop, 1).split(), "head", "–", "–", "–", "–", "–"],
        ["2", *made(shop, 2).split(), "head", "1,200", "5", "86.1%", "71.2%", "2.1%"],
    ]
    found = json.loads(run("expert", "list", "--json", "-w", shop).out)
    assert [each["number"] for each in found] == [1, 2]


def test_the_model_card(run: Any, trained: Callable[..., Path]) -> None:
    shop = trained()
    called = run("expert", "show", "-w", shop)
    assert called.code == 0
    assert [line.split() for line in called.out.splitlines() if line.strip()] == [
        f"expert 1, a head on embeddings, trained {made(shop, 1)} UTC".split(),
        [str(shop / "experts" / "1")],
        ["Data"],
        ["products", "learned", "from", "1,200"],
        ["products", "kept", "to", "judge", "by", "130"],
        ["given", "to", "judge", "by", "no"],
        ["categories", "5"],
        ["1", "product", "[red]without[/red]", "a", "text", "left", "out"],
        ["Settings"],
        ["encoder", "–"],
        ["beta", "0.9"],
        ["embeddings", "model", "onnx/all-minilm-l6-v2"],
        ["Measured", "on", "130", "products", "held", "out"],
        ["accuracy", "86.1%"],
        ["macro-F1", "71.2%"],
        ["calibration", "error", "2.1%"],
        ["seconds", "12.34"],
        ["by", "frequency", "head", "accuracy", "90.0%"],
    ]


def test_the_model_card_as_json(run: Any, trained: Callable[..., Path]) -> None:
    shop = trained()
    found = json.loads(run("expert", "show", "1", "--json", "-w", shop).out)
    assert {**found, "made": ""} == {
        "number": 1,
        "made": "",
        "folder": str(shop / "experts" / "1"),
        "kind": "head",
        "data": DATA,
        "settings": SETTINGS,
        "metrics": METRICS,
    }


def test_an_expert_that_is_not_there(run: Any, trained: Callable[..., Path]) -> None:
    shop = trained()
    for command in ("show", "remove"):
        called = run("expert", command, "3", "-w", shop)
        assert (called.code, called.err) == (2, "error: there is no expert 3; there are: 1\n")


def test_a_damaged_card(run: Any, trained: Callable[..., Path]) -> None:
    shop = trained()
    (shop / "experts" / "1" / "card.json").write_text("{", encoding="utf-8")
    called = run("expert", "list", "-w", shop)
    assert (called.code, called.out) == (3, "")
    assert called.err.startswith(f"error: {str(shop / 'experts' / '1' / 'card.json')!r} is damaged: ")


def test_removing_one(run: Any, trained: Callable[..., Path]) -> None:
    shop = trained()
    trained()
    called = run("expert", "remove", "1", "-w", shop)
    assert (called.code, called.err) == (0, "removed expert 1\n")
    assert [each.name for each in (shop / "experts").iterdir()] == ["2"]
