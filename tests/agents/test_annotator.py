"""The annotator: how labels are put into requests, and whose centres come back."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.agents.annotator import (
    MOST_CHARACTERS,
    Annotator,
    AnnotatorSettings,
    CentreText,
    Job,
    split_batches,
)
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelReplyError, ModelUnavailableError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, Usage

CENTRES = (
    CentreText("foxes", "they bark", ("red fox", "grey fox", "fox cub")),
    CentreText("whales", "they sing"),
    CentreText("birds"),
    CentreText("fish", "", ("trout",)),
)
HOMES = {"red fox": ["foxes"], "flying fish": ["fish", "birds"], "stone": [], "orca": ["whales"]}
LABELS = tuple(HOMES)


def annotator(model: Any, *, scored: bool = False, **settings: Any) -> Annotator:
    return Annotator(model, PromptLibrary(), AnnotatorSettings(**settings), scored=scored)


def at_home(request: ModelRequest) -> Any:
    """Answer with the centres that `HOMES` has, by the numbers on offer."""
    numbers = {choice.texts[0]: choice.id for choice in request.choices}
    wanted = [[numbers[home] for home in HOMES[text]] or [0] for text in request.texts or (request.text,)]
    return {str(n): ids for n, ids in enumerate(wanted, start=1)} if request.texts else wanted[0]


def numbers_of(job: Job, assigned: Sequence[Sequence[int]]) -> list[list[str]]:
    return [[job.centres[number].name for number in numbers] for numbers in assigned]


async def test_what_a_request_looks_like() -> None:
    model = ScriptedModel(rule=at_home)
    asking = annotator(model, task="The labels are animals.", examples=2, most=2)
    job = Job("part 1", LABELS, CENTRES, ("Nature", "Animals"))
    (found,) = await asking.assign([job])
    (request,) = model.history
    lines = {
        "foxes": "foxes: they bark (such as red fox; grey fox)",
        "whales": "whales: they sing",
        "birds": "birds",
        "fish": "fish (such as trout)",
    }
    order = [choice.texts[0] for choice in request.choices]
    assert request.system.startswith("You sort labels into categories. The labels are animals.\n")
    assert request.context.splitlines() == [
        "The labels are all from: Nature > Animals",
        "Categories:",
        *(f"{number}. {lines[name]}" for number, name in enumerate(order, start=1)),
        "0. none of these",
        "Call assign_label with at most 2 categories for each label.",
    ]
    assert request.item.splitlines() == [
        "Labels:",
        *(f"{number}. {name}" for number, name in enumerate(LABELS, start=1)),
    ]
    assert request.texts == LABELS
    assert request.tool.parameters["required"] == ["1", "2", "3", "4"]
    assert numbers_of(job, found.each) == [["foxes"], ["fish", "birds"], [], ["whales"]]
    assert found.error is None


@pytest.mark.parametrize("seed", range(6))
async def test_centres_are_shuffled_and_mapped_back(seed: int) -> None:
    model = ScriptedModel(rule=at_home)
    job = Job("part root", LABELS, CENTRES)
    (found,) = await annotator(model, seed=seed).assign([job])
    assert found.each == ((0,), (3, 2), (), (1,))
    shown = [choice.texts[0] for choice in model.history[0].choices]
    assert sorted(shown) == sorted(centre.name for centre in CENTRES)
    assert found.decisions[0].options == tuple(
        str([centre.name for centre in CENTRES].index(name)) for name in shown
    )


async def test_the_order_differs_by_seed() -> None:
    orders = {
        annotator(ScriptedModel(), seed=seed).shuffle_centres(Job("k", LABELS, CENTRES)) for seed in range(20)
    }
    assert len(orders) > 1
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)


async def test_labels_go_in_batches_and_come_back_in_order() -> None:
    model = ScriptedModel(rule=at_home)
    jobs = [Job("one", LABELS, CENTRES), Job("two", LABELS[::-1], CENTRES[::-1])]
    found = await annotator(model, batch=3).assign(jobs)
    assert [request.texts for request in model.history] == [
        LABELS[:3],
        LABELS[3:],
        LABELS[:0:-1],
        LABELS[:1],
    ]
    assert len({(request.system, request.context) for request in model.history}) == 2
    assert [numbers_of(job, assigned.each) for job, assigned in zip(jobs, found, strict=True)] == [
        [["foxes"], ["fish", "birds"], [], ["whales"]],
        [["whales"], [], ["fish", "birds"], ["foxes"]],
    ]


def test_a_request_holds_no_more_characters_than_it_should() -> None:
    half, whole = "x" * (MOST_CHARACTERS // 2), "y" * (3 * MOST_CHARACTERS)
    assert split_batches([half, half, "z", whole, "a", "b"], 9) == [[half, half], ["z"], [whole], ["a", "b"]]
    assert split_batches([], 9) == []


@given(st.lists(st.text(max_size=3).map(lambda text: text * 1_500), max_size=12), st.integers(1, 5))
def test_batches_hold_all_labels_once(labels: list[str], most: int) -> None:
    found = split_batches(labels, most)
    assert [label for batch in found for label in batch] == labels
    assert all(1 <= len(batch) <= most for batch in found)
    assert all(len(batch) == 1 or sum(map(len, batch)) <= MOST_CHARACTERS for batch in found)


async def test_the_labels_of_a_failed_request_have_no_centres() -> None:
    model = ScriptedModel([{"1": [1]}, ModelReplyError("no call"), {"1": [0]}, {"1": [2]}])
    (found,) = await annotator(model, batch=1).assign([Job("k", LABELS, CENTRES)])
    first, second = (annotator(model).shuffle_centres(Job("k", LABELS, CENTRES))[at] for at in (0, 1))
    assert found.each == ((first,), (), (), (second,))
    assert str(found.error) == "no call"
    assert [decision.error for decision in found.decisions] == ["", "no call", "", ""]


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
async def test_a_server_that_is_gone_counts_before_a_bad_reply(places: tuple[int, int]) -> None:
    errors: list[ModelError] = [ModelReplyError("no call"), ModelUnavailableError("gone")]
    model = ScriptedModel([errors[place] for place in places])
    (found,) = await annotator(model, batch=1).assign([Job("k", LABELS[:2], CENTRES)])
    assert (str(found.error), found.each) == ("gone", ((),) * 2)


async def test_labels_of_a_bad_reply_are_asked_about_again_in_halves() -> None:
    def rule(request: ModelRequest) -> Any:
        return {"1": [1]} if "stone" in request.texts else at_home(request)

    model = ScriptedModel(rule=rule)
    job = Job("k", LABELS, CENTRES)
    (found,) = await annotator(model).assign([job])
    assert [request.texts for request in model.history] == [
        LABELS,
        ("red fox", "flying fish"),
        ("stone", "orca"),
        ("stone",),
        ("orca",),
    ]
    order = annotator(model).shuffle_centres(job)
    assert numbers_of(job, found.each) == [["foxes"], ["fish", "birds"], [CENTRES[order[0]].name], ["whales"]]
    assert found.error is None
    assert [decision.item_id for decision in found.decisions] == [
        "k from 0",
        "k from 0",
        "k from 2",
        "k from 2",
        "k from 3",
    ]
    assert [bool(decision.error) for decision in found.decisions] == [True, False, True, False, False]


async def test_a_model_that_scores_takes_one_label_at_a_time_and_one_centre() -> None:
    model = ScriptedModel(rule=at_home)
    job = Job("part root", LABELS, CENTRES)
    (found,) = await annotator(model, scored=True, batch=20, most=3).assign([job])
    assert [(request.text, request.texts, request.field, request.most) for request in model.history] == [
        (label, (), "centres", 1) for label in LABELS
    ]
    assert numbers_of(job, found.each) == [["foxes"], ["fish"], [], ["whales"]]
    assert found.decisions[0].template == "annotator/assign_label_scored"


async def test_nothing_is_asked_where_there_is_no_choice() -> None:
    model = ScriptedModel()
    found = await annotator(model).assign([Job("a", (), CENTRES), Job("b", LABELS, ())])
    assert [(assigned.each, assigned.decisions) for assigned in found] == [((), ()), (((),) * 4, ())]
    assert model.history == []


async def test_long_labels_are_clipped_in_the_prompt_only() -> None:
    model = ScriptedModel(rule=lambda request: {str(n): [1] for n in range(1, len(request.texts) + 1)})
    long = "fox\n" + "x" * 2_000
    await annotator(model).assign([Job("k", (long,), (CentreText("a", "", (long,)), CentreText("b")))])
    (request,) = model.history
    assert request.texts == (long,)
    assert request.item.splitlines() == ["Labels:", f"1. fox {'x' * 156} […]"]
    assert f"a (such as fox {'x' * 156} […])" in request.context


async def test_what_the_decisions_say() -> None:
    class Costly(ScriptedModel):
        def answer_one(self, request: ModelRequest) -> Any:
            each = ((1, 2), ()) if len(request.texts) == 2 else ((3,),)
            return ModelReply((), {}, Usage(prompt_tokens=50, completion_tokens=7), each=each)

    job = Job("node 4", LABELS[:3], CENTRES[:3], node=NodeId(4))
    asking = annotator(Costly(), batch=2, seed=1)
    (found,) = await asking.assign([job])
    order = asking.shuffle_centres(job)
    same = {
        "node_id": NodeId(4),
        "agent": "annotator",
        "template": "annotator/assign_labels",
        "template_hash": PromptLibrary().hash("annotator/assign_labels"),
        "model": "scripted",
        "tool": "assign_label",
        "options": tuple(map(str, order)),
        "seed": 1,
        "usage": Usage(prompt_tokens=50, completion_tokens=7),
    }
    first, second = (f"0:{order[0]}", f"0:{order[1]}"), (f"2:{order[2]}",)
    assert [asdict(decision) for decision in found.decisions] == [
        asdict(Decision(item_id=ItemId("node 4 from 0"), choice=first, **same)),  # type: ignore[arg-type]
        asdict(Decision(item_id=ItemId("node 4 from 2"), choice=second, **same)),  # type: ignore[arg-type]
    ]
