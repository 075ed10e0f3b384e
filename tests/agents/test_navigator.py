"""The navigator: what it shows at a node, in which order, and what stays the same from item to item."""

import pytest

from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.models.requests import OptionText
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Node
from taxonaut.tools.expand_node import Expansion, expand_node

ROOT, CLOTHES, SPORTS = NodeId(1), NodeId(2), NodeId(3)
BOOTS, BALLS = Item(ItemId("b"), "winter boots"), Item(ItemId("f"), "a football")


def navigator(model: ScriptedModel, **settings: object) -> Navigator:
    return Navigator(model, PromptLibrary(), NavigatorSettings(**settings))  # type: ignore[arg-type]


async def test_what_a_node_looks_like(index: Index) -> None:
    model = ScriptedModel([[1]])
    expansions = {ROOT: expand_node(index, [ROOT])[0]}
    asked = navigator(model, task="Things from a shop.", most=2)
    (answer,) = await asked.choose([(BOOTS, ROOT)], expansions, {ROOT: ()})
    (request,) = model.history
    order = [index.node(node).name for node in answer.question.offer.options]
    lines = {
        "Clothes": "Clothes: what one wears (such as Boots; Scarves)",
        "Sports": "Sports",
    }
    assert request.system.startswith(
        "You find the labels of a text by walking down a tree of categories. Things from a shop."
    )
    assert request.context.splitlines() == [
        "You are at the top of the tree.",
        "Branches:",
        *(f"{number}. {lines[name]}" for number, name in enumerate(order, start=1)),
        "0. none of these",
        "Call expand_node with the ids of at most 2 branches.",
    ]
    assert answer.chosen == (answer.question.offer.options[0],)


async def test_deeper_nodes_say_where_they_are(index: Index) -> None:
    model = ScriptedModel([[0]])
    expansions = {SPORTS: expand_node(index, [SPORTS])[0]}
    await navigator(model).choose([(BALLS, SPORTS)], expansions, {SPORTS: ("Sports",)})
    (request,) = model.history
    assert request.context.startswith("You are at: Sports\nBranches:\n")
    assert {choice.texts for choice in request.choices} == {("Sports > Shoes",), ("Sports > Balls",)}


async def test_in_a_tree_that_was_built_paths_are_not_compared(index: Index) -> None:
    model = ScriptedModel([[0]])
    expansions = {SPORTS: expand_node(index, [SPORTS])[0]}
    asked = navigator(model, native=False)
    await asked.choose([(BALLS, SPORTS)], expansions, {SPORTS: ("Sports",)})
    assert {choice.texts for choice in model.history[0].choices} == {("Shoes",), ("Balls",)}


async def test_work_is_ordered_by_node(index: Index) -> None:
    model = ScriptedModel(rule=lambda _: [0])
    nodes = [ROOT, CLOTHES, SPORTS]
    expansions = {each.node: each for each in expand_node(index, nodes)}
    visits = [(BOOTS, SPORTS), (BOOTS, ROOT), (BALLS, ROOT), (BALLS, SPORTS), (BALLS, CLOTHES)]
    paths = {ROOT: (), CLOTHES: ("Clothes",), SPORTS: ("Sports",)}
    answers = await navigator(model).choose(visits, expansions, paths)
    assert [(answer.question.node, answer.item.id) for answer in answers] == [
        (1, "b"),
        (1, "f"),
        (2, "f"),
        (3, "b"),
        (3, "f"),
    ]


def large(count: int) -> Expansion:
    return Expansion(ROOT, tuple(Node(NodeId(100 + n), f"N{n}") for n in range(count)), ())


@pytest.mark.parametrize(("count", "sizes"), [(3, [3]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_a_large_node_is_shown_in_parts(count: int, sizes: list[int]) -> None:
    expansion = large(count)
    questions = navigator(ScriptedModel(), options_per_request=4, most=3).build_questions(expansion, ())
    assert [len(question.offer.options) for question in questions] == sizes
    shown = {node for question in questions for node in question.offer.options}
    assert shown == {node.id for node in expansion.branches}
    assert [question.most for question in questions] == [min(3, size) for size in sizes]
    assert len({question.offer.seed for question in questions}) == len(sizes)


def test_the_seed_and_the_node_decide_the_order() -> None:
    def orders(seed: int) -> list[tuple[NodeId, ...]]:
        asked = navigator(ScriptedModel(), seed=seed)
        return [question.offer.options for question in asked.build_questions(large(12), ())]

    assert orders(1) == orders(1) != orders(2)
    assert orders(1)[0] != tuple(node.id for node in large(12).branches)


class Below:
    """Exemplars that are the same for every branch."""

    def __init__(self, *texts: OptionText) -> None:
        self.texts = texts

    def of(self, node: NodeId) -> tuple[OptionText, ...]:
        return self.texts


@pytest.mark.parametrize(
    ("native", "ancestors", "below", "expected"),
    [
        (True, None, "Sports > Balls > Pucks", ("Sports > Balls", "Sports > Balls > Pucks")),
        (True, True, "Sports > Balls > Pucks", ("Sports > Balls", "Sports > Balls > Pucks")),
        (True, False, "Sports > Balls > Pucks", ("Balls", "Pucks")),
        (False, None, "Pucks", ("Balls", "Pucks")),
        (False, True, "Pucks", ("Sports > Balls", "Sports > Balls > Pucks")),
        (False, False, "Pucks", ("Balls", "Pucks")),
    ],
)
async def test_ancestors_go_before_a_branch_and_what_stands_for_it(
    index: Index, native: bool, ancestors: bool | None, below: str, expected: tuple[str, ...]
) -> None:
    model = ScriptedModel([[0]])
    asked = Navigator(model, PromptLibrary(), NavigatorSettings(native=native), Below(OptionText(below)))  # type: ignore[arg-type]
    expansions = {SPORTS: expand_node(index, [SPORTS])[0]}
    await asked.choose([(BALLS, SPORTS)], expansions, {SPORTS: ("Sports",)}, ancestors)
    assert expected in {choice.texts for choice in model.history[0].choices}
