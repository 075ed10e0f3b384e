"""The review of a round: all proposals in one request, or an election among all descriptors for each."""

from typing import Any

from fakes import compass

from taxonaut.agents.architect import AnswerMode
from taxonaut.agents.change_reviewer import Case, ChangeReviewer, describe_proposal
from taxonaut.agents.support.descriptor_changes import UncoveredCluster
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

TEXTS = {"i1": "a gel pen", "i2": "a sheet of paper"}
PENS = Centre("Pens", "To write with.", ("i1",), ("gel pens",), ("ink",))
PAPER = Centre("Paper", "To write on.", ("i2",))
LAMPS = DescriptorChange(
    "create", "nothing gives light", Centre("Lamps", "They give light.", (), ("LEDs",), ("candles",))
)
WIDER = DescriptorChange(
    "expand", "cards are paper, too", Centre("Paper", "To write on.", ("i2",), ("cards",)), 1
)
CLOCKS = DescriptorChange("create", "", Centre("Clocks"))


def cluster(size: int, *examples: str) -> UncoveredCluster:
    voters = tuple(f"{text} voter" for text in examples)
    return UncoveredCluster("3", ("Office",), (PENS, PAPER), size, examples, voters, Centre("s"))


CASE = Case(
    "3",
    ("Office",),
    (PENS, PAPER),
    ((cluster(24, "lamp"), LAMPS), (cluster(7, "card"), WIDER), (cluster(3, "clock"), CLOCKS)),
)


def reviewer(model: Any, mode: AnswerMode = "written") -> ChangeReviewer:
    return ChangeReviewer(model, PromptLibrary(), TEXTS.__getitem__, "The items are goods.", mode)


def verdict(approve: bool, reason: str) -> dict[str, Any]:
    return {"reason": reason, "approve": approve}


VERDICTS = {"1": verdict(True, "new"), "2": verdict(False, "too wide"), "3": verdict(True, "")}


class Electing(ScriptedModel):
    """Answers requests with several texts, and like an encoder reads no prompts."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(replies)
        self.reads_prompts = False


async def test_all_proposals_of_a_round_are_in_one_request() -> None:
    model = ScriptedModel([VERDICTS])
    (found,) = await reviewer(model).review([CASE])
    (request,) = model.history
    assert request.system.splitlines()[0] == (
        "You decide on changes to a vocabulary of descriptors. The items are goods."
    )
    assert request.context.splitlines() == [
        "The group: Office",
        "Descriptors that are there:",
        "1. Pens: To write with. (includes: gel pens) (excludes: ink)",
        "2. Paper: To write on.",
        "Call review_changes with a reason and a decision for each proposal, by its number.",
    ]
    assert request.item.splitlines() == [
        "Proposals:",
        "1. Create 'Lamps': They give light. (includes: LEDs) (excludes: candles) — for 24 items: "
        "nothing gives light",
        "2. Expand 'Paper': To write on. (includes: cards) — for 7 items: cards are paper, too",
        "3. Create 'Clocks' — for 3 items",
    ]
    assert (request.field, request.choices, request.texts) == ("", (), ())
    assert request.tool.parameters["required"] == ["1", "2", "3"]
    assert found.verdicts == ((True, "new"), (False, "too wide"), (True, "no reason was given"))
    assert found.error is None


def test_a_proposal_is_one_line_whatever_is_in_it() -> None:
    assert "\n" not in describe_proposal(*CASE.proposals[0])


async def test_the_decision_says_what_was_decided() -> None:
    class Costly(ScriptedModel):
        def answer_one(self, request: ModelRequest) -> Any:
            return ModelReply((), VERDICTS, Usage(prompt_tokens=90, completion_tokens=12))

    (found,) = await reviewer(Costly()).review([CASE])
    (decision,) = found.decisions
    assert (decision.item_id, decision.agent) == (ItemId("review 3"), "architect")
    assert (decision.template, decision.tool) == ("architect/review_changes", "review_changes")
    assert decision.template_hash == PromptLibrary().hash("architect/review_changes")
    assert decision.options == ("Pens", "Paper")
    assert decision.choice == ("approved: new", "rejected: too wide", "approved: no reason was given")
    assert (decision.usage.prompt_tokens, decision.usage.completion_tokens) == (90, 12)


async def test_what_is_not_reviewed_is_rejected_and_cases_do_not_mix() -> None:
    gone = ModelUnavailableError("the server is gone")
    model = ScriptedModel([gone, {"1": verdict(True, "new")}, VERDICTS])
    failed, faulty, fine = await reviewer(model).review([CASE] * 3)
    assert (failed.error, failed.verdicts) == (
        gone,
        ((False, "there was no review: the server is gone"),) * 3,
    )
    assert isinstance(faulty.error, ModelReplyError)
    assert {approved for approved, _ in faulty.verdicts} == {False}
    assert faulty.verdicts[0][1].startswith(
        "there was no review: `review_changes` does not keep to its schema"
    )
    assert [approved for approved, _ in fine.verdicts] == [True, False, True]
    assert [row.error for each in (failed, fine) for row in each.decisions] == ["the server is gone", ""]


async def test_nothing_is_asked_without_a_case() -> None:
    model = ScriptedModel()
    assert (await reviewer(model).review([]), model.history) == ([], [])


async def test_items_vote_again_among_the_old_and_all_new_descriptors() -> None:
    model = Electing({"1": [3]}, {"1": [2]}, {"1": [3]})
    (found,) = await reviewer(model, "voted").review([CASE])
    assert [request.texts for request in model.history] == [
        ("lamp voter",),
        ("card voter",),
        ("clock voter",),
    ]
    choices = (
        Choice(1, ("Pens", "a gel pen", "gel pens")),
        Choice(2, ("Paper", "a sheet of paper", "card")),
        Choice(3, ("Lamps", "lamp", "LEDs")),
        Choice(4, ("Clocks", "clock")),
    )
    assert [request.choices for request in model.history] == [choices] * 3
    assert {(request.system, request.field, request.most) for request in model.history} == {("", "", 1)}
    assert found.verdicts == (
        (True, "1 of 1 of its items fit it best"),
        (True, "1 of 1 of its items fit it best"),
        (False, "0 of 1 of its items fit it best"),
    )
    assert [row.choice for row in found.decisions] == [
        ("approved: 1 of 1 of its items fit it best",),
        ("approved: 1 of 1 of its items fit it best",),
        ("rejected: 0 of 1 of its items fit it best",),
    ]


async def test_half_of_the_votes_are_not_enough() -> None:
    voters = UncoveredCluster("", (), (PENS,), 4, ("a",), ("a", "b", "c", "d"), Centre("s"))
    case = Case("", (), (PENS,), ((voters, LAMPS),))
    model = Electing({"1": [2], "2": [2], "3": [1], "4": [0]}, {"1": [2], "2": [2], "3": [2], "4": [0]})
    half, most = await reviewer(model, "voted").review([case, case])
    assert half.verdicts == ((False, "2 of 4 of its items fit it best"),)
    assert most.verdicts == ((True, "3 of 4 of its items fit it best"),)
    assert half.decisions[0].item_id == "review root"


async def test_a_server_that_is_gone_counts_before_a_bad_reply() -> None:
    gone = ModelUnavailableError("gone")
    model = Electing(ModelReplyError("no call"), {"1": [2]}, gone)
    (found,) = await reviewer(model, "voted").review([CASE])
    assert found.error is gone
    assert found.verdicts == (
        (False, "there was no review: no call"),
        (True, "1 of 1 of its items fit it best"),
        (False, "there was no review: gone"),
    )


async def test_of_two_new_descriptors_for_one_theme_one_remains() -> None:
    angles = compass()
    model = LabelEncoder(TextScorer(angles, ScoreSettings()), angles.embed)  # type: ignore[arg-type]
    centres = (Centre("0", examples=("10",)),)

    def proposed(example: str, *voters: str) -> tuple[UncoveredCluster, DescriptorChange]:
        found = UncoveredCluster("", (), centres, 3, (example,), voters, Centre(example))
        return found, DescriptorChange("create", "", Centre(example))

    case = Case("", (), centres, (proposed("180", "178", "185"), proposed("150", "172", "170", "150")))
    found = await ChangeReviewer(model, PromptLibrary(), lambda item: item, mode="voted").review([case])
    assert found[0].verdicts == (
        (True, "2 of 2 of its items fit it best"),
        (False, "1 of 3 of its items fit it best"),
    )


async def test_a_model_that_only_scores_chooses_once_for_each_proposal() -> None:
    model = ScriptedModel([[3], [0], [1]])
    (found,) = await reviewer(model, "scored").review([CASE])
    assert [(request.text, request.field, request.texts) for request in model.history] == [
        ("lamp voter", "descriptor", ()),
        ("card voter", "descriptor", ()),
        ("clock voter", "descriptor", ()),
    ]
    assert found.verdicts == (
        (True, "1 of 1 of its items fit it best"),
        (False, "0 of 1 of its items fit it best"),
        (False, "0 of 1 of its items fit it best"),
    )
    assert {row.template for row in found.decisions} == {"architect/review_changes_scored"}
