"""Builds with failed requests end with the exit code for that, and say what to do."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import in_every_role, packaged_embedder

from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError

pytestmark = pytest.mark.slow

AGAIN = "run the same command again to ask for these only\n"


@pytest.fixture(autouse=True)
def _garbage(given: Any) -> None:
    given.models = in_every_role(ScriptedModel(rule=lambda _: ModelReplyError("the reply holds no call")))
    given.embedder = packaged_embedder()


def test_an_index_build(run: Any, shop: Path) -> None:
    called = run("index", "build", "--method", "agents", "--terminal-size", 2, "-w", shop)
    assert called.code == 6
    assert called.err.endswith(f"failed, the first: the reply holds no call\n{AGAIN}")
    again = run("index", "build", "--method", "agents", "--terminal-size", 2, "--json", "-w", shop)
    assert again.code == 6
    assert json.loads(again.out)["build"]["failed"][""] == "the reply holds no call"


def test_labels_are_added(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("name\nFelt hats\n", encoding="utf-8")
    called = run("labels", "add", file, "-w", shop)
    assert called.code == 6
    assert called.err.endswith(
        f"nothing was added or divided\n1 label failed, the first: the reply holds no call\n{AGAIN}"
    )
    added = json.loads(run("labels", "add", file, "--json", "-w", shop).out)
    assert (added["added"], added["failed"]) == (0, {"Felt hats": "the reply holds no call"})


def test_a_vocabulary(run: Any, blank: Path, tmp_path: Path) -> None:
    file = tmp_path / "items.txt"
    file.write_text("".join(f"thing number {number}\n" for number in range(12)), encoding="utf-8")
    build = ("vocabulary", "build", file, "--split-threshold", 4, "-w", blank)
    called = run(*build)
    assert called.code == 6
    assert "1 group failed, the first: the reply holds no call" in called.err
    assert called.err.endswith(AGAIN)
