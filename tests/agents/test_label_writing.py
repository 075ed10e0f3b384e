"""ICXML's steps: labels written or quoted, and mapped to the label set."""

from collections.abc import Sequence

import pytest
from fakes import bag_embedder

from taxonaut.agents.icxml import LabelMapper, LabelWriter, PhraseWriter
from taxonaut.agents.support.texts import LabelTable
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Usage

NAMES = ["red apple", "green apple", "blue boat", "green boat"]
LABELS = [LabelId(str(number)) for number in range(len(NAMES))]


class Author:
    """Writes what the text says after `write:`."""

    name = "author"
    reads_prompts = True

    def __init__(self) -> None:
        self.history: list[ModelRequest] = []

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        self.history += requests
        return [self.one(request.text) for request in requests]

    def one(self, text: str) -> ModelReply | ModelError:
        if text == "gone":
            return ModelNotFoundError("no such model")
        if text == "fail":
            return ModelReplyError("no valid call")
        labels: object = text.split(",") if text != "number" else 7
        return ModelReply((), {"labels": labels}, Usage(prompt_tokens=5))


def table() -> LabelTable:
    return LabelTable(LABELS, NAMES, bag_embedder(256, counts=False).embed(NAMES))


def item(text: str) -> Item:
    return Item(ItemId(text), text)


async def test_written_labels_are_cleaned_and_their_decisions_kept() -> None:
    model = Author()
    writer = LabelWriter(model, PromptLibrary(), "A shop.", ["Red apple", "Boat"], most=2)
    first, second, third = await writer.write(
        [item(" Fruit ,fruit,,Sweet   food,more"), item("fail"), item("number")]
    )
    assert first.labels == ("Fruit", "Sweet food")
    assert (first.decision.choice, first.decision.tool, first.decision.usage.prompt_tokens) == (
        ("Fruit", "Sweet food"),
        "write_labels",
        5,
    )
    assert (second.labels, second.decision.error) == ((), "no valid call")
    assert (third.labels, third.decision.error) == ((), "`labels` is a list of texts; 7 was given")
    request = model.history[0]
    assert (request.choices, request.field, request.tool.name) == ((), "", "write_labels")
    assert request.context.splitlines()[1:] == [
        "- Red apple",
        "- Boat",
        "Call write_labels with at most 2 labels, best first.",
    ]


async def test_a_model_that_is_not_there_stops_everything() -> None:
    with pytest.raises(ModelNotFoundError, match="no such model"):
        await LabelWriter(Author(), PromptLibrary()).write([item("gone")])


async def test_an_embedder_quotes_the_phrases_nearest_to_labels() -> None:
    writer = PhraseWriter(TextScorer(bag_embedder(256, counts=False)), table, most=2)
    written, other = await writer.write([item("sold: a red apple, ripe"), item("boat")])
    assert written.labels == ("red apple", "red")
    assert (other.labels, other.decision.agent, other.decision.model) == (("boat",), "phrase_writer", "bag")
    assert await writer.write([]) == []


async def test_written_labels_take_turns() -> None:
    mapper = LabelMapper(TextScorer(bag_embedder(256, counts=False)), table)
    written = [["green boat", "red apple"], [], ["apple"]]
    assert await mapper.shortlists(written, 3) == [["3", "0", "1"], [], ["0", "1", "2"]]
    assert await mapper.shortlists([[], []], 3) == [[], []]
    assert await mapper.shortlists([["boat"]], 99) == [["2", "3", "0", "1"]]
