"""The general expert: what a shortlist looks like, and that equal shortlists share a prompt."""

from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item

NAMES = [LabelId(name) for name in ("shoes", "boots", "gift")]
ONE, TWO, THREE = (Item(ItemId(name), f"text of {name}") for name in ("one", "two", "three"))


def paths(index: Index) -> dict[LabelId, tuple[str, ...]]:
    return {label: ways[0] for label, ways in index.paths_of(NAMES).items()}


async def test_what_a_shortlist_looks_like(index: Index) -> None:
    model = ScriptedModel([[2, 1]])
    expert = GeneralExpert(model, PromptLibrary(), ExpertSettings(task="A shop.", most=2))
    labels = {label.id: label for label in index.labels(NAMES)}
    (answer,) = await expert.rank([(ONE, NAMES)], labels, paths(index))
    (request,) = model.history
    lines = {
        "shoes": "Clothes > Shoes: worn on the feet",
        "boots": "Clothes > Shoes > Boots",
        "gift": "Gift cards",
    }
    order = answer.question.offer.options
    assert request.context.splitlines() == [
        "Candidates:",
        *(f"{number}. {lines[label]}" for number, label in enumerate(order, start=1)),
        "0. none of these",
        "Call rank_candidates with the ids of at most 2 labels, best first.",
    ]
    assert answer.chosen == (order[1], order[0])
    assert (answer.question.node, answer.decision.node_id, answer.decision.tool) == (
        None,
        None,
        "rank_candidates",
    )
    assert answer.decision.options == tuple(order)


async def test_equal_shortlists_share_one_prompt_whatever_their_order(index: Index) -> None:
    model = ScriptedModel(rule=lambda _: [0])
    labels = {label.id: label for label in index.labels(NAMES)}
    shortlists = [(ONE, NAMES), (TWO, NAMES[:1]), (THREE, NAMES[::-1])]
    await GeneralExpert(model, PromptLibrary()).rank(shortlists, labels, paths(index))
    first, second, third = ((request.system, request.context) for request in model.history)
    assert (first == third, first == second) == (True, False)


async def test_an_empty_shortlist_is_not_asked_about(index: Index) -> None:
    model = ScriptedModel(rule=lambda _: [1])
    labels = {label.id: label for label in index.labels(NAMES)}
    answers = await GeneralExpert(model, PromptLibrary()).rank(
        [(ONE, []), (TWO, NAMES)], labels, paths(index)
    )
    assert [answer.item.id for answer in answers] == ["two"]
    assert await GeneralExpert(model, PromptLibrary()).rank([], {}, {}) == []


async def test_paths_are_compared_in_a_tree_of_the_person_s_own_only(index: Index) -> None:
    labels = {label.id: label for label in index.labels(NAMES)}
    texts = []
    for native in (True, False):
        model = ScriptedModel(rule=lambda _: [0])
        expert = GeneralExpert(model, PromptLibrary(), ExpertSettings(native=native))
        await expert.rank([(ONE, NAMES)], labels, paths(index))
        texts.append({choice.texts[0] for choice in model.history[0].choices})
    assert texts == [
        {"Clothes > Shoes", "Clothes > Shoes > Boots", "Gift cards"},
        {"Shoes", "Boots", "Gift cards"},
    ]
