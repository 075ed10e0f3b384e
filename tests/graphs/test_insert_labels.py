"""Search of algorithm 3: new labels go down the index level by level, into all that fits."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from taxonaut.agents.annotator import Annotator, AnnotatorSettings
from taxonaut.graphs.insert_labels import insert_labels, interleave
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelError, ModelUnavailableError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.stores.runs import Runs

ROOT, CLOTHES, SPORTS, SHOES, BALLS = map(NodeId, (1, 2, 3, 4, 5))

FITS: Mapping[str, tuple[str, ...]] = {
    "Sneakers": ("Clothes", "Sports", "Shoes"),
    "Tennis balls": ("Sports", "Balls"),
    "Scarf rings": ("Clothes",),
    "Lamps": (),
}
"""The centres that each text fits."""


def sorts(fits: Mapping[str, tuple[str, ...]] = FITS) -> Callable[[ModelRequest], Any]:
    """Answer like someone who knows what fits."""

    def rule(request: ModelRequest) -> Any:
        numbers = {choice.texts[0]: choice.id for choice in request.choices}
        return {
            str(place): [numbers[name] for name in fits[text] if name in numbers] or [0]
            for place, text in enumerate(request.texts, start=1)
        }

    return rule


def annotator(model: ScriptedModel, batch: int = 20, most: int = 3) -> Annotator:
    return Annotator(model, PromptLibrary(), AnnotatorSettings(batch=batch, most=most))


async def insert(
    index: Index, model: ScriptedModel, texts: Mapping[str, str], runs: Runs | None = None, **settings: Any
) -> dict[str, Any]:
    labels = {LabelId(id_): text for id_, text in texts.items()}
    units = None if runs is None else runs.units(runs.open("grow", "one", {}))
    graph = insert_labels(index, annotator(model, **settings), labels, units).compile()
    return await graph.ainvoke({"label_ids": list(labels)})


NEW = {"n": "Sneakers", "t": "Tennis balls", "r": "Scarf rings", "l": "Lamps"}


async def test_labels_go_into_all_that_fits_and_stay_where_nothing_does(index: Index) -> None:
    model = ScriptedModel(rule=sorts())
    state = await insert(index, model, NEW)
    assert state["inserted"] == {
        "n": (SHOES,),
        "t": (BALLS,),
        "r": (CLOTHES,),
        "l": (ROOT,),
    }
    assert state["unfit"] == {"r": (CLOTHES,), "l": (ROOT,)}


async def test_a_level_is_one_batch_and_a_node_reached_twice_is_compared_once(index: Index) -> None:
    model = ScriptedModel(rule=sorts())
    await insert(index, model, NEW)
    asked = [(request.texts, tuple(sorted(c.texts[0] for c in request.choices))) for request in model.history]
    assert asked == [
        (("Sneakers", "Tennis balls", "Scarf rings", "Lamps"), ("Clothes", "Sports")),
        (("Sneakers", "Scarf rings"), ("Shoes",)),
        (("Sneakers", "Tennis balls"), ("Balls", "Shoes")),
    ]
    assert "The labels are all from: Sports" in model.history[2].context


async def test_many_labels_share_a_request(index: Index) -> None:
    model = ScriptedModel(rule=sorts({f"label {n}": ("Clothes",) for n in range(45)}))
    state = await insert(index, model, {f"l{n}": f"label {n}" for n in range(45)}, batch=20)
    assert [len(request.texts) for request in model.history] == [20, 20, 5, 20, 20, 5]
    assert set(state["inserted"].values()) == {(CLOTHES,)}


async def test_a_root_without_branches_takes_all(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId("one"), "One")])
    index.load_tree(Tree("agents", (), (), ((0, LabelId("one")),)))
    model = ScriptedModel()
    state = await insert(index, model, NEW)
    assert state["inserted"] == dict.fromkeys(NEW, (ROOT,))
    assert state["unfit"] == {}
    assert model.history == []


async def test_nothing_to_insert(index: Index) -> None:
    state = await insert(index, ScriptedModel(), {})
    assert state["inserted"] == {}


async def test_finished_levels_are_kept(index: Index) -> None:
    runs = Runs(index._database)

    def breaks(request: ModelRequest) -> Any:
        ends = any(choice.texts[0] == "Balls" for choice in request.choices)
        return ModelUnavailableError("gone") if ends else sorts()(request)

    broken = ScriptedModel(rule=breaks)
    with pytest.raises(ModelError, match="gone"):
        await insert(index, broken, NEW, runs)
    assert len(broken.history) == 3
    model = ScriptedModel(rule=sorts())
    state = await insert(index, model, NEW, runs)
    assert [request.texts for request in model.history] == [
        ("Sneakers", "Scarf rings"),
        ("Sneakers", "Tennis balls"),
    ]
    assert state["inserted"]["n"] == (SHOES,)
    again = ScriptedModel()
    assert (await insert(index, again, NEW, runs))["inserted"] == state["inserted"]


async def test_a_node_of_very_many_branches_is_shown_in_parts(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId("all"), "All")])
    nodes = tuple(TreeNode(n, f"branch {n}") for n in range(1, 151))
    edges = tuple((0, node.key) for node in nodes)
    places = ((1, LabelId("all")), *((n, LabelId("all")) for n in range(2, 151)))
    index.load_tree(Tree("native", nodes, edges, places))
    model = ScriptedModel(rule=sorts({"new": ("branch 3", "branch 70", "branch 149")}))
    state = await insert(index, model, {"new": "new"}, most=2)
    assert [len(request.choices) for request in model.history] == [64, 64, 22]
    names = [index.node(node).name for node in state["inserted"]["new"]]
    assert names == ["branch 3", "branch 70"]


async def test_an_encoder_compares_with_all_branches_at_once(index: Index) -> None:
    model = ScriptedModel(rule=sorts())
    model.reads_prompts = False
    await insert(index, model, NEW)
    assert model.history[0].context == ""
    examples = {choice.texts[0]: choice.texts for choice in model.history[0].choices}
    assert examples == {"Clothes": ("Clothes", "Boots", "Scarves"), "Sports": ("Sports",)}


def test_parts_are_joined_turn_by_turn() -> None:
    one, two, three = NodeId(1), NodeId(2), NodeId(3)
    assert interleave([(one, two), (), (three,)], 3) == (one, three, two)
    assert interleave([(), ()], 3) == ()


async def test_centres_may_be_given_other_texts(index: Index) -> None:
    from taxonaut.graphs.insert_labels import node_text

    model = ScriptedModel(rule=lambda request: {str(n): [0] for n in range(1, len(request.texts) + 1)})
    graph = insert_labels(
        index,
        annotator(model),
        {LabelId("l"): "Lamps"},
        centre=lambda node: replace(node_text(node), description="seen"),
    ).compile()
    await graph.ainvoke({"label_ids": [LabelId("l")]})
    assert "Clothes: seen" in model.history[0].context
