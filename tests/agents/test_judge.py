"""The judge: one request a label where a prompt shows one, one for all where the choices are compared."""

from collections.abc import Sequence

import pytest

from taxonaut.agents.judge import SCORED_TEMPLATE, YES_NO, Judge, JudgedLabel
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Usage

ONE, TWO = Item(ItemId("one"), "red boots"), Item(ItemId("two"), "a boat")
SHOES = JudgedLabel(LabelId("shoes"), "Clothes > Shoes", ("brown boots", "x" * 500))
BOATS = JudgedLabel(LabelId("boats"), "Boats")


class Letters:
    """Scores a label by the letters that its own name and the text have in common."""

    name = "letters"

    def __init__(self, *, reads_prompts: bool = True) -> None:
        self.reads_prompts = reads_prompts
        self.history: list[ModelRequest] = []

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        self.history += requests
        return [self.one(request) for request in requests]

    def one(self, request: ModelRequest) -> ModelReply | ModelError:
        if "fail" in request.text:
            return ModelReplyError("no log-probabilities")
        scores = {
            choice.id: float(len(set(choice.texts[0].casefold()) & set(request.text)))
            for choice in request.choices
        }
        return ModelReply((), {"fitting": [0]}, Usage(), scores)


async def test_each_label_is_a_request_and_the_items_of_a_label_come_together() -> None:
    model = Letters()
    judge = Judge(model, PromptLibrary(), YES_NO, task="A shop.")
    scores, decisions = await judge.judge([ONE, TWO], [SHOES, BOATS])
    assert scores == {"one": {"shoes": 5.0, "boats": 4.0}, "two": {"shoes": 3.0, "boats": 4.0}}
    assert [(d.item_id, d.options, d.scores) for d in decisions] == [
        ("one", ("shoes",), (5.0,)),
        ("two", ("shoes",), (3.0,)),
        ("one", ("boats",), (4.0,)),
        ("two", ("boats",), (4.0,)),
    ]
    first = model.history[0]
    assert first.context.splitlines() == [
        "Label: Clothes > Shoes",
        "Texts that it fits:",
        "- brown boots",
        "- " + "x" * 400,
        "Does it fit the text that follows? Answer yes or no.",
    ]
    assert (first.item, [choice.texts for choice in first.choices]) == (
        "Text: red boots",
        [("Clothes > Shoes",)],
    )


async def test_examples_stand_in_the_prompt_of_a_scored_answer_under_the_label_s_own_name() -> None:
    model = Letters()
    await Judge(model, PromptLibrary(), SCORED_TEMPLATE).judge([ONE], [SHOES, BOATS])
    assert model.history[0].context.startswith("Text: brown boots\nCategory: Shoes\n\nText: xxx")
    assert model.history[1].context == ""


async def test_one_request_has_all_labels_and_their_examples_where_no_prompt_is_read() -> None:
    model = Letters(reads_prompts=False)
    judge = Judge(model, PromptLibrary(), YES_NO, separately=False)
    scores, decisions = await judge.judge([TWO], [SHOES, BOATS])
    (request,) = model.history
    assert [choice.texts for choice in request.choices] == [("Clothes > Shoes", *SHOES.examples), ("Boats",)]
    assert (scores, decisions[0].options) == ({"two": {"shoes": 3.0, "boats": 4.0}}, ("shoes", "boats"))


async def test_a_failed_request_leaves_its_label_out() -> None:
    failing = Item(ItemId("bad"), "fail")
    scores, decisions = await Judge(Letters(), PromptLibrary(), YES_NO).judge([failing], [BOATS])
    assert (scores, [d.error for d in decisions]) == ({"bad": {}}, ["no log-probabilities"])


@pytest.mark.parametrize("labels", [[], [BOATS]])
async def test_nothing_to_judge(labels: list[JudgedLabel]) -> None:
    assert await Judge(Letters(), PromptLibrary(), YES_NO).judge([], labels) == ({}, [])
