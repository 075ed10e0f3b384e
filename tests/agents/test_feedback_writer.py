"""The writer of feedback: what it is shown of an error or a miss, and what comes of its answers."""

from typing import Any

import pytest

from taxonaut.agents.writers.feedback_writer import FeedbackWriter, FitCase
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelNotFoundError, ModelReplyError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item

SONG = Item(ItemId("1"), "loud guitars and drums")
MISSED = FitCase(SONG, "Music > Rock", "guitars, drums, bass", branch=False, fits=True)
ERROR = FitCase(SONG, "Dance", "", branch=True, fits=False)


def writer(*answers: Any) -> tuple[FeedbackWriter, ScriptedModel]:
    model = ScriptedModel(answers)
    return FeedbackWriter(model, PromptLibrary(), "Songs."), model


async def test_what_is_shown_of_an_inconsistent_label() -> None:
    one, model = writer({"reasons": "Guitars.", "fits": True}, {"reasons": "No dance.", "fits": False})
    await one.write([MISSED, ERROR])
    first, second = model.history
    assert first.context.splitlines() == [
        "The label: Music > Rock: guitars, drums, bass",
        "It is known that it fits. Say why.",
        "Call explain_fit with the reasons and with whether it fits.",
    ]
    assert second.context.splitlines() == [
        "The label is a category, which fits if a label below it does: Dance",
        "It is known that it does not fit. Say why not.",
        "Call explain_fit with the reasons and with whether it fits.",
    ]
    assert (first.item, first.text) == ("Text: loud guitars and drums", SONG.text)
    assert "Songs." in first.system
    assert first.tool.parameters["properties"]["fits"]["enum"] == [True]
    asked = one.build_question(MISSED)
    assert asked.context.splitlines()[1] == "Say why it fits or does not, then whether it fits."
    assert "enum" not in asked.tool.parameters["properties"]["fits"]
    assert asked.system == first.system


async def test_what_comes_of_the_answers() -> None:
    one, _ = writer(
        {"reasons": " Guitars\nand drums. ", "fits": True},
        {"reasons": "It does.", "fits": False},
        {"reasons": "?!", "fits": True},
        {"reasons": "loud " * 20, "fits": True},
        ModelReplyError("no call"),
    )
    written = await one.write([MISSED] * 5)
    assert written[0].arguments == {"reasons": "Guitars and drums.", "fits": True}
    assert [str(each.error) for each in written[1:]] == [
        "`fits` does not keep to its schema, which has enum: [true].",
        "`reasons` is a text with words; '?!' was given",
        f"`reasons` repeats itself: {('loud ' * 20)[:80]!r} …",
        "no call",
    ]
    decision = written[0].decision
    assert (decision.item_id, decision.agent, decision.template, decision.tool, decision.options) == (
        "1",
        "feedback_writer",
        "feedback/explain",
        "explain_fit",
        ("Music > Rock",),
    )
    assert [bool(each.decision.error) for each in written] == [False, True, True, True, True]


async def test_a_model_that_does_not_exist_ends_the_work() -> None:
    one, _ = writer(ModelNotFoundError("no such model"))
    with pytest.raises(ModelNotFoundError, match="no such model"):
        await one.write([MISSED])
