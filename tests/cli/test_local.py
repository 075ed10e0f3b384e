"""The command line on the real embedder; skipped, with the reason, where its weights are not here."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulled import require_weights

pytestmark = pytest.mark.local


@pytest.fixture(autouse=True)
def _weights() -> None:
    require_weights()


def test_classify_and_explain(run: Any, shop: Path) -> None:
    called = run("classify", "sneakers to jog in the park", "--json", "-w", shop)
    assert called.code == 0
    label = json.loads(called.out)["labels"][0]
    assert (label["id"], label["path"]) == ("shoes", ["Sport", "Shoes", "Running shoes"])
    assert label["evidence"] in "sneakers to jog in the park"
    assert "1. Running shoes" in run("explain", "sneakers to jog in the park", "-w", shop).out


def test_the_default_models_work(run: Any, shop: Path) -> None:
    rows = json.loads(run("models", "test", "--json", "-w", shop).out)
    assert [(row["ok"], row["chose"]) for row in rows] == [(True, "Furniture"), (True, "Furniture")]
