"""What graphs tell on their way, as whole lists; the same from `stream` and `astream`, and nothing outside a run."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, get_args

import numpy as np
import pytest
from goods import POLICY, Goods, suggestions
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph

from taxonaut import WalkPolicy, navigate
from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.agents.architect import DESCRIPTORS, Architect
from taxonaut.agents.category_expert import CategoryExpert, CategoryText
from taxonaut.agents.change_reviewer import ChangeReviewer
from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.agents.general_expert import GeneralExpert
from taxonaut.agents.navigator import Navigator
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.agents.writers.change_writer import ChangeWriter
from taxonaut.graphs.assign_vocabulary import assign_vocabulary
from taxonaut.graphs.build_index import build_index
from taxonaut.graphs.build_vocabulary import build_vocabulary
from taxonaut.graphs.categorize import categorize
from taxonaut.graphs.insert_labels import insert_labels
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.state.updates import (
    CentresProposed,
    ChangesReviewed,
    ItemFinished,
    ItemTagged,
    LabelPlaced,
    LevelStarted,
    NodeOpened,
    NodeSplit,
    PartitionStarted,
    Progress,
    RoundFinished,
    SplitRefused,
    Token,
    ToolStarted,
    Update,
    as_row,
    listening,
    staged,
    tell,
)

ROOT, CLOTHES, SPORTS, SHOES, BALLS = map(NodeId, (1, 2, 3, 4, 5))
PROMPTS = PromptLibrary()


def told(graph: "StateGraph[Any, Any, Any, Any]", given: Mapping[str, Any]) -> list[Update]:
    """What a graph tells; in a synchronous run it is the same."""
    compiled = graph.compile()

    async def listen() -> list[Update]:
        return [update async for update in compiled.astream(given, stream_mode="custom")]

    heard = asyncio.run(listen())
    assert list(compiled.stream(given, stream_mode="custom")) == heard
    return heard


def fits(homes: Mapping[str, Sequence[str]]) -> ScriptedModel:
    """A model that takes all that a text's homes name and is on offer."""

    def chosen(text: str, request: ModelRequest) -> list[int]:
        numbers = {choice.texts[0].rpartition(" > ")[2]: choice.id for choice in request.choices}
        return [numbers[home] for home in homes[text] if home in numbers] or [0]

    def rule(request: ModelRequest) -> Any:
        if not request.texts:
            return chosen(request.text, request)
        return {str(n): chosen(text, request) for n, text in enumerate(request.texts, start=1)} | (
            {"why": ""} if "why" in request.tool.parameters["properties"] else {}
        )

    return ScriptedModel(rule=rule)


def batch(*texts: str) -> dict[str, Any]:
    return {"items": [Item(ItemId(text), text) for text in texts]}


HIKES = {"hiking": ["Clothes", "Shoes", "Boots"], "match": ["Sports", "Balls", "Footballs"], "void": []}


@pytest.mark.parametrize("ranked", [True, False])
def test_a_walk(index: Index, ranked: bool) -> None:
    model = fits(HIKES)
    expert = GeneralExpert(model, PROMPTS) if ranked else None
    graph = navigate(index, Navigator(model, PROMPTS), expert, None, WalkPolicy(shortlist="tree"))
    *way, first, second, third = told(graph, batch(*HIKES))
    assert way == [
        LevelStarted(1, 3, 1),
        NodeOpened(ROOT, (), 3),
        LevelStarted(2, 2, 2),
        NodeOpened(CLOTHES, ("Clothes",), 1),
        NodeOpened(SPORTS, ("Sports",), 1),
    ]
    if ranked:
        shoes, balls = ("Clothes", "Shoes"), ("Sports", "Balls", "Footballs")
        assert first == ItemFinished(ItemId("hiking"), (LabelId("shoes"), LabelId("boots")), shoes, 1.0)
        assert second == ItemFinished(ItemId("match"), (LabelId("ball"),), balls, 1.0)
    assert third == ItemFinished(ItemId("void"), (LabelId("gift"),) if not ranked else ())


def test_an_item_whose_request_failed_says_so(index: Index) -> None:
    model = ScriptedModel(rule=lambda request: ModelReplyError("no valid call"))
    graph = navigate(index, Navigator(model, PROMPTS), GeneralExpert(model, PROMPTS), None, TREE)
    assert told(graph, batch("x"))[-1] == ItemFinished(ItemId("x"), error="no valid call")


TREE = WalkPolicy(shortlist="tree")


class Fixed:
    """A classifier that is sure of one text only."""

    name = "expert/1"
    labels = (LabelId("boots"), LabelId("ball"))

    def probabilities(self, texts: Sequence[str]) -> Any:
        return np.array([[0.9, 0.1] if text == "sure" else [0.6, 0.4] for text in texts], np.float32)


def test_two_experts(index: Index) -> None:
    model = fits({"unsure": ["Footballs"]})
    texts = {
        LabelId("boots"): CategoryText("Boots", ("Boots",)),
        LabelId("ball"): CategoryText("Footballs", ("Footballs",)),
    }
    general, domain = CategoryExpert(model, PROMPTS), DomainExpert(Fixed(), 2)
    graph = categorize(index, domain, general, lambda labels: texts, 0.8)
    given = batch("sure", "unsure")
    sure, unsure = map(ItemId, ("sure", "unsure"))
    heard = [as_row(update) for update in told(graph, given)]
    assert [{**row, "score": round(row["score"], 2)} for row in heard] == [
        as_row(ItemFinished(sure, (LabelId("boots"),), ("Clothes", "Shoes", "Boots"), 0.9, "domain")),
        as_row(ItemFinished(unsure, (LabelId("ball"),), ("Sports", "Balls", "Footballs"), 0.6, "general")),
    ]


def test_new_labels_find_their_places(index: Index) -> None:
    texts = {LabelId("t"): "Tennis balls", LabelId("l"): "Lamps", LabelId("r"): "Scarf rings"}
    homes = {"Tennis balls": ["Sports", "Balls"], "Lamps": [], "Scarf rings": ["Clothes"]}
    graph = insert_labels(index, Annotator(fits(homes), PROMPTS, AnnotatorSettings(most=3)), texts)
    assert told(graph, {"label_ids": list(texts)}) == [
        LevelStarted(1, 3, 1),
        NodeOpened(ROOT, (), 3),
        LabelPlaced(LabelId("l"), ROOT, fits=False),
        Progress("comparing with the index", 1, 3),
        LevelStarted(2, 2, 2),
        NodeOpened(SPORTS, ("Sports",), 1),
        NodeOpened(CLOTHES, ("Clothes",), 1),
        LabelPlaced(LabelId("r"), CLOTHES, fits=False),
        Progress("comparing with the index", 2, 3),
        LabelPlaced(LabelId("t"), BALLS),
        Progress("comparing with the index", 3, 3),
    ]


def test_descriptors_are_put_on_items(index: Index) -> None:
    homes = {"boot": ["Clothes", "Shoes"], "lamp": []}
    annotator = Annotator(fits(homes), PROMPTS, AnnotatorSettings(most=1), kind=ASSIGN_ITEMS)
    graph = assign_vocabulary(index, annotator, lambda item: item.text)
    given = batch(*homes)
    assert told(graph, given) == [
        LevelStarted(1, 2, 1),
        NodeOpened(ROOT, (), 2),
        LevelStarted(2, 1, 1),
        NodeOpened(CLOTHES, ("Clothes",), 1),
        ItemTagged(ItemId("boot"), (CLOTHES, SHOES)),
        ItemTagged(ItemId("lamp")),
    ]


def test_an_index_is_built() -> None:
    homes = {"fox": ["land"], "wolf": ["land"], "seal": ["sea"], "whale": ["sea"], "bat": []}
    vectors = np.eye(5, 8, dtype=np.float32)
    table = LabelTable([LabelId(name) for name in homes], list(homes), vectors)
    calls = [("land", "sea", "ice"), ("land", "sea")]

    def propose(request: ModelRequest) -> Any:
        names = calls[bool(len(architect.history) % 2 == 0)]
        return {"categories": [{"name": name, "description": ""} for name in names]}

    architect = ScriptedModel(rule=propose)
    parts = VectorClusters(lambda: table)
    graph = build_index(
        parts,
        Architect(architect, PROMPTS, parts),
        Annotator(fits(homes), PROMPTS, AnnotatorSettings()),
        BuildPolicy(terminal_size=2, other=0.3),
    )
    assert told(graph, {"label_ids": list(map(LabelId, homes))}) == [
        Progress("splitting by agents", 0, 5),
        PartitionStarted("", (), 5),
        CentresProposed("", ("land", "sea", "ice")),
        SplitRefused("", ("no label belongs to 'ice'; leave it out",)),
        Progress("splitting by agents", 0, 5),
        PartitionStarted("", (), 5, 1),
        CentresProposed("", ("land", "sea")),
        NodeSplit("", (), ("land", "sea"), (2, 2), 1),
        Progress("splitting by agents", 5, 5),
    ]


def test_a_vocabulary_is_built() -> None:
    crew = Goods()
    table = suggestions(ITEM_TEXTS)
    graph = build_vocabulary(
        table,
        Architect(crew.architect, PROMPTS, table, kind=DESCRIPTORS),
        Annotator(crew.annotator, PROMPTS, AnnotatorSettings(batch=20), kind=ASSIGN_ITEMS),
        ChangeWriter(crew.writer, PROMPTS, table.text),
        ChangeReviewer(crew.reviewer, PROMPTS, table.text),
        POLICY,
    )
    given = batch(*ITEM_TEXTS)
    assert told(graph, given) == [
        Progress("building", 0, 1),
        PartitionStarted("", (), 16),
        CentresProposed("", ("Pens", "Paper")),
        RoundFinished("", 1, 16, 12),
        ChangesReviewed("", 1, 1, 1),
        Progress("building", 0, 1),
        RoundFinished("", 2, 16, 16),
        NodeSplit("", (), ("Pens", "Paper", "Lamps"), (6, 6, 4)),
        Progress("building", 1, 1),
    ]


ITEM_TEXTS = [f"{kind} {n}" for kind, count in (("gel", 6), ("note", 6), ("lamp", 4)) for n in range(count)]


class Count(TypedDict):
    """A number."""

    number: int


async def emit_twice(state: Any) -> Any:
    emit(Token("a"))
    await asyncio.to_thread(emit, Token("b"))
    return {"number": 1}


async def test_a_step_tells_from_a_thread_and_inside_a_running_loop_too() -> None:
    graph: Any = StateGraph(Count)
    graph.add_node("tell", step(emit_twice))
    graph.add_edge(START, "tell")
    compiled = graph.compile()
    assert list(compiled.stream({"number": 0}, stream_mode="custom")) == [Token("a"), Token("b")]
    assert compiled.invoke({"number": 0}) == {"number": 1}
    assert await compiled.ainvoke({"number": 0}) == {"number": 1}


async def test_nothing_happens_outside_a_run_or_in_a_runnable_of_another_kind() -> None:
    assert await emit_twice({}) == {"number": 1}
    assert await RunnableLambda(emit_twice).ainvoke({}) == {"number": 1}


def test_each_update_says_its_kind_and_is_plain_json() -> None:
    kinds = [get_args(each.__annotations__["kind"])[0] for each in get_args(Update)]
    assert len(set(kinds)) == len(kinds) == 25
    row = as_row(ToolStarted("1", "classify", {"texts": ("a", "b"), "deep": {1: ("c",)}}))
    assert row == {
        "kind": "tool_started",
        "id": "1",
        "name": "classify",
        "arguments": {"texts": ["a", "b"], "deep": {"1": ["c"]}},
    }
    assert json.loads(json.dumps(row)) == row


def test_a_stage_names_the_progress_inside_it() -> None:
    heard: list[Any] = []
    with listening(heard.append), staged("navigate", 5):
        tell(Progress("labelling", 2))
        tell(Progress("embedding", 1, 9))
        tell(Token("a"))
    assert heard == [
        Progress("navigate", 0, 5),
        Progress("navigate", 2, 5),
        Progress("navigate", 1, 9),
        Token("a"),
    ]


def test_all_who_listen_hear() -> None:
    inner: list[Any] = []
    outer: list[Any] = []
    tell(Token("nobody hears it"))
    with listening(outer.append):
        with listening(inner.append), listening(None):
            tell(Token("a"))
        tell(Token("b"))
    assert (inner, outer) == ([Token("a")], [Token("a"), Token("b")])


async def test_listening_hears_the_graphs_inside_its_block_only() -> None:
    graph: Any = StateGraph(Count)
    graph.add_node("tell", step(emit_twice))
    graph.add_edge(START, "tell")
    compiled, heard = graph.compile(), []
    with listening(heard.append):
        await compiled.ainvoke({"number": 0})
        compiled.invoke({"number": 0})
        assert list(compiled.stream({"number": 0}, stream_mode="custom")) == [Token("a"), Token("b")]
    await compiled.ainvoke({"number": 0})
    assert heard == [Token("a"), Token("b")] * 3
