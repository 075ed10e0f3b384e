"""Descriptors put on items by scripted annotators: where a path ends, what else fits, what a bad reply does."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.graphs.assign_vocabulary import MAX_PER_LEVEL, assign_vocabulary, keep_best, make_tagging
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.graph_states.assign_vocabulary import AssignState, TreePosition
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Tree, TreeNode

NAMES = ("Pens", "Paper", "Gel pens", "Fountain pens", "Note paper", "Red gel pens")
PENS, PAPER, GEL, FOUNTAIN, NOTES, RED = (NodeId(number) for number in range(2, 8))


@pytest.fixture
def index(database: Database) -> Index:
    """Root > Pens (Gel pens (Red gel pens), Fountain pens), Paper (Note paper); the nodes' ids are 2 to 7."""
    made = Index(database)
    nodes = tuple(TreeNode(key, name, f"all {name}") for key, name in enumerate(NAMES, start=1))
    made.load_tree(Tree("vocabulary", nodes, ((0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (3, 6)), ()))
    return made


HOMES = {
    "red gel": ["Pens", "Gel pens", "Red gel pens"],
    "biro": ["Pens"],
    "lamp": [],
    "pad": ["Paper", "Note paper"],
    "set": ["Paper", "Pens", "Fountain pens", "Gel pens", "Note paper", "Red gel pens"],
}


def rule(request: ModelRequest) -> Mapping[str, Any]:
    """Answer with all that `HOMES` has and is on offer, in its order."""
    numbers = {choice.texts[0]: choice.id for choice in request.choices}
    chosen = [[numbers[home] for home in HOMES[text] if home in numbers] or [0] for text in request.texts]
    return {**{str(n): ids for n, ids in enumerate(chosen, start=1)}, "why": ""}


def run(
    index: Index, model: ScriptedModel, items: Sequence[str], most: int = 1, batch: int = 20
) -> AssignState:
    annotator = Annotator(
        model, PromptLibrary(), AnnotatorSettings(most=most, batch=batch), kind=ASSIGN_ITEMS
    )
    graph = assign_vocabulary(index, annotator, lambda item: item.text).compile()
    state: AssignState = asyncio.run(graph.ainvoke({"items": [Item(ItemId(text), text) for text in items]}))
    return state


def test_one_best_path_that_stops_where_nothing_fits(index: Index) -> None:
    model = ScriptedModel(rule=rule)
    state = run(index, model, tuple(HOMES))
    assert state["taggings"] == {
        "red gel": Tagging(ItemId("red gel"), (PENS, GEL, RED)),
        "biro": Tagging(ItemId("biro"), (PENS,)),
        "lamp": Tagging(ItemId("lamp")),
        "pad": Tagging(ItemId("pad"), (PAPER, NOTES)),
        "set": Tagging(ItemId("set"), (PAPER, NOTES)),
    }
    assert list(state["taggings"]) == list(HOMES)


def test_a_level_is_one_batch_and_items_at_one_node_share_a_request(index: Index) -> None:
    batches: list[list[tuple[str, ...]]] = []

    class Watched(ScriptedModel):
        async def answer(self, requests: Sequence[ModelRequest]) -> list[Any]:
            batches.append([request.texts for request in requests])
            return await super().answer(requests)

    state = run(index, Watched(rule=rule), tuple(HOMES))
    assert batches == [[tuple(HOMES)], [("red gel", "biro"), ("pad", "set")], [("red gel",)]]
    assert [(row.item_id, row.node_id) for row in state["decisions"]] == [
        ("node 1 from 0", 1),
        ("node 2 from 0", PENS),
        ("node 3 from 0", PAPER),
        ("node 4 from 0", GEL),
    ]


def test_requests_say_where_the_items_stand_and_what_descriptors_mean(index: Index) -> None:
    model = ScriptedModel(rule=rule)
    run(index, model, ["red gel"])
    top, middle, below = (request.context.splitlines() for request in model.history)
    assert sorted(line.split(". ")[1] for line in top[1:3]) == ["Paper: all Paper", "Pens: all Pens"]
    assert middle[0] == "The items are all from: Pens"
    assert below == [
        "The items are all from: Pens > Gel pens",
        "Descriptors:",
        "1. Red gel pens: all Red gel pens",
        "0. none of these",
        "Call assign_label with at most 1 of them for each item.",
    ]


def test_with_more_than_one_the_others_are_the_most_specific_and_the_best_come_first(index: Index) -> None:
    state = run(index, ScriptedModel(rule=rule), tuple(HOMES), most=2)
    assert state["taggings"]["set"] == Tagging(
        # Paper first, then Pens (one better choice passed over): below it Fountain pens, then Gel pens.
        ItemId("set"),
        (PAPER, NOTES),
        (FOUNTAIN, RED),
    )
    assert state["taggings"]["red gel"] == Tagging(ItemId("red gel"), (PENS, GEL, RED))
    assert state["taggings"]["lamp"] == Tagging(ItemId("lamp"))


def test_an_index_without_descriptors_asks_nothing(database: Database) -> None:
    model = ScriptedModel()
    state = run(Index(database), model, ["pad", "biro"])
    assert state["taggings"] == {"pad": Tagging(ItemId("pad")), "biro": Tagging(ItemId("biro"))}
    assert model.history == []
    assert run(Index(database), model, [])["taggings"] == {}


def test_an_invalid_reply_ends_in_an_error_for_those_items_only(index: Index) -> None:
    bad = ModelReplyError("no call")
    model = ScriptedModel(rule=lambda request: bad if "biro" in request.texts else rule(request))
    state = run(index, model, ("red gel", "biro", "lamp", "pad"))
    assert state["taggings"] == {
        "red gel": Tagging(ItemId("red gel"), (PENS, GEL, RED)),
        "biro": Tagging(ItemId("biro"), error="no call"),
        "lamp": Tagging(ItemId("lamp")),
        "pad": Tagging(ItemId("pad"), (PAPER, NOTES)),
    }


def test_what_was_found_above_an_invalid_reply_stays(index: Index) -> None:
    bad = ModelReplyError("no call")
    model = ScriptedModel(
        rule=lambda request: bad if "from: Pens > Gel" in request.context else rule(request)
    )
    state = run(index, model, ("red gel", "pad"))
    assert state["taggings"] == {
        "red gel": Tagging(ItemId("red gel"), (PENS, GEL), error="no call"),
        "pad": Tagging(ItemId("pad"), (PAPER, NOTES)),
    }


def test_a_server_that_is_gone_stops_everything(index: Index) -> None:
    gone = ModelUnavailableError("the server is gone")
    model = ScriptedModel(rule=lambda request: gone if "pad" in request.texts else rule(request))
    with pytest.raises(ModelUnavailableError, match="the server is gone"):
        run(index, model, ("red gel", "pad"), batch=1)


def test_an_item_stands_at_so_many_nodes_of_a_level_only() -> None:
    at = [TreePosition(ItemId("a"), (NodeId(node),), passed) for node, passed in enumerate([3, 0, 2, 1] * 3)]
    few = [TreePosition(ItemId("b"), (NodeId(1),), 5)]
    found = keep_best([*at, *few])
    assert len(found) == MAX_PER_LEVEL + 1
    assert [each.path[0] for each in found] == [1, 5, 9, 3, 7, 11, 2, 6, 1]
    assert found[-1] == few[0]
    assert keep_best(at[:MAX_PER_LEVEL]) == at[:MAX_PER_LEVEL]


def test_the_bound_holds_on_a_wide_level(database: Database) -> None:
    index = Index(database)
    nodes = tuple(TreeNode(key, f"d{key}") for key in range(1, 25))
    below = [(key, key + 12) for key in range(1, 13)]
    index.load_tree(Tree("vocabulary", nodes, (*((0, key) for key in range(1, 13)), *below), ()))
    model = ScriptedModel(
        rule=lambda request: (
            {"1": [choice.id for choice in request.choices] or [0], "why": ""}
            if len(request.texts) == 1
            else pytest.fail("one item in each request")
        )
    )
    state = run(index, model, ["x"], most=20)
    assert len(model.history) == 1 + MAX_PER_LEVEL
    found = state["taggings"]["x"]
    assert (len(found.path), len(found.others)) == (2, MAX_PER_LEVEL - 1)
    # All of them are leaves below the descriptors that came first.
    assert {node > 13 for node in (found.path[-1], *found.others)} == {True}


def test_paths_are_put_together() -> None:
    def at(passed: int, *path: int) -> TreePosition:
        return TreePosition(ItemId("i"), tuple(map(NodeId, path)), passed)

    assert make_tagging(ItemId("i"), [], "") == Tagging(ItemId("i"))
    places = [at(0, 2), at(1, 3), at(0, 2, 4), at(1, 2, 5), at(1, 3, 6), at(2, 3, 7), at(1, 3, 6, 8)]
    # 5 and 8 passed over one, and the deeper of two alike comes first; 3 and 6 have something below them.
    assert make_tagging(ItemId("i"), places, "late") == Tagging(
        ItemId("i"), (NodeId(2), NodeId(4)), (NodeId(8), NodeId(5), NodeId(7)), "late"
    )
    # Found by two ways, its better rank counts; what the best path holds is no other.
    assert make_tagging(ItemId("i"), [at(0, 2), at(3, 4), at(1, 4), at(2, 5), at(1, 2)], "").others == (4, 5)
