"""Categorizations as runs: what is kept, what another threshold asks, what fails, and where a threshold is from."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import shop_expert
from shop_expert import FAIR, LOST, SURE, TIE, product, train

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelReplyError, ModelUnavailableError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.state.records import Item
from taxonaut.state.updates import OnUpdate, Progress
from taxonaut.workspace.expert.audit import audit
from taxonaut.workspace.expert.audit_file import Audit, save_audit
from taxonaut.workspace.expert.categorize import MAX_FAILURES, Threshold, prepare_categorization

TEXTS = {
    "sure": "red apples",
    "fair": "pears in a bag",
    "tie": "boots for tents",
    "lost": "a wonderful thing",
}
ITEMS = [Item(ItemId(id), text) for id, text in TEXTS.items()]
PATH = ("Food", "Fruit", "Red apples")


def counting(done: list[int]) -> OnUpdate:
    """Note how much is done each time that progress is told."""
    return lambda update: done.append(update.done) if isinstance(update, Progress) else None


def last_word(request: ModelRequest) -> list[int]:
    """Take the option whose name has the last word of the text, or none."""
    word = request.text.split()[-1].casefold()
    return [choice.id for choice in request.choices if word in choice.texts[0].casefold()] or [0]


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(rule=last_word)


@pytest.fixture
def workspace(tmp_path: Path, model: ScriptedModel) -> Iterator[Workspace]:
    with shop_expert.make(tmp_path / "w", model) as made:
        yield made


def said(found: Sequence[Categorized]) -> dict[str, tuple[str, str | None]]:
    return {each.item_id: (each.verdict, each.label_id) for each in found}


def asked(model: ScriptedModel) -> list[str]:
    """The texts asked about since the last call."""
    texts = [request.text for request in model.history]
    model.history.clear()
    return texts


def test_the_clear_cases_stand_and_the_rest_is_asked(workspace: Workspace, model: ScriptedModel) -> None:
    done: list[int] = []
    found = workspace.categorize(ITEMS, on_update=counting(done))
    assert found[0] == Categorized(
        ItemId("sure"),
        LabelId("apples"),
        PATH,
        "domain",
        Recommendation(
            ItemId("sure"),
            tuple(map(LabelId, ("apples", "shoes", "boots", "tents", "pears"))),
            (SURE, 0.0025, 0.0025, 0.0025, 0.0025),
        ),
    )
    assert said(found) == {
        "sure": ("domain", "apples"),
        "fair": ("domain", "pears"),
        "tie": ("general", "tents"),
        "lost": ("none", None),
    }
    assert [each.recommended.confidence for each in found] == [SURE, FAIR, TIE, LOST]
    assert asked(model) == ["boots for tents", "a wonderful thing"]
    assert done == [4]


async def test_two_calls_at_a_time_with_one_id_get_an_answer_each(workspace: Workspace) -> None:
    given = [Item(ItemId("1"), text) for text in (TEXTS["sure"], TEXTS["fair"], TEXTS["tie"])]
    at_once = await asyncio.gather(*(workspace.acategorize([item]) for item in given))
    assert [found.label_id for (found,) in at_once] == ["apples", "pears", "tents"]
    assert [await workspace.acategorize([item]) for item in given] == at_once


def test_another_threshold_asks_only_about_what_was_not_asked(
    workspace: Workspace, model: ScriptedModel
) -> None:
    first = workspace.categorize(ITEMS)
    asked(model)
    assert workspace.categorize(ITEMS) == first
    assert asked(model) == []
    assert said(workspace.categorize(ITEMS, threshold=0.9))["fair"] == ("none", None)
    assert asked(model) == ["pears in a bag"]
    assert said(workspace.categorize(ITEMS, threshold=0.0)) == {
        "sure": ("domain", "apples"),
        "fair": ("domain", "pears"),
        "tie": ("domain", "boots"),
        "lost": ("domain", "shoes"),
    }
    assert workspace.categorize(ITEMS, threshold=0.5) == first
    assert asked(model) == []
    assert said(workspace.categorize(ITEMS, everything=True))["sure"] == ("general", "apples")
    assert asked(model) == ["red apples"]
    (run,) = workspace.runs.list("categorize")
    assert (run.status, run.units) == ("finished", 8)


def test_an_audit_and_a_categorization_share_what_was_asked(
    workspace: Workspace, model: ScriptedModel
) -> None:
    audit(workspace, [product(id, text) for id, text in TEXTS.items()])
    assert sorted(asked(model)) == sorted(TEXTS.values())
    workspace.categorize(ITEMS, threshold=0.9)
    assert asked(model) == []


def test_what_makes_another_categorization(workspace: Workspace, model: ScriptedModel) -> None:
    workspace.categorize(ITEMS)
    for how in ({"ask": "choose"}, {"candidates": 2}, {"shown": "leaf"}, {"seed": 1}):
        asked(model)
        workspace.categorize(ITEMS, **how)
        assert len(asked(model)) == 2, how
    train(workspace)
    assert [each.recommended.item_id for each in workspace.categorize(ITEMS, threshold=0.5)] == list(TEXTS)
    assert len(asked(model)) == 2
    assert said(workspace.categorize(ITEMS, expert=1))["tie"] == ("general", "tents")
    assert asked(model) == []
    workspace.index.rename_node(workspace.index.children(workspace.index.root())[0].id, "Games")
    workspace.categorize(ITEMS)
    assert len(asked(model)) == 2


def test_items_without_a_text_twice_the_same_and_none(workspace: Workspace, model: ScriptedModel) -> None:
    blank = Item(ItemId("blank"), " \n")
    found = workspace.categorize([ITEMS[2], blank, ITEMS[2]])
    assert found[0] == found[2]
    assert found[1] == Categorized(blank.id, None, (), "blank", Recommendation(blank.id, (), ()))
    assert asked(model) == ["boots for tents"]
    assert workspace.categorize([blank]) == [found[1]]
    assert workspace.categorize([]) == []
    with pytest.raises(InputError, match="two items have the id 'sure'; give each item a unique id"):
        workspace.categorize([ITEMS[0], Item(ItemId("sure"), "other")])


def test_a_new_text_under_an_old_id_is_asked_about(workspace: Workspace, model: ScriptedModel) -> None:
    workspace.categorize(ITEMS)
    asked(model)
    (found,) = workspace.categorize([Item(ItemId("tie"), "tents for boots")])
    assert (found.label_id, asked(model)) == ("boots", ["tents for boots"])


def test_many_items_come_in_batches(
    workspace: Workspace, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonaut.workspace.expert.categorize.BATCH", 3)
    done: list[int] = []
    assert len(workspace.categorize(iter(ITEMS), on_update=counting(done))) == 4
    assert done == [3, 4]


def test_a_failed_request_is_asked_again_and_what_is_sure_stands(
    workspace: Workspace, model: ScriptedModel
) -> None:
    model.rule = lambda _: ModelReplyError("prose")
    found = workspace.categorize(ITEMS)
    assert said(found)["tie"] == ("failed", None)
    assert [each.error for each in found] == ["", "", "prose", "prose"]
    asked(model)
    model.rule = last_word
    assert said(workspace.categorize(ITEMS))["tie"] == ("general", "tents")
    assert asked(model) == ["boots for tents", "a wonderful thing"]


def test_a_model_that_only_fails_stops_the_run(workspace: Workspace, model: ScriptedModel) -> None:
    model.rule = lambda _: ModelUnavailableError("no server")
    texts = [f"thing number {number}" for number in range(MAX_FAILURES)]
    with pytest.raises(ModelUnavailableError) as stopped:
        workspace.categorize(["red apples", *texts])
    assert str(stopped.value) == (
        "20 requests in a row got no answer: no server — what was finished before is kept; run the same "
        "command again to continue"
    )
    (run,) = workspace.runs.list("categorize")
    assert (run.status, run.units) == ("failed", 21)
    model.rule = last_word
    assert len(workspace.categorize(["red apples", *texts])) == 21


def test_a_threshold_of_nothing_opens_no_model(workspace: Workspace) -> None:
    nowhere = workspace.with_models({"general_expert": "gguf/there-is-no-such-model"})
    assert {each.verdict for each in nowhere.categorize(ITEMS, threshold=0)} == {"domain"}
    assert nowhere.wiring.models == {}


def test_where_the_threshold_comes_from(workspace: Workspace) -> None:
    assert prepare_categorization(workspace).threshold == Threshold(0.5, "default")
    fingerprint = prepare_categorization(workspace).run.fingerprint
    save_audit(workspace, Audit(1, fingerprint, "now", "f", 0, (), None))
    assert prepare_categorization(workspace).threshold == Threshold(0.5, "default")
    save_audit(workspace, Audit(1, fingerprint, "now", "f", 0, (), 0.7))
    assert prepare_categorization(workspace).threshold == Threshold(0.7, "audit")
    assert prepare_categorization(workspace, ask="think").threshold == Threshold(0.7, "audit", is_stale=True)
    assert prepare_categorization(workspace, threshold=0.3).threshold == Threshold(0.3, "set")
    assert prepare_categorization(workspace, threshold=0.3, everything=True).threshold.origin == "everything"
    train(workspace)
    assert prepare_categorization(workspace).threshold == Threshold(0.5, "default")


def test_what_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^invalid \[categorize\] settings: threshold: Input should"):
        workspace.categorize(ITEMS, threshold=1.5)
    with pytest.raises(InputError, match=r"^invalid \[categorize\] settings: nonsense: Extra inputs"):
        workspace.categorize(ITEMS, nonsense=1)
    with pytest.raises(NotFoundError, match="there is no expert 9; there are: 1"):
        workspace.categorize(ITEMS, expert=9)
    with (
        Workspace.init(tmp_path / "new") as new,
        pytest.raises(NotFoundError, match="no expert was trained in"),
    ):
        new.categorize(ITEMS)
    assert workspace.runs.list() == []


async def test_from_asynchronous_code(workspace: Workspace, model: ScriptedModel) -> None:
    found = await workspace.acategorize(ITEMS[:1])
    assert said(found) == {"sure": ("domain", "apples")}
