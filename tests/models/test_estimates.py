"""A build's costs before it is made: an encoder decides, every prompt is counted."""

import json
from collections.abc import Sequence
from typing import Any

from taxonaut.models.estimates import DESCRIPTION, EstimatingAnswers, Proposed, Tally
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import prompt_tokens
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec, Usage
from taxonaut.tools.write.propose_category import propose_categories_spec

SERVER = ModelSettings(model="openai/x", api_base="http://127.0.0.1:1/v1")
FOXES = Choice(1, ("foxes", "red fox", "fox cub"))
WHALES = Choice(2, ("whales", "blue whale"))
OPEN = ModelRequest(
    "sys", "two groups", "Labels: …", "", "", propose_categories_spec(2), "", (FOXES, WHALES), 2
)


def words(text: str) -> int:
    return len(text.split())


def assigning(texts: Sequence[str], *choices: Choice) -> ModelRequest:
    tool = ToolSpec("assign_label", "Assign.", {"type": "object"})
    return ModelRequest("sys", "the centres", "the labels", "", "", tool, "", choices, 1, tuple(texts))


def estimating(*replies: Any, **settings: Any) -> tuple[EstimatingAnswers, ScriptedModel]:
    encoder = ScriptedModel(replies)
    return EstimatingAnswers(SERVER.model_copy(update=settings), encoder, words), encoder


async def test_an_open_call_takes_what_is_suggested() -> None:
    model, encoder = estimating()
    (reply,) = await model.answer([OPEN])
    categories = [{"name": name, "description": DESCRIPTION} for name in ("foxes", "whales")]
    assert reply == ModelReply(
        (),
        {"categories": categories},
        Usage(
            prompt_tokens=prompt_tokens(OPEN, SERVER, words),
            completion_tokens=words(json.dumps({"categories": categories})),
        ),
    )
    assert encoder.history == []
    assert (model.name, model.reads_prompts) == ("openai/x", True)


async def test_labels_are_compared_with_those_behind_a_proposed_category() -> None:
    model, encoder = estimating({"1": [2], "2": [1]})
    await model.answer([OPEN])
    shown = (Choice(1, ("whales",)), Choice(2, ("foxes",)))
    request = assigning(["vixen", "orca"], *shown)
    (reply,) = await model.answer([request])
    (asked,) = encoder.history
    assert asked.choices == (
        Choice(1, WHALES.texts),
        Choice(2, FOXES.texts),
    )
    assert isinstance(reply, ModelReply)
    assert reply.each == ((2,), (1,))
    assert reply.usage == Usage(
        prompt_tokens=prompt_tokens(request, SERVER, words), completion_tokens=words('{"1": [2], "2": [1]}')
    )


def test_equal_names_of_two_proposals_are_told_apart_by_the_others() -> None:
    known = Proposed()
    other = Choice(1, ("foxes", "polar fox"))
    known.add([FOXES, WHALES])
    known.add([other, Choice(2, ("bears", "polar bear"))])

    def behind(*names: str) -> list[tuple[str, ...]]:
        choices = [Choice(number, (name,)) for number, name in enumerate(names, start=1)]
        found = known.behind(choices)
        return [found[name].texts for name in names if name in found]

    assert behind("whales", "foxes") == [WHALES.texts, FOXES.texts]
    assert behind("foxes", "bears") == [other.texts, ("bears", "polar bear")]
    assert behind("foxes") == [other.texts]
    assert behind("foxes", "owls") == behind("owls") == behind() == []


async def test_the_annotator_knows_what_the_architect_proposed() -> None:
    known = Proposed()
    encoder = ScriptedModel([{"1": [1]}])
    await EstimatingAnswers(SERVER, ScriptedModel(), words, known).answer([OPEN])
    request = assigning(["vixen"], Choice(1, ("foxes",)), Choice(2, ("whales",)))
    await EstimatingAnswers(SERVER, encoder, words, known).answer([request])
    assert [choice.texts for choice in encoder.history[0].choices] == [FOXES.texts, WHALES.texts]


async def test_replies_keep_their_order_and_errors_their_place() -> None:
    model, _ = estimating({"1": [1]}, ModelReplyError("no text"))
    tally = Tally(model)
    first, second, third = await tally.answer([assigning(["a"], FOXES), OPEN, assigning(["b"], FOXES)])
    assert isinstance(first, ModelReply)
    assert isinstance(second, ModelReply)
    assert (first.each, second.each, str(third)) == (((1,),), (), "no text")
    assert (tally.requests, tally.name, tally.reads_prompts) == (3, "openai/x", True)
    assert tally.prompt_tokens == first.usage.prompt_tokens + second.usage.prompt_tokens
    assert tally.completion_tokens == first.usage.completion_tokens + second.usage.completion_tokens


async def test_a_model_that_scores_writes_nothing() -> None:
    model, _ = estimating([1], model="gguf/x", answer="scored")
    tool = ToolSpec("assign_label", "Assign.", {})
    request = ModelRequest("sys", "", "Text: vixen", "", "vixen", tool, "centres", (FOXES, WHALES), 1)
    (reply,) = await model.answer([request])
    assert isinstance(reply, ModelReply)
    assert reply.chosen == (1,)
    scored = ModelSettings(model="gguf/x", answer="scored")
    assert reply.usage == Usage(prompt_tokens=prompt_tokens(request, scored, words))


async def test_a_tally_of_an_encoder_counts_its_requests() -> None:
    tally = Tally(ScriptedModel([{"1": [1]}, {"1": [2]}]))
    await tally.answer([assigning(["a"], FOXES, WHALES)])
    await tally.answer([assigning(["b"], FOXES, WHALES)])
    assert (tally.requests, tally.prompt_tokens, tally.completion_tokens) == (2, 0, 0)
