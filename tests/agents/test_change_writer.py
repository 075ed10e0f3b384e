"""Proposals for what no descriptor fits: written by a model, voted by items, or chosen by likelihood."""

from typing import Any

import pytest
from fakes import compass

from taxonaut.agents.architect import AnswerMode
from taxonaut.agents.support.descriptor_changes import UncoveredCluster
from taxonaut.agents.writers.change_writer import ChangeWriter
from taxonaut.models.encoder.label_encoder import LabelEncoder
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Usage
from taxonaut.tools.write.propose_change import DescriptorChange

TEXTS = {"i1": "a gel pen", "i2": "a sheet of paper", "x1": "x1 text", "x2": "x2 text"}
PENS = Centre("Pens", "To write with.", ("i1",), ("gel pens",), ("ink",))
PAPER = Centre("Paper", "To write on.", ("i2",))
LAMPS = UncoveredCluster(
    "3",
    ("Office", "Desk"),
    (PENS, PAPER),
    24,
    ("desk lamp", "LED\nlamp"),
    ("lamp a", "lamp b", "lamp c"),
    Centre("lamp, LED", examples=("x1", "x2")),
    ("Lamps; nothing gives light.",),
)


def writer(model: Any, mode: AnswerMode = "written", seed: int = 0) -> ChangeWriter:
    return ChangeWriter(model, PromptLibrary(), TEXTS.__getitem__, "The items are goods.", mode, seed)


def call(kind: str, **more: Any) -> dict[str, Any]:
    empty = {"descriptor": 0, "name": "", "description": "", "includes": [], "excludes": []}
    return {"problem": "things that give light", "change": kind, **empty, **more}


class Electing(ScriptedModel):
    """Answers requests with several texts, and like an encoder reads no prompts."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(replies)
        self.reads_prompts = False


async def test_what_a_request_looks_like() -> None:
    model = ScriptedModel([call("ignore")])
    await writer(model).write([LAMPS])
    (request,) = model.history
    assert request.context.splitlines() == [
        "The items are all from: Office > Desk",
        "Descriptors that are there:",
        "1. Pens: To write with. (includes: gel pens) (excludes: ink)",
        "2. Paper: To write on.",
        "Call propose_change.",
    ]
    assert request.system.splitlines()[0] == (
        "You look after the quality of a vocabulary of descriptors. The items are goods."
    )
    assert request.item.splitlines() == [
        "Items without a descriptor:",
        "24 in all, such as:",
        "- desk lamp",
        "- LED lamp",
        "Annotators said:",
        "- Lamps; nothing gives light.",
    ]
    assert (request.field, request.choices, request.texts) == ("", (), ())
    assert request.tool.parameters["properties"]["descriptor"]["maximum"] == 2


async def test_the_three_kinds_of_written_changes() -> None:
    model = ScriptedModel(
        [
            call("create", name="Lamps", description="They give light.", includes=["LED lamps"]),
            call("expand", descriptor=2, description="To write on or at.", includes=["lamps"]),
            call("ignore"),
        ]
    )
    found = await writer(model).write([LAMPS] * 3)
    assert [each.change for each in found] == [
        DescriptorChange(
            "create", "things that give light", Centre("Lamps", "They give light.", (), ("LED lamps",), ())
        ),
        DescriptorChange(
            "expand",
            "things that give light",
            Centre("Paper", "To write on or at.", ("i2",), ("lamps",), ()),
            1,
        ),
        DescriptorChange("ignore", "things that give light"),
    ]
    assert [each.error for each in found] == [None] * 3
    assert [each.decision.choice for each in found] == [
        ("create", "Lamps", "things that give light"),
        ("expand", "Paper", "things that give light"),
        ("ignore", "", "things that give light"),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_numbers_are_those_of_the_shuffled_list(seed: int) -> None:
    centres = tuple(Centre(name) for name in ("Pens", "Paper", "Tape", "Glue"))
    cluster = UncoveredCluster("", (), centres, 2, ("a",), ("b",), Centre("s"))

    def rule(request: ModelRequest) -> Any:
        (line,) = (line for line in request.context.splitlines() if line.endswith(". Tape"))
        return call("expand", descriptor=int(line.split(".")[0]), includes=["reels"])

    (found,) = await writer(ScriptedModel(rule=rule), seed=seed).write([cluster])
    assert found.change == DescriptorChange(
        "expand", "things that give light", Centre("Tape", includes=("reels",)), at=2
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (call("create", name="Misc"), "'Misc' tells nothing apart; name what the category holds"),
        (
            call("create", name="desk"),
            "'desk' is the name of its parent; name what sets this part of it apart",
        ),
        (
            call("create", name="PEN"),
            "'Pens' stands under this node already; use it, or name what is different",
        ),
        (call("expand"), "descriptor 0 is not there; expand one of 1 to 2"),
    ],
)
async def test_a_change_that_cannot_be_made_is_none(given: dict[str, Any], problem: str) -> None:
    (found,) = await writer(ScriptedModel([given])).write([LAMPS])
    assert (found.change, found.error) == (DescriptorChange("ignore", problem), None)
    assert found.decision.choice == ("ignore", "", problem)


async def test_a_failure_stays_in_its_place() -> None:
    gone = ModelUnavailableError("the server is gone")
    model = ScriptedModel([{"change": "create"}, gone, call("ignore")])
    bad, failed, fine = await writer(model).write([LAMPS] * 3)
    assert isinstance(bad.error, ModelReplyError)
    assert bad.change.kind == "ignore"
    assert bad.change.problem.startswith("no proposal could be had: `propose_change` does not keep to its ")
    assert failed.error is gone
    assert failed.change == DescriptorChange("ignore", "no proposal could be had: the server is gone")
    assert (failed.decision.error, fine.decision.error) == ("the server is gone", "")
    assert fine.change == DescriptorChange("ignore", "things that give light")


async def test_nothing_is_asked_about_no_cluster() -> None:
    model = ScriptedModel()
    assert (await writer(model).write([]), model.history) == ([], [])


async def test_the_decision_says_who_proposed_what() -> None:
    class Costly(ScriptedModel):
        def answer_one(self, request: ModelRequest) -> Any:
            return ModelReply((), call("ignore"), Usage(prompt_tokens=90, completion_tokens=12))

    (found,) = await writer(Costly()).write([LAMPS])
    decision = found.decision
    assert (decision.node_id, decision.agent) == (None, "annotator")
    assert decision.item_id == ItemId("change 3: lamp, LED")
    assert (decision.template, decision.tool) == ("annotator/propose_change", "propose_change")
    assert decision.template_hash == PromptLibrary().hash("annotator/propose_change")
    assert decision.options == ("Pens", "Paper")
    assert (decision.usage.prompt_tokens, decision.usage.completion_tokens) == (90, 12)


async def test_items_vote_among_the_descriptors_and_a_new_one() -> None:
    model = Electing(
        {"1": [3], "2": [3], "3": [1]}, {"1": [2], "2": [0], "3": [2]}, {"1": [0], "2": [0], "3": [3]}
    )
    found = await writer(model, "voted").write([LAMPS] * 3)
    request = model.history[0]
    assert request.choices == (
        Choice(1, ("Pens", "a gel pen", "gel pens")),
        Choice(2, ("Paper", "a sheet of paper")),
        Choice(3, ("lamp, LED", "x1 text", "x2 text")),
    )
    assert (request.texts, request.text, request.field, request.most) == (LAMPS.voters, "", "", 1)
    assert (request.system, request.context, request.item) == ("", "", "")
    told = "such as 'desk lamp'"
    assert [each.change for each in found] == [
        DescriptorChange("create", told, Centre("lamp, LED")),
        DescriptorChange("expand", told, PAPER, 1),
        DescriptorChange("ignore", told),
    ]


async def test_of_equal_votes_none_and_the_older_descriptor_win() -> None:
    model = Electing(
        {"1": [3], "2": [1], "3": [0]}, {"1": [3], "2": [1], "3": [1]}, ModelReplyError("no vectors")
    )
    found = await writer(model, "voted").write([LAMPS] * 3)
    assert [(each.change.kind, each.change.at) for each in found] == [
        ("ignore", None),
        ("expand", 0),
        ("ignore", None),
    ]
    assert found[2].change.problem == "no proposal could be had: no vectors"


async def test_a_suggested_name_that_tells_nothing_apart_is_no_descriptor() -> None:
    cluster = UncoveredCluster("", (), (PENS,), 2, ("a",), ("b",), Centre("other, things"))
    (found,) = await writer(Electing({"1": [2]}), "voted").write([cluster])
    assert found.change == DescriptorChange(
        "ignore", "'other, things' tells nothing apart; name what the category holds"
    )


async def test_an_encoder_lets_the_items_vote_by_their_vectors() -> None:
    angles = compass()
    model = LabelEncoder(TextScorer(angles, ScoreSettings()), angles.embed)  # type: ignore[arg-type]
    centres = (Centre("0"), Centre("90"))

    def cluster(*voters: str) -> UncoveredCluster:
        return UncoveredCluster("", (), centres, 3, voters[:1], voters, Centre("180", examples=("170",)))

    asked = ChangeWriter(model, PromptLibrary(), lambda item: item, mode="voted")
    clusters = [cluster("175", "160", "100"), cluster("80", "85", "175"), cluster("-90", "-80", "-95")]
    found = await asked.write(clusters)
    assert [(each.change.kind, each.change.at, each.change.centre) for each in found] == [
        ("create", None, Centre("180")),
        ("expand", 1, Centre("90")),
        ("ignore", None, None),
    ]
    assert found[0].change.problem == "such as '175'"


async def test_a_model_that_only_scores_chooses_for_some_of_the_items_together() -> None:
    model = ScriptedModel([[3], [1], [0]])
    found = await writer(model, "scored").write([LAMPS] * 3)
    request = model.history[0]
    assert (request.text, request.texts, request.field) == ("lamp a; lamp b; lamp c", (), "descriptor")
    assert (request.item, request.blank_item) == ("Text: lamp a; lamp b; lamp c", "Text:")
    assert [choice.texts[0] for choice in request.choices] == ["Pens", "Paper", "lamp, LED"]
    assert [(each.change.kind, each.change.at) for each in found] == [
        ("create", None),
        ("expand", 0),
        ("ignore", None),
    ]
    assert found[0].decision.template == "annotator/propose_change_scored"
