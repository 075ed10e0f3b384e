"""`taxonaut runs list` and `runs show`: what a model was sent is shown as it was sent."""

import json
from pathlib import Path
from typing import Any

import pytest

import taxonaut
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item

pytestmark = pytest.mark.usefixtures("embedder")


def first(request: ModelRequest) -> list[int]:
    """Choose the first option."""
    return [request.choices[0].id]


@pytest.fixture
def worked(shop: Path) -> tuple[Path, ScriptedModel]:
    """A workspace in which a scripted model labelled one text."""
    model = ScriptedModel(rule=first)
    with taxonaut.Workspace.open(shop, models={"navigator": model, "general_expert": model}) as workspace:
        workspace.with_walk(shortlist="tree").classify([Item(ItemId("a"), "green tents <b>\x1b[31m")])
    return shop, model


def test_each_prompt_is_shown_as_it_was_sent(worked: Any, run: Any) -> None:
    folder, model = worked
    called = run("runs", "show", "1", "--item", "a", "--prompt", "--json", "-w", folder)
    assert called.code == 0
    shown = json.loads(called.out)["decisions"]
    assert [each["transcript"]["messages"] for each in shown] == [
        [
            {"role": "system", "content": f"{request.system}\n\n{request.context}"},
            {"role": "user", "content": request.item},
        ]
        for request in model.history
    ]
    assert [each["transcript"]["tools"][0]["function"]["parameters"] for each in shown] == [
        request.tool.parameters for request in model.history
    ]
    text = run("runs", "show", "1", "--prompt", "-w", folder).out
    assert all(line in text for line in model.history[0].system.splitlines())
    assert "\x1b[31m" not in text


def test_runs_are_listed_with_their_requests(worked: Any, run: Any) -> None:
    folder, model = worked
    (row,) = json.loads(run("runs", "list", "--json", "-w", folder).out)
    assert (row["kind"], row["status"], row["requests"]) == ("classify", "finished", len(model.history))
    assert (row["cost"], row["comparisons"]) == (None, 0)
    assert "classify" in run("runs", "list", "-w", folder).out


def test_what_is_not_there_is_said(worked: Any, run: Any) -> None:
    folder, _ = worked
    called = run("runs", "show", "9", "-w", folder)
    assert (called.code, called.err) == (2, "error: no run 9; list them with: taxonaut runs list\n")
    called = run("runs", "show", "1", "--item", "b", "-w", folder)
    assert (called.code, called.err) == (2, "error: run 1 has no decision about the item 'b'\n")
    with taxonaut.Workspace.open(folder) as workspace, pytest.raises(NotFoundError):
        workspace.run_decisions(2)
