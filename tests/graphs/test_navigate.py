"""Whole walks as values: a scripted model opens branches by name, and everything that comes out is "
"compared."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from taxonaut import WalkPolicy, navigate
from taxonaut.agents.general_expert import GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.graphs.navigate import Walk
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import (
    InputError,
    ModelError,
    ModelNotFoundError,
    ModelUnavailableError,
)
from taxonaut.state.graph_states.navigate import NavigationOutput
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, ItemResult, Label, Prediction, Tree, TreeNode, Usage

pytestmark = pytest.mark.slow

TREE = WalkPolicy(shortlist="tree")
Wishes = Mapping[str, Sequence[str] | ModelError]
"""For each text the names to choose wherever they are on offer, best first."""


def name_of(choice_text: str) -> str:
    return choice_text.rpartition(" > ")[2]


def by_name(wishes: Wishes) -> ScriptedModel:
    """A model that takes what it wishes for a text and is offered; else it abstains."""

    def rule(request: ModelRequest) -> Sequence[int] | ModelError:
        wished = wishes[request.text]
        if isinstance(wished, ModelError):
            return wished
        offered = {name_of(choice.texts[0]): choice.id for choice in request.choices}
        return [offered[name] for name in wished if name in offered] or [0]

    return ScriptedModel(rule=rule)


class Walker:
    """A graph over an index with a scripted model for each role, and the items of its walks."""

    def __init__(
        self,
        index: Index,
        opens: Wishes,
        ranks: Wishes | None = None,
        policy: WalkPolicy = TREE,
        settings: NavigatorSettings | None = None,
    ) -> None:
        self.navigator = by_name(opens)
        self.expert = by_name(ranks or opens)
        prompts = PromptLibrary()
        self.graph = navigate(
            index,
            Navigator(self.navigator, prompts, settings),
            GeneralExpert(self.expert, prompts),
            policy=policy,
        ).compile()
        self.steps = Walk(
            index,
            Navigator(by_name(opens), prompts, settings),
            GeneralExpert(by_name(ranks or opens), prompts),
            None,
            policy,
            None,
        )
        self.given: Any = {"items": [Item(ItemId(text), text) for text in opens]}

    def walk(self) -> NavigationOutput:
        """Walk by the graph, and see that its steps alone give the same."""
        found: Any = self.graph.invoke(self.given)
        without: Any = asyncio.run(self.steps.run(self.given["items"]))
        assert {name: without[name] for name in found} == found
        return found

    def shortlists(self) -> dict[str, list[str]]:
        """The names each item's expert saw, sorted."""
        return {
            request.text: sorted(name_of(choice.texts[0]) for choice in request.choices)
            for request in self.expert.history
        }


def found(text: str, *labels: Prediction, error: str = "") -> dict[ItemId, ItemResult]:
    return {ItemId(text): ItemResult(ItemId(text), labels, error)}


def prediction(id_: str, *path: str, score: float) -> Prediction:
    return Prediction(LabelId(id_), path[-1], path, score)


def test_a_whole_walk(index: Index) -> None:
    walker = Walker(index, {"hiking": ["Clothes", "Shoes", "Boots", "Scarves"]})
    output = walker.walk()
    assert output["results"] == found(
        "hiking",
        prediction("shoes", "Clothes", "Shoes", score=1.0),
        prediction("boots", "Clothes", "Shoes", "Boots", score=0.5),
        prediction("scarf", "Clothes", "Scarves", score=0.3333),
    )
    assert walker.shortlists() == {"hiking": ["Boots", "Gift cards", "Scarves", "Shoes"]}
    seen = [
        (d.item_id, d.node_id, d.agent, d.tool, sorted(d.options), d.choice, d.usage, d.error)
        for d in output["decisions"]
    ]
    assert seen == [
        ("hiking", 1, "navigator", "expand_node", ["2", "3"], ("2",), Usage(), ""),
        ("hiking", 2, "navigator", "expand_node", ["4"], ("4",), Usage(), ""),
        (
            "hiking",
            None,
            "general_expert",
            "rank_candidates",
            ["boots", "gift", "scarf", "shoes"],
            ("shoes", "boots", "scarf"),
            Usage(),
            "",
        ),
    ]


def test_decisions_name_their_template_model_and_seed(index: Index) -> None:
    prompts = PromptLibrary()
    decisions = Walker(index, {"x": ["Clothes"]}).walk()["decisions"]
    assert {(d.agent, d.template, d.template_hash, d.model) for d in decisions} == {
        ("navigator", "navigator/expand", prompts.hash("navigator/expand"), "scripted"),
        ("general_expert", "general_expert/rank", prompts.hash("general_expert/rank"), "scripted"),
    }


def test_a_label_found_through_two_parents_counts_once(index: Index) -> None:
    walker = Walker(index, {"shoes": ["Clothes", "Sports", "Shoes"]})
    output = walker.walk()
    assert walker.shortlists() == {"shoes": ["Boots", "Gift cards", "Scarves", "Shoes"]}
    assert output["results"] == found("shoes", prediction("shoes", "Clothes", "Shoes", score=1.0))
    assert [d.node_id for d in output["decisions"]] == [1, 2, 3, None]


def test_a_node_below_itself_by_a_longer_way_is_walked_once(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId(name), name) for name in ("low", "high")])
    nodes = tuple(TreeNode(key, name) for key, name in enumerate("ABC", start=1))
    edges = ((0, 1), (0, 2), (1, 2), (2, 3))
    index.load_tree(Tree("drawn", nodes, edges, ((3, LabelId("low")), (1, LabelId("high")))))
    walker = Walker(index, {"x": ["A", "B", "C", "low"]})
    output = walker.walk()
    assert output["results"] == found("x", prediction("low", "B", "C", "low", score=1.0))
    assert [d.node_id for d in output["decisions"]] == [1, 2, 3, None]


def test_the_budget_of_terminals(database: Database) -> None:
    index = Index(database)
    names = [f"T{number}" for number in range(6)]
    index.add_labels([Label(LabelId(name), f"label {name}") for name in names])
    nodes = tuple(TreeNode(key, name) for key, name in enumerate(names, start=1))
    index.load_tree(
        Tree(
            "drawn",
            nodes,
            tuple((0, node.key) for node in nodes),
            tuple((node.key, LabelId(node.name)) for node in nodes),
        )
    )
    wish = {"x": ["T3", "T1", "T5", "T0"]}
    for terminals, kept in ((1, ["T3"]), (3, ["T1", "T3", "T5"]), (20, ["T0", "T1", "T3", "T5"])):
        walker = Walker(index, wish, policy=WalkPolicy(shortlist="tree", terminals=terminals))
        walker.walk()
        assert walker.shortlists() == {"x": [f"label {name}" for name in kept]}


def test_abstaining_at_the_root_leaves_what_lies_in_the_root(index: Index) -> None:
    walker = Walker(index, {"nothing fits": []})
    output = walker.walk()
    assert output["results"] == found("nothing fits")
    assert walker.shortlists() == {"nothing fits": ["Gift cards"]}
    assert [(d.node_id, d.choice) for d in output["decisions"]] == [(1, ()), (None, ())]


def test_without_candidates_no_expert_is_asked(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId("a"), "a")])
    index.load_tree(Tree("drawn", (TreeNode(1, "N"),), ((0, 1),), ((1, LabelId("a")),)))
    walker = Walker(index, {"x": []})
    output = walker.walk()
    assert (output["results"], walker.expert.history) == (found("x"), [])


def test_an_index_of_one_label_in_the_root(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId("only"), "Only")])
    index.load_tree(Tree("drawn", (), (), ((0, LabelId("only")),)))
    walker = Walker(index, {"x": ["Only"]})
    output = walker.walk()
    assert output["results"] == found("x", prediction("only", "Only", score=1.0))
    assert walker.navigator.history == []


def test_an_error_of_one_item_costs_that_item_only(index: Index) -> None:
    away = ModelUnavailableError("the server is away")
    wishes: Wishes = {"good": ["Clothes", "Scarves"], "bad": away, "fine": ["Sports", "Balls", "Pucks"]}
    output = Walker(index, wishes).walk()
    assert output["results"] == {
        **found("good", prediction("scarf", "Clothes", "Scarves", score=1.0)),
        **found("bad", error="the server is away"),
        **found("fine", prediction("puck", "Sports", "Balls", "Pucks", score=1.0)),
    }
    failed = [(d.item_id, d.agent, d.choice, d.error) for d in output["decisions"] if d.error]
    assert failed == [
        ("bad", "navigator", (), "the server is away"),
        ("bad", "general_expert", (), "the server is away"),
    ]


def test_an_error_of_the_expert_keeps_the_walk(index: Index) -> None:
    walker = Walker(index, {"x": ["Clothes"]}, {"x": ModelUnavailableError("no time left")})
    output = walker.walk()
    assert output["results"] == found("x", error="no time left")
    assert [(d.agent, d.error) for d in output["decisions"]] == [
        ("navigator", ""),
        ("navigator", ""),
        ("general_expert", "no time left"),
    ]


def test_a_model_that_is_not_there_stops_everything(index: Index) -> None:
    with pytest.raises(ModelNotFoundError, match="no such model"):
        Walker(index, {"x": ModelNotFoundError("no such model")}).walk()


def test_more_branches_than_one_request_shows(database: Database) -> None:
    index = Index(database)
    names = [f"N{number:02d}" for number in range(10)]
    index.add_labels([Label(LabelId(name), f"label {name}") for name in names])
    nodes = tuple(TreeNode(key, name) for key, name in enumerate(names, start=1))
    places = tuple((node.key, LabelId(node.name)) for node in nodes)
    index.load_tree(Tree("drawn", nodes, tuple((0, node.key) for node in nodes), places))
    settings = NavigatorSettings(options_per_request=4)
    walker = Walker(index, {"x": ["N00", "N05", "N09"], "y": ["N09"]}, settings=settings)
    output = walker.walk()
    shown = [
        sorted(name_of(choice.texts[0]) for choice in asked.choices) for asked in walker.navigator.history
    ]
    assert shown == [names[:4], names[:4], names[4:8], names[4:8], names[8:], names[8:]]
    assert [asked.text for asked in walker.navigator.history] == ["x", "y"] * 3
    assert walker.shortlists() == {"x": ["label N00", "label N05", "label N09"], "y": ["label N09"]}
    assert [d.item_id for d in output["decisions"]] == ["x", "y", "x", "y", "x", "y", "x", "y"]


def test_items_at_one_node_share_everything_but_their_text(index: Index) -> None:
    walker = Walker(index, {"item a": ["Clothes"], "item b": ["Sports", "Clothes"], "item c": ["Sports"]})
    walker.walk()
    keys = [(asked.system, asked.context) for asked in walker.navigator.history]
    assert keys == sorted(keys, key=keys.index)
    assert len(set(keys)) == 3
    order = ["item a", "item b", "item c", "item a", "item b", "item b", "item c"]
    assert [asked.text for asked in walker.navigator.history] == order
    for asked in [*walker.navigator.history, *walker.expert.history]:
        assert asked.text in asked.item
        assert asked.text not in asked.system + asked.context + asked.blank_item


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "invoke in a running loop", "ainvoke on another loop"])
def test_every_way_of_invoking_gives_the_same(index: Index, way: str) -> None:
    walker = Walker(index, {"a": ["Clothes", "Shoes", "Boots"], "b": ["Sports", "Balls", "Pucks"]})
    expected = walker.walk()

    async def invoke_inside() -> Any:
        return walker.graph.invoke(walker.given)

    async def ainvoke() -> Any:
        return await walker.graph.ainvoke(walker.given)

    given = {
        "invoke": walker.walk,
        "ainvoke": lambda: asyncio.run(ainvoke()),
        "invoke in a running loop": lambda: asyncio.run(invoke_inside()),
        "ainvoke on another loop": lambda: asyncio.run(ainvoke()),
    }
    assert given[way]() == expected


def test_what_a_step_gives_holds_ids_and_never_a_text(index: Index) -> None:
    text = "secret words of the item"
    walker = Walker(index, {text: ["Clothes", "Sports", "Shoes", "Boots"]})
    given: Any = {"items": [Item(ItemId("i1"), text)]}
    assert "secret" not in repr(walker.graph.invoke(given))
    seen = [repr(update) for update in walker.graph.stream(given, stream_mode="updates")]
    assert len(seen) > 4
    assert "Boots" in seen[-1]
    for update in seen:
        assert "secret" not in update


def test_results_and_decisions_are_plain_values(index: Index) -> None:
    output = Walker(index, {"x": ["Clothes", "Scarves"]}).walk()
    rows = [asdict(row) for row in (*output["results"].values(), *output["decisions"])]
    assert json.loads(json.dumps(rows))[0]["labels"][0]["name"] == "Scarves"


def test_no_items_no_questions(index: Index) -> None:
    walker = Walker(index, {})
    assert walker.walk() == {"results": {}, "shortlists": {}, "trails": {}, "decisions": []}


def test_an_item_given_twice_is_walked_once(index: Index) -> None:
    walker = Walker(index, {"x": ["Clothes", "Scarves"]})
    once = walker.walk()
    walker.given = {"items": walker.given["items"] * 2}
    assert walker.walk() == once


def test_two_texts_with_one_id_are_refused(index: Index) -> None:
    walker = Walker(index, {"x": []})
    with pytest.raises(InputError, match="two items have the id 'x'; give each item a unique id"):
        walker.graph.invoke({"items": [Item(ItemId("x"), "one"), Item(ItemId("x"), "other")]})


def test_a_deep_tree_is_walked_to_its_end(database: Database) -> None:
    index, depth = Index(database), 60
    index.add_labels([Label(LabelId("deep"), "deep")])
    nodes = tuple(TreeNode(key, f"level {key}") for key in range(1, depth + 1))
    edges = tuple((key - 1, key) for key in range(1, depth + 1))
    index.load_tree(Tree("drawn", nodes, edges, ((depth, LabelId("deep")),)))
    walker = Walker(index, {"x": [*(node.name for node in nodes), "deep"]})
    output = walker.walk()
    assert len(output["results"][ItemId("x")].labels[0].path) == depth + 1
    assert len(output["decisions"]) == depth + 1


@pytest.mark.parametrize(
    "policy", [WalkPolicy(), WalkPolicy(shortlist="dense"), WalkPolicy("tree", candidates=5)]
)
def test_what_needs_a_retriever_says_so(index: Index, policy: WalkPolicy) -> None:
    with pytest.raises(InputError, match=r"needs a retriever; give one, or use WalkPolicy\(shortlist='tree'"):
        Walker(index, {}, policy=policy)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shortlist": "dens"}, "shortlist is 'dens'; it may be 'tree', 'dense' or 'both'"),
        ({"terminals": 0}, "terminals is 0; it is at least 1"),
        ({"dense": 0}, "dense is 0; it is at least 1"),
    ],
)
def test_policies_that_cannot_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        WalkPolicy(**given)
    assert str(caught.value) == message


def test_nodes_are_the_fixture_s(index: Index) -> None:
    assert {node.id: node.name for node in index.nodes([NodeId(number) for number in (2, 3, 4, 5)])} == {
        2: "Clothes",
        3: "Sports",
        4: "Shoes",
        5: "Balls",
    }
