"""Trials of the templates that `categorize` reads, and one with a real small model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shop_expert
from fakes import FakeEmbedder
from pulled import require_weights

from taxonaut.evaluation.trials.trial import try_version
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import SMOLLM2
from taxonaut.state.errors import InputError
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ROWS = [
    shop_expert.product("sure", "red apples", "apples"),
    shop_expert.product("tie", "boots for tents", "tents"),
    shop_expert.product("lost", "a wonderful thing", "shoes"),
]
COPY = """\
{{% extends "packaged/{name}.j2" %}}
{{% block item %}}{text}{{% endblock %}}
"""


def rule(request: ModelRequest) -> dict[str, Any]:
    """Choose the category that the text names last; none where the prompt says STRICT."""
    named = [
        (request.text.rfind(word), choice.id)
        for choice in request.choices
        for word in choice.texts[0].casefold().split()[-1:]
        if word in request.text
    ]
    strict = "STRICT" in request.item
    return {
        request.field: [id_ for _, id_ in sorted(named, reverse=True)][: 0 if strict else 5] or [0],
        "reason": "why",
    }


@pytest.fixture
def trained(tmp_path: Path, embedder: FakeEmbedder) -> Iterator[tuple[Workspace, ScriptedModel]]:
    """A workspace with a trained expert, whose general expert is scripted."""
    model = ScriptedModel(rule=rule, name="hosted_vllm/test")
    with shop_expert.make(tmp_path / "w", embedder=embedder) as made:
        yield made.with_models({"general_expert": model}), model


def copy(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.folder / "prompts" / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(COPY.format(name=name, text=text))


@pytest.mark.parametrize("name", ["general_expert/choose", "general_expert/order", "general_expert/think"])
def test_the_general_expert_is_asked_as_the_template_is_for(
    trained: tuple[Workspace, ScriptedModel], name: str
) -> None:
    workspace, model = trained
    copy(workspace, name, '{% if "tents" in text %}STRICT {% endif %}{{ text }}')
    report = try_version(workspace, name, ROWS)
    texts = [request.text for request in model.history]
    assert texts == ["boots for tents", "a wonderful thing"] * 2
    assert (report.items, report.asked_items, report.compared) == (3, 2, 2)
    (change,) = report.changes
    assert (change.item_id, change.effect, change.right) == ("tie", "lost", ("Family tents",))
    assert (change.before.first, change.before.reason, change.after.first) == ("Family tents", "why", "")
    assert report.first is not None
    assert (report.first.better, report.first.worse, report.first.same) == (0, 1, 2)
    assert report.before.cost.requests == 2


def test_everything_goes_to_the_general_expert(trained: tuple[Workspace, ScriptedModel]) -> None:
    workspace, _ = trained
    copy(workspace, "general_expert/order", "Now {{ text }}")
    report = try_version(workspace, "general_expert/order", ROWS, everything=True)
    assert (report.asked_items, report.compared, report.alike, report.changes) == (3, 3, 0, ())
    assert workspace.runs.list("categorize") == []


def test_a_threshold_that_sends_nothing_on(trained: tuple[Workspace, ScriptedModel]) -> None:
    workspace, _ = trained
    copy(workspace, "general_expert/order", "Now {{ text }}")
    table = workspace.config.categorize.model_copy(update={"threshold": 0.0})
    with pytest.raises(InputError, match="the threshold is 0, so the general expert is asked about nothing"):
        try_version(workspace.with_table("categorize", table), "general_expert/order", ROWS)


@pytest.fixture
def _closed() -> Iterator[None]:
    """Close the chat models that a test opened."""
    from taxonaut.models.gguf.provider import OPEN

    yield
    while OPEN:
        OPEN.popitem()[1].close()


@pytest.mark.local
@pytest.mark.usefixtures("_closed")
def test_smollm2_is_asked_for_what_changed_only(shop: Workspace) -> None:
    require_weights(SMOLLM2.name)
    role = ModelSettings(model=f"gguf/{SMOLLM2.name}", answer="scored")
    models = shop.config.models.model_copy(update={"navigator": role})
    local = shop.with_table("models", models).with_walk(shortlist="tree", terminals=1, beam=1)
    rows = [
        shop_expert.product("a", "boots", "boots"),
        shop_expert.product("b", "please, bread", "bread"),
        shop_expert.product("c", "tents", "tents"),
    ]
    name = "navigator/expand_scored"
    path = shop.folder / "prompts" / f"{name}.j2"
    path.parent.mkdir(parents=True)
    path.write_text("{# a note #}\n" + shop.prompts.text(name))
    same = try_version(local, name, rows)
    assert (same.renders_the_same, same.after.cost.asked, same.changes) == (True, 0, ())
    assert same.before.cost.asked == same.before.cost.requests >= 3
    path.write_text(
        path.read_text().replace("Text: {{ text }}", 'Text: {{ text | replace("please, ", "") }}')
    )
    other = try_version(local, name, rows)
    mine = [found.item_id for found in other.after.found]
    assert mine == ["a", "b", "c"]
    assert other.before.cost.asked == 0
    assert 1 <= other.after.cost.asked <= 2
    assert other.after.cost.cached == other.after.cost.requests - other.after.cost.asked
