"""Keywords of items without a vocabulary: a run in units, and what set they make."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Item, Node
from taxonaut.state.updates import Progress, Update, listening
from taxonaut.workspace.vocabulary.keyword_baseline import (
    FreeForm,
    WordCounts,
    afree_form,
    count_descriptors,
    count_keywords,
    make_keyword_writer,
    write_free_form,
)
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

CONCURRENCY = 4
TEXTS = {"p": "blue pen", "q": "red pen", "e": " ", "d": "oak desk"}
ITEMS = [ItemId(id_) for id_ in TEXTS]


@pytest.fixture
def written() -> ScriptedModel:
    """A model that takes an item's words for its keywords."""
    return ScriptedModel(rule=lambda request: {"keywords": request.text.split()}, name="openai/x")


@pytest.fixture
def workspace(tmp_path: Path, written: ScriptedModel) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w", models={"annotator": written}) as opened:
        opened.items.put([Item(ItemId(id_), text) for id_, text in TEXTS.items()])
        yield opened


def free_form(workspace: Workspace, items: list[ItemId] = ITEMS, most: int = 3) -> FreeForm:
    return asyncio.run(afree_form(workspace, items, most))


def test_finished_items_are_not_asked_about_again(workspace: Workspace, written: ScriptedModel) -> None:
    first = free_form(workspace, ITEMS[:1])
    assert (first.source, dict(first.keywords), dict(first.failed)) == (
        "openai/x",
        {"p": ("blue", "pen")},
        {},
    )
    found = free_form(workspace)
    assert dict(found.keywords) == {"p": ("blue", "pen"), "q": ("red", "pen"), "e": (), "d": ("oak", "desk")}
    assert [request.text for request in written.history] == ["blue pen", "red pen", "oak desk"]
    assert free_form(workspace) == found
    assert len(written.history) == 3
    (run,) = workspace.runs.list("free-form")
    assert (run.status, run.units, run.settings["keywords"]) == ("finished", 3, 3)
    rows = workspace.decisions.for_item(run.id, ItemId("d"))
    assert [(row.agent, row.choice) for row in rows] == [("annotator", ("oak", "desk"))]


def test_another_number_of_keywords_is_another_run(workspace: Workspace, written: ScriptedModel) -> None:
    free_form(workspace, ITEMS[:1])
    free_form(workspace, ITEMS[:1], most=2)
    assert len(written.history) == len(workspace.runs.list("free-form")) == 2


def test_an_item_that_failed_is_asked_about_again(workspace: Workspace, written: ScriptedModel) -> None:
    written.enqueue({"keywords": ["pens"]}, ModelUnavailableError("gone for now"), {"keywords": ["desks"]})
    found = free_form(workspace)
    assert dict(found.failed) == {"q": "gone for now"}
    assert dict(found.keywords) == {"p": ("pens",), "q": (), "e": (), "d": ("desks",)}
    assert free_form(workspace).keywords[ItemId("q")] == ("red", "pen")
    assert [request.text for request in written.history] == ["blue pen", "red pen", "oak desk", "red pen"]


def test_a_model_that_answers_nothing_stops_the_run(workspace: Workspace, written: ScriptedModel) -> None:
    written.rule = lambda request: ModelUnavailableError("refused")
    with pytest.raises(ModelUnavailableError, match="3 requests in a row got no answer: refused"):
        free_form(workspace)
    assert [run.status for run in workspace.runs.list("free-form")] == ["failed"]


def test_the_model_generates_even_where_it_scores_options(tmp_path: Path) -> None:
    role = {"model": "openai/x", "answer": "scored", "join": "encoder/y"}
    with Workspace.init(tmp_path / "w", models={"annotator": role}) as workspace:
        make_keyword_writer(workspace, workspace.config.models.annotator, most=20)
        (opened,) = workspace.wiring.models.values()
    assert isinstance(opened, Gateway)
    assert (opened.settings.answer, opened.settings.join, opened.settings.max_tokens) == (
        "generated",
        None,
        640,
    )


def test_an_encoder_s_keywords_are_telling_terms(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "w").close()
    with Workspace.open(tmp_path / "w") as workspace:
        workspace.items.put([Item(ItemId(id_), text) for id_, text in TEXTS.items()])
        found = free_form(workspace, most=1)
        assert workspace.runs.list("free-form") == []
    assert found == FreeForm("tf-idf", {"p": ("blue",), "q": ("red",), "e": (), "d": ("desk",)}, {})  # type: ignore[dict-item]


@pytest.mark.parametrize("most", [0, 51])
def test_a_number_of_keywords_that_cannot_be(workspace: Workspace, most: int) -> None:
    with pytest.raises(InputError, match=rf"invalid number of keywords {most}; give a number from 1 to 50"):
        free_form(workspace, most=most)


def test_sets_of_words_are_counted() -> None:
    keywords = {ItemId("a"): ("Pen", "blue"), ItemId("b"): ("pen", "PEN"), ItemId("c"): ()}
    assert count_keywords(keywords) == WordCounts(2, 1, 0.5, 1.0)
    assert count_keywords({}) == WordCounts(0, 0, 0.0, 0.0)
    descriptors = [
        Descriptor(NodeId(n), NodeId(1), 1, (f"d{n}",), Node(NodeId(n), f"d{n}")) for n in (2, 3, 4, 5)
    ]
    taggings = [Tagging(ItemId("a"), (NodeId(2),), (NodeId(3),)), Tagging(ItemId("b"), (NodeId(3),))]
    assert count_descriptors(Vocabulary(NodeId(1), descriptors, taggings)) == WordCounts(4, 1, 0.25, 1.5)


def test_a_file_of_keywords(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    write_free_form(FreeForm("m", {ItemId('"é\t'): ("笔", "a b"), ItemId("x"): ()}, {}), file)
    assert json.loads(file.read_text(encoding="utf-8")) == {'"é\t': ["笔", "a b"], "x": []}


def test_requests_are_all_in_one_batch(workspace: Workspace) -> None:
    """The gateway has its own limit; what is handed to it fills that several times over."""
    sizes = []

    class Counting(ScriptedModel):
        async def answer(self, requests: "list[ModelRequest]") -> list:  # type: ignore[override, type-arg]
            sizes.append(len(requests))
            return await super().answer(requests)

    workspace = workspace.with_models({"annotator": Counting(rule=lambda request: {"keywords": ["x"]})})
    items = [Item(ItemId(str(number)), "text") for number in range(150)]
    workspace.items.put(items)
    told: list[Update] = []
    with listening(told.append):
        asyncio.run(afree_form(workspace, [item.id for item in items], 3))
    assert sizes == [128, 22]
    assert told == [Progress("writing keywords", done, 150) for done in (0, 128, 150)]


def test_a_run_that_was_broken_off_asks_nothing_twice(tmp_path: Path, start_server: Any) -> None:
    """Of a batch that was not finished, only what was in flight is asked again: the gateway keeps each reply."""
    server, folder = start_server(0.03), tmp_path / "w"
    Workspace.init(folder).close()
    role = f'model = "hosted_vllm/test"\napi_base = "{server.url}"\nconcurrency = {CONCURRENCY}\n'
    (folder / "taxonaut.toml").write_text(f"[models.annotator]\n{role}", encoding="utf-8")
    items = [ItemId(f"i{number}") for number in range(40)]

    async def broken_off(workspace: Workspace) -> None:
        task = asyncio.create_task(afree_form(workspace, items))
        await asyncio.to_thread(server.wait, "answered=12")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Workspace.open(folder) as workspace:
        workspace.items.put([Item(item, f"text of {item}") for item in items])
        asyncio.run(broken_off(workspace))
        assert [(run.status, run.units) for run in workspace.runs.list("free-form")] == [("interrupted", 0)]
        assert 12 <= server.stats()["distinct"] < 40
    with Workspace.open(folder) as workspace:
        found = asyncio.run(afree_form(workspace, items))
        again = asyncio.run(afree_form(workspace, items))
        assert [(run.status, run.units) for run in workspace.runs.list("free-form")] == [("finished", 40)]
    assert found == again == FreeForm("hosted_vllm/test", dict.fromkeys(items, ("because",)), {})
    stats = server.stats()
    assert stats["distinct"] == 40
    assert stats["requests"] <= 40 + CONCURRENCY
    assert stats["peak"] <= CONCURRENCY
