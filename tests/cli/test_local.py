"""The command line on the real embedder; skipped, with the reason, where its weights are not here."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.weights import MINILM, ModelCatalog

pytestmark = pytest.mark.local


@pytest.fixture(autouse=True)
def _weights() -> None:
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed")
    if not ModelCatalog().is_here(MINILM.name):
        pytest.skip(f"no weights: taxonaut models pull {MINILM.name}")


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
