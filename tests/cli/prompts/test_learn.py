"""`taxonaut prompts learn`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("embedder")]

EXPAND = "navigator/expand"
GOOD = "Judge by what the thing is used for."
WALK = '\n[walk]\nshortlist = "tree"\nterminals = 4\ncandidates = 0\n'


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    words = {
        "shoes": "sport shoes running",
        "apples": "food fruit red apples",
        "pears": "food fruit green pears",
    }
    lines = [f"{label}{lot},{words[label]} lot {lot},{label}\n" for lot in range(10) for label in words]
    path.write_text("id,text,labels\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def agents(shop: Path, scripted: ScriptedModel) -> ScriptedModel:
    """A navigator that is right with GOOD in its instructions alone, and an architect that writes it."""
    settings = shop / "taxonaut.toml"
    settings.write_text(settings.read_text(encoding="utf-8").partition("[walk]")[0] + WALK, encoding="utf-8")

    def rule(request: ModelRequest) -> list[int] | Mapping[str, Any]:
        if request.tool.name == "write_instructions":
            return {"instructions": f"You walk down a tree. [[1]]\n{GOOD}\n[[2]]"}
        sees = request.tool.name != "expand_node" or GOOD in request.system
        words = set(request.text.split())
        own = (
            (choice.id, set(choice.texts[0].rpartition(">")[2].casefold().split()))
            for choice in request.choices
        )
        return [id_ for id_, names in own if bool(names & words) == sees][: request.most] or [0]

    scripted.rule = rule
    return scripted


def test_adopted_and_taken_back(run: Any, shop: Path, items: Path, agents: ScriptedModel) -> None:
    command = ("prompts", "learn", items, "-w", shop, "--role", "navigator", "--requests", 300)
    called = run(*command)
    assert called.code == 0, called
    packaged = PromptLibrary().hash(EXPAND)
    lines = called.out.splitlines()
    assert lines[:2] == [f"--- {EXPAND} system, in use", f"+++ {EXPAND} system, proposed"]
    assert f"+{GOOD}" in lines
    assert "better on held-out items" in lines
    assert PromptLibrary(shop / "prompts").hash(EXPAND) == packaged
    assert "not adopted; to use it all the same: taxonaut prompts restore " in called.err
    asked = len(agents.history)

    adopted = run(*command, "--adopt", "auto")
    assert len(agents.history) == asked
    new = PromptLibrary(shop / "prompts").hash(EXPAND)
    undo = f"taxonaut prompts restore {packaged} -w {shop}"
    assert adopted.out.splitlines()[-1] == f"adopted {EXPAND} {new}; to undo: {undo}"
    assert GOOD in (shop / "prompts" / f"{EXPAND}.j2").read_text(encoding="utf-8")
    assert run("prompts", "restore", packaged, "-w", shop).code == 0
    assert PromptLibrary(shop / "prompts").hash(EXPAND) == packaged


def test_json_asks_for_nothing(run: Any, shop: Path, items: Path, agents: ScriptedModel) -> None:
    command = ("prompts", "learn", items, "-w", shop, "--role", "navigator", "--requests", 300, "--json")
    row = json.loads(run(*command).out)
    assert (row["verdict"], row["adopted"], row["spent"]["money"]) == ("better", False, None)
    assert row["spent"]["requests"] == len(agents.history)
    assert json.loads(run(*command, "--yes").out)["adopted"]


@pytest.mark.usefixtures("agents")
def test_what_is_refused(
    run: Any, shop: Path, items: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = tmp_path / "few.csv"
    few.write_text("".join(items.read_text(encoding="utf-8").splitlines(keepends=True)[:6]), encoding="utf-8")
    learn = ("prompts", "learn", items, "-w", shop)
    for arguments, code, said in (
        (("prompts", "learn", few, "-w", shop), 2, "too few items with right labels: 5"),
        ((*learn, "--budget", "1"), 2, "costs is not known, so --budget cannot limit it"),
        ((*learn, "--price-in", "1"), 2, "give both --price-in and --price-out"),
        ((*learn, "--holdout", "1.5"), 2, "share of items held out: 1.5"),
        ((*learn, "--by", "cook"), 2, "unknown role 'cook'; the roles are: navigator"),
        ((*learn, "--block", "sytem"), 2, "has no block 'sytem'"),
        ((*learn, "--adopt", "always"), 2, "'always' is not one of"),
        ((*learn, "--role", "architect"), 2, "'architect' is not one of"),
    ):
        called = run(*arguments)
        assert (called.code, said in called.err) == (code, True), called
    monkeypatch.setattr("taxonaut.evaluation.trials.gepa_loop.find_spec", lambda name: None)
    called = run(*learn)
    assert (called.code, "pip install 'taxonaut[evolve]'" in called.err) == (5, True)


def test_an_encoder_has_nothing_to_evolve(run: Any, shop: Path, items: Path) -> None:
    called = run("prompts", "learn", items, "-w", shop)
    assert called.code == 2
    assert called.err.startswith("error: there is nothing to evolve: the navigator's model")
    assert '[models.navigator]\nmodel = "gguf/smollm2-135m-instruct"' in called.err
