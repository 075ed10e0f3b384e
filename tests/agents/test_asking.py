"""Asking: one request per item and question, and the decision row that each reply leaves."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from taxonaut.agents.asking import Answer, Asker, Question, rank_score
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ModelTimeoutError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.expand_node import FIELD, expand_node_spec
from taxonaut.tools.support.offers import Offer

PROMPT = PromptLibrary().get("navigator/expand")
OFFER = Offer((NodeId(30), NodeId(10), NodeId(20)), seed=5)
CHOICES = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
ONE = Item(ItemId("i1"), "first words")


def question(system: str = "s", context: str = "c") -> Question[NodeId]:
    return Question(NodeId(7), OFFER, CHOICES, expand_node_spec(3, 2), FIELD, 2, system, context)


class Fixed:
    """A model that gives one reply to everything."""

    def __init__(self, reply: ModelReply | ModelError, reads_prompts: bool = True) -> None:
        self.name = "fixed"
        self.reply = reply
        self.reads_prompts = reads_prompts

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        self.asked = list(requests)
        return [self.reply] * len(requests)


async def ask(model: Fixed | ScriptedModel) -> Answer[NodeId]:
    (answer,) = await Asker("navigator", model, PROMPT, "A task.").ask([(ONE, question())])
    return answer


async def test_an_item_before_a_question_is_one_request() -> None:
    model = ScriptedModel([[1]])
    await ask(model)
    assert model.history == [
        ModelRequest(
            system="s",
            context="c",
            item="Text: first words",
            blank_item="Text:",
            text="first words",
            tool=expand_node_spec(3, 2),
            field="branches",
            choices=CHOICES,
            most=2,
        )
    ]


async def test_a_prompt_names_the_columns_of_a_text_and_an_encoder_reads_it_without() -> None:
    item = Item(ItemId("i1"), "X200\nelectric kettle", (("title", "X200"), ("about", "electric kettle")))
    model = ScriptedModel([[1], [1]])
    await Asker("navigator", model, PROMPT, "A task.").ask(
        [(item, question()), (Item(ItemId("i2"), item.text), question())]
    )
    assert [(request.item, request.text) for request in model.history] == [
        ("Text: title: X200\nabout: electric kettle", item.text),
        ("Text: X200\nelectric kettle", item.text),
    ]


async def test_a_reply_becomes_a_decision_row() -> None:
    usage = Usage(100, 5, 70, 0.25, 2, False)
    scores, evidence = {1: 0.1, 2: 0.987654, 3: 0.5}, {2: "words"}
    answer = await ask(Fixed(ModelReply((2, 3), {"branches": [2, 3]}, usage, scores, evidence, "because")))
    assert (answer.chosen, answer.scores, answer.evidence, answer.reason) == (
        (10, 20),
        (0.987654, 0.5),
        ("words", ""),
        "because",
    )
    assert answer.decision == Decision(
        item_id=ItemId("i1"),
        node_id=NodeId(7),
        agent="navigator",
        template="navigator/expand",
        template_hash=PROMPT.hash,
        model="fixed",
        tool="expand_node",
        options=("30", "10", "20"),
        choice=("10", "20"),
        scores=(0.1, 0.9877, 0.5),
        evidence=("words", ""),
        seed=5,
        usage=usage,
        error="",
        rendered=sha256(b"s\0c\0Text: first words\0Text:").hexdigest()[:16],
    )


async def test_without_scores_the_place_in_the_answer_counts() -> None:
    answer = await ask(ScriptedModel([[3, 1]]))
    assert (answer.chosen, answer.scores, answer.decision.scores) == ((20, 30), (1.0, 0.5), ())
    assert [rank_score(place) for place in range(4)] == [1, 1 / 2, 1 / 3, 1 / 4]


async def test_an_error_is_an_abstention_that_says_why() -> None:
    answer = await ask(ScriptedModel([ModelTimeoutError("'m' took too long")]))
    assert (answer.chosen, answer.decision.choice, answer.decision.error) == ((), (), "'m' took too long")


async def test_a_model_that_is_not_there_is_raised() -> None:
    with pytest.raises(ModelNotFoundError, match="no such model"):
        await ask(ScriptedModel([ModelNotFoundError("no such model")]))


async def test_equal_texts_are_rendered_once_and_all_pairs_go_out_together() -> None:
    model = ScriptedModel(rule=lambda _: [1])
    asker = Asker("navigator", model, PROMPT, "")
    rendered: list[str] = []
    asker.render_block = lambda text: rendered.append(text) or f"<{text}>"  # type: ignore[method-assign,func-returns-value]
    two = Item(ItemId("i2"), ONE.text)
    answers = await asker.ask([(ONE, question()), (two, question()), (ONE, question("t"))])
    assert rendered == [ONE.text]
    assert [answer.item.id for answer in answers] == ["i1", "i2", "i1"]
    assert [request.system for request in model.history] == ["s", "s", "t"]


async def test_nothing_is_rendered_for_a_model_that_reads_nothing() -> None:
    model = Fixed(ModelReply((), {"branches": [0]}, Usage()), reads_prompts=False)
    asker = Asker("navigator", model, PROMPT, "A task.")
    await asker.ask([(ONE, question())])
    assert (model.asked[0].item, model.asked[0].blank_item, model.asked[0].text) == ("", "", "first words")
    assert asker.render_shared(lambda: pytest.fail("rendered")) == ("", "")


async def test_nothing_asked_nothing_answered() -> None:
    assert await Asker("navigator", ScriptedModel(), PROMPT, "").ask([]) == []
