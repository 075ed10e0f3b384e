"""The architect: what it shows of a partition, and what becomes of what is proposed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taxonaut.agents.architect import LONGEST_LABEL, AnswerMode, Architect, ArchitectSettings, rank_by_votes
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.graph_states.build_index import Centre, Partition
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Usage

ZOO = ("red fox", "grey fox", "fox cub", "blue whale", "grey whale", "whale calf")
FOXES = Centre("fox, cub, red", examples=tuple(map(LabelId, ("red fox", "grey fox", "fox cub"))))
WHALES = Centre("whale, blue, calf", examples=tuple(map(LabelId, ("blue whale", "grey whale", "whale calf"))))


def suggestions(names: Sequence[str] = ZOO) -> VectorClusters:
    """Foxes to the right, whales upwards."""
    angles = np.radians([(90 if "whale" in name else 0) + place for place, name in enumerate(names)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return VectorClusters(lambda: LabelTable([LabelId(name) for name in names], list(names), vectors))


def everything(names: Sequence[str] = ZOO, **more: Any) -> Partition:
    return Partition("", (), tuple(map(LabelId, names)), **more)


def architect(
    model: Any, mode: AnswerMode = "written", names: Sequence[str] = ZOO, **settings: Any
) -> Architect:
    return Architect(model, PromptLibrary(), suggestions(names), ArchitectSettings(**settings), mode)


def call(*names: str) -> Mapping[str, Any]:
    return {"categories": [{"name": name, "description": f"all {name}"} for name in names]}


class Encoder(ScriptedModel):
    """A scripted model that, like an encoder, has no prompts rendered for it."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(replies)
        self.reads_prompts = False


async def test_what_the_first_partition_looks_like() -> None:
    model = ScriptedModel([call("foxes", "whales")])
    (proposal,) = await architect(model, task="The labels are animals.").propose([everything()], [2])
    (request,) = model.history
    assert request.system.splitlines()[0] == (
        "You build a tree of categories over a large set of labels. The labels are animals."
    )
    # The larger cluster first; of two alike, the one whose labels come first.
    assert request.context.splitlines() == [
        "The part: all labels",
        "Groups that word statistics suggest; take them, put them together, or do better:",
        "- fox, cub, red (such as grey fox; red fox; fox cub)",
        "- whale, blue, calf (such as grey whale; blue whale; whale calf)",
        "Call propose_category with 2 to 2 categories.",
    ]
    assert request.item.splitlines() == ["Labels:", *(f"- {name}" for name in ZOO)]
    assert (request.field, request.texts, request.most) == ("", (), 2)
    assert request.tool.parameters["properties"]["categories"]["maxItems"] == 2
    assert proposal.centres == (Centre("foxes", "all foxes"), Centre("whales", "all whales"))
    assert (proposal.problems, proposal.error) == ((), None)


async def test_the_path_the_siblings_and_what_was_refused_are_in_the_prompt() -> None:
    model = ScriptedModel([call("a1", "b1")])
    partition = Partition(
        "3.0",
        ("Animals", "Mammals"),
        tuple(map(LabelId, ZOO)),
        (Centre("Birds", "they fly", tuple(map(LabelId, ZOO[:2]))), Centre("Fish")),
        attempt=1,
        problems=("'Fox' and 'Foxes' hold the same labels; make one of them", "no label belongs to 'Bat'"),
    )
    (proposal,) = await architect(model, examples=1, seed=5).propose([partition], [2])
    assert model.history[0].context.splitlines() == [
        "The part: Animals > Mammals",
        "Neighbouring parts, which these labels do not belong to:",
        "- Birds (such as red fox)",
        "- Fish",
        "Groups that word statistics suggest; take them, put them together, or do better:",
        "- fox, cub, red (such as grey fox)",
        "- whale, blue, calf (such as grey whale)",
        "A former proposal was refused:",
        "- 'Fox' and 'Foxes' hold the same labels; make one of them",
        "- no label belongs to 'Bat'",
        "Call propose_category with 2 to 2 categories.",
    ]
    assert (proposal.decision.item_id, proposal.decision.seed) == ("part 3.0", 6)


async def test_a_language_model_writes_centres_and_those_that_tell_nothing_apart_are_refused() -> None:
    model = ScriptedModel([call("Bears", "bear", "Other", "Mammal", "Bird", " Whales ", "Whales")])
    partition = everything(siblings=(Centre("birds"),))
    partition = Partition("1", ("Mammals",), partition.labels, partition.siblings)
    (proposal,) = await architect(model).propose([partition], [9])
    assert proposal.centres == (Centre("Bears", "all Bears"), Centre("Whales", "all Whales"))
    assert proposal.problems == (
        "'Bears' stands under this node already; use it, or name what is different",
        "'Other' tells nothing apart; name what the category holds",
        "'Mammal' is the name of its parent; name what sets this part of it apart",
        "'birds' stands under this node already; use it, or name what is different",
        "'Whales' stands under this node already; use it, or name what is different",
    )
    assert proposal.decision.choice == ("Bears", "Whales")


async def test_long_labels_are_clipped_and_stay_on_one_line() -> None:
    long = "x" * 2_000
    names = [f"fox {long}", "fox\n- whale\n\tcub"]
    model = ScriptedModel([call("foxes", "cubs")])
    await architect(model, names=names).propose([everything(names)], [2])
    (request,) = model.history
    assert request.item.splitlines() == [
        "Labels:",
        f"- fox {'x' * (LONGEST_LABEL - 4)} […]",
        "- fox - whale cub",
    ]
    assert max(map(len, request.context.splitlines())) < 2 * LONGEST_LABEL + 200


async def test_a_sample_of_many_labels_stands_for_them() -> None:
    names = [f"fox {number}" for number in range(50)] + [f"whale {number}" for number in range(50)]
    model = ScriptedModel([call("foxes", "whales")])
    await architect(model, names=names, sample=6).propose([everything(names)], [4])
    shown = model.history[0].item.splitlines()[1:]
    assert len(shown) == len(set(shown)) <= 6
    assert {line.split()[1] for line in shown} == {"fox", "whale"}


async def test_the_sampled_labels_vote_among_an_encoder_s_candidates() -> None:
    names = [f"{kind} {number}" for kind in ("fox", "whale") for number in range(20)]
    model = Encoder(ModelReplyError("not asked"))
    asking = architect(model, "voted", names, sample=5, candidates=2)
    partition = everything(names)
    (proposal,) = await asking.propose([partition], [2])
    (request,) = model.history
    assert (request.system, request.context, request.item, request.field) == ("", "", "", "")
    assert (len(request.choices), request.most, len(request.texts)) == (4, 1, 5)
    assert all(len(choice.texts) > 1 for choice in request.choices)
    assert isinstance(proposal.error, ModelReplyError)
    assert (proposal.centres, proposal.decision.error) == ((), "not asked")
    replies: list[dict[str, list[int]]] = [{str(n): [4 if n < 4 else 1] for n in range(1, 6)}]
    (proposal,) = await architect(Encoder(*replies), "voted", names, sample=5, candidates=2).propose(
        [partition], [2]
    )
    assert [centre.name for centre in proposal.centres] == [
        request.choices[3].texts[0],
        request.choices[0].texts[0],
    ]
    assert set(proposal.centres[0].examples) < set(partition.labels)
    assert proposal.decision.options == tuple(choice.texts[0] for choice in request.choices)


def test_votes_are_counted_and_the_first_of_equals_comes_first() -> None:
    assert rank_by_votes([(3,), (1,), (3,), (), (2,)]) == [3, 1, 2]
    assert rank_by_votes([]) == []


async def test_a_model_that_only_scores_ranks_the_candidates() -> None:
    names = [f"{kind} {number}" for kind in ("fox", "whale") for number in range(20)]
    model = ScriptedModel([[3, 1]])
    asking = architect(model, "scored", names, candidates=2)
    (proposal,) = await asking.propose([everything(names)], [2])
    (request,) = model.history
    assert (request.field, request.most, len(request.choices), request.texts) == ("candidates", 2, 4, ())
    assert request.context == ""
    assert request.item.startswith("Text: - fox 0\n- fox 1")
    assert request.blank_item == "Text:"
    assert [centre.name for centre in proposal.centres] == [request.choices[at].texts[0] for at in (2, 0)]
    assert proposal.decision.template == "architect/propose_centres_scored"


async def test_all_partitions_are_asked_about_together_and_a_failure_stays_in_its_place() -> None:
    model = ScriptedModel([call("a1", "b1"), ModelUnavailableError("gone"), call("c1", "d1")])
    batches: list[int] = []
    answer = model.answer

    async def counting(requests: Sequence[ModelRequest]) -> list[Any]:
        batches.append(len(requests))
        return await answer(requests)

    model.answer = counting  # type: ignore[method-assign]
    parts = [Partition(str(n), (), tuple(map(LabelId, ZOO))) for n in range(3)]
    found = await architect(model).propose(parts, [2, 2, 2])
    assert batches == [3]
    assert [[centre.name for centre in proposal.centres] for proposal in found] == [
        ["a1", "b1"],
        [],
        ["c1", "d1"],
    ]
    assert [str(proposal.error or "") for proposal in found] == ["", "gone", ""]
    assert await architect(model).propose([], []) == []


async def test_the_decision_says_who_proposed_what_and_what_it_cost() -> None:
    class Costly(ScriptedModel):
        def answer_one(self, request: ModelRequest) -> Any:
            return ModelReply((), call("foxes", "whales"), Usage(prompt_tokens=90, completion_tokens=12))

    (proposal,) = await architect(Costly(), seed=2).propose([everything()], [2])
    decision = proposal.decision
    assert (decision.item_id, decision.node_id) == (ItemId("part root"), None)
    assert (decision.agent, decision.model, decision.tool) == ("architect", "scripted", "propose_category")
    assert decision.template == "architect/propose_centres"
    assert decision.template_hash == PromptLibrary().hash("architect/propose_centres")
    assert decision.options == (FOXES.name, WHALES.name)
    assert decision.choice == ("foxes", "whales")
    assert (decision.usage.prompt_tokens, decision.usage.completion_tokens) == (90, 12)
    assert (decision.seed, decision.error) == (2, "")


async def test_another_attempt_starts_elsewhere() -> None:
    names = [f"fox {number}" for number in range(60)]
    seen = []
    for attempt in (0, 1):
        model = ScriptedModel([call("a1", "b1")])
        asking = architect(model, names=names, sample=8)
        await asking.propose([everything(names, attempt=attempt)], [3])
        seen.append(model.history[0].choices)
    assert all(isinstance(choice, Choice) for choices in seen for choice in choices)
    assert seen[0] != seen[1]
