"""Agents, guides and policies of a person's own in the place of ours; docs/program.md has them in 15 lines each."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pytest
import shop_expert
from langgraph.graph import END, START, StateGraph

from taxonaut import Workspace
from taxonaut.agents.asking import Answer, custom_answer
from taxonaut.graphs.navigate import Chosen, Guide
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.graph_states.navigate import Journey
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Item, ItemResult

PAGE = Path(__file__).parents[2] / "docs" / "program.md"
TREE = WalkPolicy(shortlist="tree", candidates=0)
ITEM = Item(ItemId("i"), "red apples")


def test_an_answer_without_a_model_has_its_row() -> None:
    scores = {NodeId(3): 0.5, NodeId(2): 0.75, NodeId(9): 1.0}
    answer = custom_answer("words", ITEM, [NodeId(2), NodeId(3), NodeId(4)], scores, NodeId(1))
    assert (answer.item, answer.chosen, answer.scores) == (ITEM, (2, 3), (0.75, 0.5))
    assert (answer.question.node, answer.evidence) == (1, ("", ""))
    assert answer.decision == Decision(
        ItemId("i"),
        NodeId(1),
        "words",
        "",
        "",
        "words",
        "words",
        ("2", "3", "4"),
        ("2", "3"),
        (0.75, 0.5, 0.0),
    )


class Everything:
    """A navigator that opens all branches."""

    async def choose(self, visits: Any, expansions: Any, paths: Any, ancestors: Any = None) -> Any:
        return [self.answer(item, node, expansions[node].branches) for item, node in visits]

    def answer(self, item: Item, node: NodeId, branches: Any) -> Answer[NodeId]:
        scores = {branch.id: 1.0 for branch in branches}
        return custom_answer("everything", item, list(scores), scores, node)


class ByName:
    """An expert that orders labels by their names."""

    async def rank(self, shortlists: Any, labels: Any, paths: Any) -> Any:
        return [
            custom_answer("by_name", item, held, {label: -place for place, label in enumerate(by_name)})
            for item, held in shortlists
            for by_name in [sorted(held, key=lambda label: labels[label].name)]
        ]


@dataclass(frozen=True)
class OneLevel:
    """A guide that ends every walk after the first step."""

    guide: Guide

    def from_root(self) -> Journey:
        return self.guide.from_root()

    def from_anchors(self, anchors: Sequence[tuple[LabelId, float]]) -> Journey:
        return self.guide.from_anchors(anchors)

    def on(self, journey: Journey, chosen: Iterable[Chosen]) -> Journey:
        went = self.guide.on(journey, chosen)
        return Journey(opened=went.opened, shortlist=went.shortlist, reached=went.reached)


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    def fail(request: Any) -> Any:
        raise AssertionError("a model was asked")

    with shop_expert.make(tmp_path / "w", ScriptedModel(rule=fail)) as made:
        yield made


def test_a_walk_without_any_model(workspace: Workspace) -> None:
    graph = workspace.graph(TREE, navigator=Everything(), expert=ByName()).compile()
    state = graph.invoke({"items": [ITEM, ITEM]})
    (result,) = state["results"].values()
    assert [label.name for label in result.labels] == [
        "Family tents",
        "Green pears",
        "Hiking boots",
        "Red apples",
        "Running shoes",
    ]
    assert {row.agent for row in state["decisions"]} == {"everything", "by_name"}


class Ticket(TypedDict, total=False):
    """The state of a graph whose keys are not the walk's."""

    subject: str
    department: tuple[str, ...]


class Desk(TypedDict, total=False):
    """The state of a graph that shares two keys with the walk."""

    items: list[Item]
    results: dict[ItemId, ItemResult]
    opened_at: str


async def test_a_walk_in_a_graph_with_other_keys(workspace: Workspace) -> None:
    walk = workspace.graph(TREE, navigator=Everything(), expert=ByName()).compile()

    async def route(ticket: Ticket) -> Ticket:
        found = await walk.ainvoke({"items": [Item(ItemId("ticket"), ticket["subject"])]})
        return {"department": found["results"]["ticket"].labels[0].path}

    parent = StateGraph(Ticket).add_node(route).add_edge(START, "route").add_edge("route", END).compile()
    given: Ticket = {"subject": "red apples"}
    assert await parent.ainvoke(given) == {**given, "department": ("Sport", "Camping", "Family tents")}
    stream = parent.astream(given, stream_mode="custom", subgraphs=True)
    assert [update.kind async for _, update in stream][-1] == "item_finished"


def test_a_compiled_walk_as_a_node(workspace: Workspace) -> None:
    walk = workspace.graph(TREE, navigator=Everything(), expert=ByName()).compile()
    parent = StateGraph(Desk).add_node("walk", walk).add_edge(START, "walk").add_edge("walk", END).compile()
    found = parent.invoke({"items": [ITEM], "opened_at": "noon"})
    assert (found["items"], found["opened_at"]) == ([ITEM], "noon")
    assert [label.name for label in found["results"]["i"].labels][:2] == ["Family tents", "Green pears"]


def test_a_graph_stores_nothing(workspace: Workspace) -> None:
    walk = workspace.graph(TREE, navigator=Everything(), expert=ByName()).compile()
    assert walk.invoke({"items": [ITEM]})["decisions"]
    assert (len(workspace.items), workspace.runs.list()) == (0, [])
    assert workspace.decisions.totals(RunId(0)).requests == 0


def test_a_guide_in_the_place_of_ours(workspace: Workspace) -> None:
    guide = OneLevel(Guide(workspace.index, TREE))
    graph = workspace.graph(TREE, rank=False, navigator=Everything(), guide=guide).compile()
    (trail,) = graph.invoke({"items": [ITEM]})["trails"].values()
    names = [node.name for node in workspace.index.nodes([way.node for way in trail.opened])]
    assert names == ["root", "Sport", "Food"]


def test_each_part_of_the_page_takes_15_lines_at_most() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    marks = ("class SharedWords", "class NearTheBest", "async def price", "class Ticket")
    own = [next(block for block in blocks if mark in block) for mark in marks]
    assert [len(block.strip().splitlines()) <= 15 for block in own] == [True] * 4
