"""Definitions of categories: from what they are written, what stands, what is asked again, what is taken back."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, word_embedder

from taxonaut import Workspace
from taxonaut.agents.category_expert import CategoryText
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelReplyError, ModelUnavailableError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label, Tree, TreeNode
from taxonaut.state.stores.definitions import COMPOSED, Definitions
from taxonaut.state.updates import Progress, Update
from taxonaut.workspace.expert.category_texts import category_texts
from taxonaut.workspace.expert.definitions import DefinitionReport, adefine, define
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.expert.training_data import Example

pytestmark = pytest.mark.slow

PENS, PAPER, BALLS, NETS, TOYS = (LabelId(name) for name in ("pens", "paper", "balls", "nets", "toyballs"))
LABELS = [
    Label(PENS, "Pens"),
    Label(PAPER, "Paper", "Sheets to write on."),
    Label(BALLS, "Balls"),
    Label(NETS, "Nets"),
    Label(TOYS, "Balls"),
]
PLACES = {PENS: 1, PAPER: 1, BALLS: 2, NETS: 2, TOYS: 3}
PRODUCTS: Mapping[LabelId, Sequence[str]] = {
    PENS: ["gel pen", "fountain pen", "ink pen, blue", "pen refill"],
    PAPER: ["notebook", "memo pad"],
    BALLS: ["football", "basketball"],
    TOYS: ["soft ball", "ball with bell", "rattle ball"],
}


@pytest.fixture
def embedder() -> FakeEmbedder:
    return word_embedder(16, name="counting", fading=True)


@pytest.fixture
def model() -> ScriptedModel:
    """A language model that repeats the category's name."""
    return ScriptedModel(rule=repeated, name="hosted_vllm/test")


def repeated(request: ModelRequest) -> dict[str, str]:
    path = request.context.splitlines()[0].removeprefix("The category: ")
    products = request.text.replace("\n", " ")
    return {"title": f"All {path.split(' > ')[-1].lower()}", "definition": f"What is like {products}."}


@pytest.fixture
def opened(
    embedder: FakeEmbedder, model: ScriptedModel, tmp_path: Path
) -> Iterator[Callable[..., Workspace]]:
    """Open one workspace with settings; the first time with labels, a tree and a trained expert."""
    folder, there = tmp_path / "w", []

    def open_it(**settings: Any) -> Workspace:
        if not folder.exists():
            with Workspace.init(folder, embedder=embedder) as made:
                made.index.add_labels(LABELS)
                nodes = (TreeNode(1, "Desk"), TreeNode(2, "Sports"), TreeNode(3, "Toys"))
                placements = tuple((node, label) for label, node in PLACES.items())
                made.index.load_tree(Tree("native", nodes, ((0, 1), (0, 2), (0, 3)), placements))
                train(made, PRODUCTS)
        there.append(Workspace.open(folder, embedder=embedder, **settings))
        role = settings.get("models", {}).get("general_expert", {})
        is_scripted = role and "api_base" not in role
        return there[-1].with_models({"general_expert": model}) if is_scripted else there[-1]

    yield open_it
    for each in there:
        each.close()


def train(workspace: Workspace, products: Mapping[LabelId, Sequence[str]]) -> None:
    """Keep an expert that was trained on these products."""
    examples = [
        Example(Item(ItemId(f"{label}{number}"), text), (label,))
        for label, texts in products.items()
        for number, text in enumerate(texts)
    ]
    workspace.items.put(example.item for example in examples)
    workspace.experts.save(ExpertCard("head"), lambda _: None, examples)


def role(**more: Any) -> dict[str, Any]:
    return {"models": {"general_expert": {"model": "hosted_vllm/test", "concurrency": 1, **more}}}


def described(workspace: Workspace) -> dict[str, str]:
    return {label.id: label.description for label in workspace.index.all_labels() if label.description}


def written(report: DefinitionReport) -> list[str]:
    return [each.label for each in report.written]


def asked(model: ScriptedModel) -> list[str]:
    """The categories asked about since the last call."""
    lines = [request.context.splitlines()[0].removeprefix("The category: ") for request in model.history]
    model.history.clear()
    return lines


def test_an_encoder_s_definitions_are_composed_and_say_so(opened: Any) -> None:
    workspace = opened(categorize={"examples": 2})
    report = define(workspace)
    assert (written(report), report.composed, report.own) == (["pens", "balls", "nets", "toyballs"], True, 1)
    assert (report.decisions, report.failed, report.left) == ((), {}, 0)
    texts = described(workspace)
    assert texts["paper"] == "Sheets to write on."
    assert texts["balls"] == "basketball, football; such as football; basketball"
    assert texts["nets"] == "part of Sports"
    assert "pen" in texts["pens"].split(";")[0]
    standing = Definitions(workspace.database).standing()
    assert {label: one.title for label, one in standing.items()} == {
        "pens": "Pens",
        "balls": "Sports > Balls",
        "nets": "Nets",
        "toyballs": "Toys > Balls",
    }
    assert {(one.template, one.template_hash, one.model) for one in standing.values()} == {
        (COMPOSED, "", "encoder/counting")
    }
    assert (len(standing[PENS].items), standing[BALLS].items) == (2, ("balls0", "balls1"))
    assert [change.note for change in workspace.index.events.changes(1)] == ["expert define"]


def test_what_a_model_writes_becomes_the_descriptions_and_undo_takes_them_back(
    opened: Any, model: ScriptedModel
) -> None:
    workspace = opened(**role())
    told: list[Update] = []
    report = define(workspace, on_update=told.append)
    assert (written(report), report.composed) == (["pens", "balls", "nets", "toyballs"], False)
    assert asked(model) == ["Desk > Pens", "Sports > Balls", "Sports > Nets", "Toys > Balls"]
    assert told == [Progress("writing definitions", done, 4) for done in (0, 2, 4)]
    assert described(workspace) == {
        "pens": "What is like - gel pen - fountain pen - ink pen, blue - pen refill.",
        "paper": "Sheets to write on.",
        "balls": "What is like - football - basketball.",
        "nets": "What is like - (none).",
        "toyballs": "What is like - soft ball - ball with bell - rattle ball.",
    }
    assert [decision.item_id for decision in report.decisions] == [
        f"category {label}" for label in written(report)
    ]
    assert workspace.decisions.totals(report.written[0].run).requests == 4
    workspace.index.undo()
    assert described(workspace) == {"paper": "Sheets to write on."}
    assert Definitions(workspace.database).standing() == {}
    assert written(define(workspace)) == ["pens", "balls", "nets", "toyballs"]
    assert asked(model) == []


def test_again_asks_only_about_what_has_changed(opened: Any, model: ScriptedModel) -> None:
    workspace = opened(**role())
    define(workspace)
    asked(model)
    version = workspace.index.version()
    report = define(workspace)
    assert (report.written, report.unchanged, asked(model)) == ((), 4, [])
    assert workspace.index.version() == version
    train(workspace, {**PRODUCTS, BALLS: ["football", "volleyball"]})
    assert written(define(workspace)) == ["balls"]
    assert asked(model) == ["Sports > Balls"]
    assert described(workspace)["balls"] == "What is like - football - volleyball."
    folder = workspace.folder / "prompts" / "general_expert"
    folder.mkdir(parents=True)
    (folder / "define.j2").write_text(
        '{% extends "packaged/general_expert/define.j2" %}{% block system %}Define.{% endblock %}'
    )
    assert len(written(define(workspace))) == 4
    assert len(asked(model)) == 4
    other = opened(**role(temperature=0.5))
    assert len(written(define(other))) == 4


def test_the_neighbours_are_shown(opened: Any, model: ScriptedModel) -> None:
    define(opened(**role()), [BALLS, PENS])
    first, second = model.history
    assert "\n- Nets\n" in first.context
    assert "\n- Paper\n" in second.context
    assert "Hardly any" in first.context
    assert "Hardly any" not in second.context


def test_a_person_s_description_is_replaced_only_if_that_is_asked_for(
    opened: Any, model: ScriptedModel
) -> None:
    workspace = opened(**role())
    assert (define(workspace, [PAPER]).own, asked(model)) == (1, [])
    report = define(workspace, [PAPER], overwrite=True)
    assert (written(report), report.own) == (["paper"], 0)
    assert described(workspace) == {"paper": "What is like - notebook - memo pad."}
    assert define(workspace, [PAPER]).unchanged == 1
    workspace.index.undo()
    assert described(workspace) == {"paper": "Sheets to write on."}


def test_what_failed_keeps_what_it_had_and_is_asked_again(opened: Any, model: ScriptedModel) -> None:
    workspace = opened(**role())
    model.rule = lambda request: (
        ModelReplyError("no valid call") if "Sports" in request.context else repeated(request)
    )
    report = define(workspace)
    assert (written(report), dict(report.failed)) == (
        ["pens", "toyballs"],
        {"balls": "no valid call", "nets": "no valid call"},
    )
    asked(model)
    model.rule = repeated
    report = define(workspace)
    assert (written(report), report.unchanged, report.failed) == (["balls", "nets"], 2, {})
    assert asked(model) == ["Sports > Balls", "Sports > Nets"]


def test_a_run_that_was_broken_off_goes_on(opened: Any, model: ScriptedModel) -> None:
    workspace = opened(**role())

    def breaks(request: ModelRequest) -> Any:
        if "Toys" in request.context:
            raise RuntimeError("killed")
        return repeated(request)

    model.rule = breaks
    with pytest.raises(RuntimeError, match="killed"):
        define(workspace)
    assert described(workspace) == {"paper": "Sheets to write on."}
    asked(model)
    model.rule = repeated
    report = define(workspace)
    assert written(report) == ["pens", "balls", "nets", "toyballs"]
    assert asked(model) == ["Sports > Nets", "Toys > Balls"]


def test_a_model_that_does_not_answer_ends_it(opened: Any, model: ScriptedModel) -> None:
    model.rule = lambda _: ModelUnavailableError("the server is away")
    with pytest.raises(
        ModelUnavailableError, match="2 requests in a row got no answer: the server is away — "
    ):
        define(opened(**role()))


def test_a_limit_leaves_the_rest_for_later(opened: Any, model: ScriptedModel) -> None:
    workspace = opened(**role())
    assert (define(workspace, limit=1).left, asked(model)) == (3, ["Desk > Pens"])
    assert (written(define(workspace, limit=2)), asked(model)) == (
        ["balls", "nets"],
        ["Sports > Balls", "Sports > Nets"],
    )
    with pytest.raises(InputError, match="invalid limit -1"):
        define(workspace, limit=-1)


def test_what_is_not_there(opened: Any, tmp_path: Path, embedder: FakeEmbedder) -> None:
    with pytest.raises(NotFoundError, match="no label 'hats' in the index"):
        define(opened(), [LabelId("hats")])
    with (
        Workspace.init(tmp_path / "other") as other,
        pytest.raises(NotFoundError, match=r"no expert was trained .*: taxonaut expert train ITEMS"),
    ):
        define(other)


def test_descriptions_are_compared_and_change_no_vector_of_a_name(
    opened: Any, embedder: FakeEmbedder
) -> None:
    workspace = opened()
    workspace.embed_labels()
    define(workspace)
    before = embedder.embedded
    workspace.embed_labels()
    assert workspace.wiring.scorer.space is not None
    described = [label for label in workspace.index.all_labels() if label.description]
    added = embedder.embedded[len(before) :]
    assert set(added) == {label.description for label in described} - set(before)
    workspace.index.undo()
    assert workspace.wiring.scorer.space is not None
    assert embedder.embedded == before + added


def test_what_the_general_expert_may_see(opened: Any, model: ScriptedModel) -> None:
    workspace = opened(**role())
    assert category_texts(workspace, [BALLS, PAPER]) == {
        "balls": CategoryText("Balls", ("Sports", "Balls"), "Sports > Balls", ""),
        "paper": CategoryText("Paper", ("Desk", "Paper"), "Paper", "Sheets to write on."),
    }
    define(workspace)
    found = category_texts(workspace, [PENS, BALLS, TOYS, NETS])
    assert {label: text.title for label, text in found.items()} == {
        "pens": "All pens",
        "balls": "Sports > Balls",
        "toyballs": "Toys > Balls",
        "nets": "All nets",
    }
    assert found[NETS].definition == "What is like - (none)."
    workspace.index.undo()
    assert category_texts(workspace, [PENS])[PENS] == CategoryText("Pens", ("Desk", "Pens"), "Pens", "")
    with pytest.raises(NotFoundError, match="no label 'hats'"):
        category_texts(workspace, [LabelId("hats")])


def test_the_paths_of_a_tree_that_was_built_say_nothing(opened: Any) -> None:
    workspace = opened()
    workspace.index.load_tree(
        Tree("kmeans", (TreeNode(1, "ink, gel"),), ((0, 1),), tuple((1, label.id) for label in LABELS))
    )
    found = category_texts(workspace, [PENS, BALLS])
    assert [text.path for text in found.values()] == [("Pens",), ("Balls",)]


async def test_a_real_server_writes_them_once(opened: Any, server: Any) -> None:
    workspace = opened(**role(api_base=server.url, concurrency=2))
    report = await asyncio.wait_for(adefine(workspace), 60)
    assert server.stats()["requests"] == 4
    assert {(each.title, each.definition) for each in report.written} == {("because", "because")}
    assert category_texts(workspace, [PENS])[PENS].title == "Pens"
    assert (await adefine(workspace)).unchanged == 4
    assert server.stats()["requests"] == 4
