"""Descriptors of items: what the architect may name them, and what annotators are shown and say of them."""

from typing import Any

import numpy as np

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings, CentreText, Job
from taxonaut.agents.architect import DESCRIPTORS, AnswerMode, Architect, ArchitectSettings
from taxonaut.agents.support.texts import TextTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.models.requests import Choice, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.graph_states.build_index import Centre, Partition
from taxonaut.state.ids import ItemId

GOODS = ("red pen", "gel pen", "ink pen", "copy paper", "note paper", "card paper")


def suggestions(texts: tuple[str, ...] = GOODS) -> VectorClusters[ItemId]:
    """Pens to the right, paper upwards."""
    angles = np.radians([(90 if "paper" in text else 0) + place for place, text in enumerate(texts)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    ids = [ItemId(f"i{place}") for place in range(len(texts))]
    return VectorClusters(lambda: TextTable(ids, list(texts), vectors))


def group(key: str = "", path: tuple[str, ...] = (), siblings: tuple[Centre, ...] = ()) -> Partition[ItemId]:
    return Partition(key, path, tuple(ItemId(f"i{place}") for place in range(len(GOODS))), siblings)


def architect(model: Any, mode: AnswerMode = "written", texts: tuple[str, ...] = GOODS) -> Architect[ItemId]:
    settings = ArchitectSettings(task="The items are goods.")
    return Architect(model, PromptLibrary(), suggestions(texts), settings, mode, DESCRIPTORS)


def descriptor(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"all {name}", "includes": [], "excludes": [], **more}


async def test_the_architect_is_shown_items_and_asked_for_descriptors() -> None:
    model = ScriptedModel([{"categories": [descriptor("Pens"), descriptor("Paper")]}])
    (proposal,) = await architect(model).propose([group("2", ("Office",))], [3])
    (request,) = model.history
    assert request.system.splitlines()[0] == (
        "You build a vocabulary of descriptors for a collection of items, from coarse to fine. "
        "The items are goods."
    )
    assert request.context.splitlines()[0] == (
        "The group: Office. Every descriptor must be more specific than that."
    )
    assert request.context.splitlines()[-1] == (
        "Call propose_category with 2 to 3 descriptors, the more the items differ the more."
    )
    assert request.item.splitlines() == ["Items:", *(f"- {text}" for text in GOODS)]
    assert request.tool.parameters["properties"]["categories"]["maxItems"] == 3
    assert proposal.decision.template == "architect/propose_descriptors"
    assert proposal.decision.choice == ("Pens", "Paper")


async def test_what_descriptors_include_and_exclude_gets_through() -> None:
    pens = descriptor("Pens", includes=["gel pens", " gel  pens", ""], excludes=["ink\nbottles"])
    model = ScriptedModel([{"categories": [pens, descriptor("Paper", description=" To\nwrite on. ")]}])
    (proposal,) = await architect(model).propose([group()], [3])
    assert proposal.centres == (
        Centre("Pens", "all Pens", (), ("gel pens",), ("ink bottles",)),
        Centre("Paper", "To write on."),
    )
    assert (proposal.problems, proposal.error) == ((), None)


async def test_near_duplicates_and_leftovers_are_refused() -> None:
    names = ("Gel pens", "Pens for Gel", "Other pens", "office", "Paper", "paper!", "Glue", "Tape")
    model = ScriptedModel([{"categories": [descriptor(name) for name in names]}])
    (proposal,) = await architect(model).propose([group("2", ("Goods", "Office"), (Centre("Tapes"),))], [9])
    assert [centre.name for centre in proposal.centres] == ["Gel pens", "Paper", "Glue"]
    assert proposal.problems == (
        "'Pens for Gel' says the same as its sibling 'Gel pens'; use that, or name what is different",
        "'Other pens' tells nothing apart; name what the category holds",
        "'office' is the name of its parent; name what sets this part of it apart",
        "'Paper' stands under this node already; use it, or name what is different",
        "'Tapes' stands under this node already; use it, or name what is different",
    )


async def test_a_descriptor_without_its_lists_is_no_valid_call() -> None:
    model = ScriptedModel([{"categories": [{"name": "Pens", "description": ""}, descriptor("Paper")]}])
    (proposal,) = await architect(model).propose([group()], [3])
    assert isinstance(proposal.error, ModelReplyError)
    assert (proposal.centres, proposal.decision.error) == ((), str(proposal.error))


async def test_candidates_of_word_statistics_keep_the_rules_too() -> None:
    class Encoder(ScriptedModel):
        reads_prompts = False

        def answer_one(self, request: ModelRequest) -> Any:
            self.queue.append({str(n): [n % len(request.choices) + 1] for n in range(1, len(GOODS) + 1)})
            return super().answer_one(request)

    (plain,) = await architect(Encoder(), "voted").propose([group()], [2])
    assert plain.decision.options == ("paper, card, copy", "gel, ink", "red")
    assert [centre.name for centre in plain.centres] == ["paper, card, copy", "gel, ink"]
    assert plain.problems == ()
    siblings = (Centre("Ink & gel"),)
    (refused,) = await architect(Encoder(), "voted").propose([group("1", ("Office",), siblings)], [2])
    assert [centre.name for centre in refused.centres] == ["paper, card, copy", "red"]
    assert refused.problems == (
        "'gel, ink' says the same as its sibling 'Ink & gel'; use that, or name what is different",
    )


PENS = CentreText("Pens", "to write with", ("a biro",), ("gel pens", "biros"), ("ink",))
PAPER = CentreText("Paper", includes=("cards",))
LABELS = ("red pen", "lamp", "note paper", "clock")
HOMES = {"red pen": "Pens", "note paper": "Paper"}


def annotator(model: Any, *, scored: bool = False, **settings: Any) -> Annotator:
    return Annotator(
        model,
        PromptLibrary(),
        AnnotatorSettings(task="The items are goods.", **settings),
        scored=scored,
        kind=ASSIGN_ITEMS,
    )


def at_home(request: ModelRequest) -> Any:
    """Answer with what `HOMES` has, and a word on the others if there are any."""
    numbers = {choice.texts[0]: choice.id for choice in request.choices}
    chosen = {str(n): [numbers.get(HOMES.get(text, ""), 0)] for n, text in enumerate(request.texts, start=1)}
    strange = [text for text in request.texts if text not in HOMES]
    return {**chosen, "why": f" {' and '.join(strange)}\nfit  nothing" if strange else ""}


async def test_annotators_see_what_descriptors_include_and_exclude() -> None:
    model = ScriptedModel(rule=at_home)
    asking = annotator(model, most=1)
    job = Job("group root round 1", LABELS, (PENS, PAPER), ("Office",))
    (found,) = await asking.assign([job])
    (request,) = model.history
    assert request.system.splitlines()[0] == "You put descriptors on items. The items are goods."
    assert request.context.splitlines() == [
        "The items are all from: Office",
        "Descriptors:",
        "1. Pens: to write with (includes: gel pens; biros) (excludes: ink) (such as a biro)",
        "2. Paper (includes: cards)",
        "0. none of these",
        "Call assign_label with at most 1 of them for each item.",
    ]
    assert request.choices == (
        Choice(1, ("Pens", "a biro", "gel pens", "biros")),
        Choice(2, ("Paper", "cards")),
    )
    assert request.item.splitlines() == [
        "Items:",
        *(f"{n}. {text}" for n, text in enumerate(LABELS, start=1)),
    ]
    assert request.tool.parameters["required"] == ["1", "2", "3", "4", "why"]
    assert found.each == ((0,), (), (1,), ())
    assert found.why == ("", "lamp and clock fit nothing", "", "lamp and clock fit nothing")
    assert found.decisions[0].template == "annotator/assign_items"
    assert (found.error, found.failed) == (None, frozenset())


async def test_a_word_on_why_stays_with_the_items_of_its_request() -> None:
    model = ScriptedModel(rule=at_home)
    (found,) = await annotator(model, batch=2).assign([Job("k", LABELS, (PENS, PAPER))])
    assert found.why == ("", "lamp fit nothing", "", "clock fit nothing")


async def test_items_of_a_bad_reply_are_asked_about_in_halves_and_keep_their_own_words() -> None:
    gone = ModelReplyError("no call")

    model = ScriptedModel(rule=lambda request: gone if "clock" in request.texts else at_home(request))
    (found,) = await annotator(model).assign([Job("k", LABELS, (PENS, PAPER))])
    assert [request.texts for request in model.history] == [
        LABELS,
        ("red pen", "lamp"),
        ("note paper", "clock"),
        ("note paper",),
        ("clock",),
    ]
    assert found.each == ((0,), (), (1,), ())
    assert found.why == ("", "lamp fit nothing", "", "")
    assert (found.error, found.failed) == (gone, frozenset({3}))


async def test_all_items_of_a_request_that_failed_are_named() -> None:
    gone = ModelUnavailableError("gone")
    model = ScriptedModel([{"1": [1], "2": [0], "why": "odd"}, gone])
    (found,) = await annotator(model, batch=2).assign([Job("k", LABELS, (PENS, PAPER))])
    assert (found.each, found.failed, found.error) == (((0,), (), (), ()), frozenset({2, 3}), gone)
    assert found.why == ("", "odd", "", "")


async def test_a_call_without_a_word_is_valid() -> None:
    model = ScriptedModel([{"1": [0], "why": None}, {"1": [0]}, {"1": [0], "why": "x" * 300}, {"1": [2]}])
    (found,) = await annotator(model, batch=1).assign([Job("k", LABELS, (PENS, PAPER))])
    assert found.why == ("", "", "x" * 200, "")


async def test_a_model_that_scores_says_nothing_about_items() -> None:
    model = ScriptedModel([[1], [0], [2], [0]])
    (found,) = await annotator(model, scored=True).assign([Job("k", LABELS, (PENS, PAPER))])
    assert (found.each, found.why) == (((0,), (), (1,), ()), ("",) * 4)
    assert found.decisions[0].template == "annotator/assign_label_scored"
