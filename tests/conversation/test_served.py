"""The graphs of langgraph.json, asked over HTTP on LangGraph's own development server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import shop_expert
from graph_pictures import build_picture, pictures
from langgraph.checkpoint.memory import InMemorySaver
from langgraph_dev import serve_graphs
from pulled import require_weights

import taxonaut
from taxonaut.cli.serve.langgraph import GRAPHS as DESCRIPTIONS
from taxonaut.conversation.langgraph_server import (
    STEPS,
    build_graph,
    categorize_items,
    get_workspace,
    label_items,
)
from taxonaut.graphs.served_steps import FINISH, RUNNING
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError

pytestmark = pytest.mark.slow

LISTED = Path(taxonaut.__file__).parent / "langgraph.json"
GRAPHS = [
    "assign_vocabulary",
    "build_index",
    "build_vocabulary",
    "categorize",
    "chat",
    "insert_labels",
    "navigate",
]
LABELS = """\
id,name,path
earbuds,Wireless earbuds,Electronics > Audio > Wireless earbuds
phones,Smartphones,Electronics > Phones > Smartphones
trains,Wooden trains,Toys > Vehicles > Wooden trains
games,Board games,Toys > Games > Board games
"""


def by_last_word(request: ModelRequest) -> list[int]:
    """Take the options whose name has the last word of the text; on the way down, all of them."""
    word = request.text.split()[-1].casefold()
    fits = [choice.id for choice in request.choices if word in choice.texts[0].casefold()]
    return fits or [choice.id for choice in request.choices]


def test_the_listing_names_every_graph() -> None:
    graphs = json.loads(LISTED.read_text(encoding="utf-8"))["graphs"]
    assert sorted(graphs) == GRAPHS
    for name, entry in graphs.items():
        module, _, factory = entry["path"].partition(":")
        assert (module, factory) == ("taxonaut.conversation.langgraph_server", name)
        assert getattr(import_module(module), factory).__doc__
        assert entry["description"] == DESCRIPTIONS[name]


def test_the_steps_are_those_of_the_graphs() -> None:
    for picture in pictures():
        name = picture.builder.__name__
        if name in STEPS:
            found = dict[str, set[str]]()
            for edge in build_picture(picture).compile().get_graph().edges:
                found.setdefault(edge.source, set()).add(edge.target)
            (first,) = found.pop("__start__")
            assert first == next(iter(STEPS[name]))
            ends = {"__end__": FINISH}
            assert {step: {ends.get(each, each) for each in after} for step, after in found.items()} == {
                step: set(after) for step, after in STEPS[name].items()
            }
    assert STEPS.keys() == set(GRAPHS) - {"chat"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server over a small workspace."""
    require_weights()
    from taxonaut import Workspace
    from taxonaut.workspace.files.label_files import read_labels

    folder = tmp_path_factory.mktemp("served")
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    with Workspace.init(folder / "shop") as workspace:
        workspace.import_labels(read_labels(folder / "labels.csv"))
    with serve_graphs(LISTED, folder, {"TAXONAUT_WORKSPACE": str(folder / "shop")}) as client:
        yield client


def run(served: httpx.Client, graph: str, given: Any, thread: str = "", **more: Any) -> Any:
    """Run a graph to its end, or to where it waits."""
    where = f"/threads/{thread}/runs/wait" if thread else "/runs/wait"
    answer = served.post(where, json={"assistant_id": graph, "input": given, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.local
def test_texts_are_labelled_over_http(served: httpx.Client) -> None:
    sent = {
        "texts": [{"id": "a", "text": "bluetooth earbuds"}, "a wooden train set"],
        "settings": {"top": 1},
    }
    first, second = run(served, "navigate", sent)["results"]
    assert (first["id"], first["labels"][0]["path"]) == ("a", ["Electronics", "Audio", "Wireless earbuds"])
    assert [label["id"] for label in second["labels"]] == ["trains"]


async def test_a_run_leaves_nothing_to_the_next_one_in_its_thread() -> None:
    async def work(workspace: Any, given: Any) -> Any:
        if not given.get("texts"):
            raise InputError("no texts")
        return {"results": [dict(given)]}

    nothing: Any = lambda: None  # noqa: E731
    graph = build_graph(work, open_workspace=nothing).compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    first = await graph.ainvoke({"texts": ["a"], "settings": {"top": 1}}, thread)
    assert first == {"results": [{"texts": ["a"], "settings": {"top": 1}}]}
    second = await graph.ainvoke({"settings": {}}, thread)
    assert second == {"results": [], "error": {"type": "InputError", "message": "no texts"}}
    third = await graph.ainvoke({"texts": ["b"]}, thread)
    assert third["error"] == {}
    assert [(row["texts"], row["settings"]) for row in third["results"]] == [(["b"], {})]


async def test_a_cancelled_run_ends_its_work() -> None:
    began, ended = threading.Event(), threading.Event()

    async def work(workspace: Any, given: Any) -> Any:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    nothing: Any = lambda: None  # noqa: E731
    run = asyncio.create_task(build_graph(work, open_workspace=nothing).compile().ainvoke({"texts": ["a"]}))
    assert await asyncio.to_thread(began.wait, 30)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await asyncio.to_thread(ended.wait, 30)
    assert RUNNING == {}


async def test_runs_at_the_same_time_get_their_own_answers(tmp_path: Path) -> None:
    model = ScriptedModel(rule=by_last_word)
    texts = ["red apples", "family tents", "hiking boots"]
    walk = {"shortlist": "tree", "candidates": 0}
    with shop_expert.make(tmp_path / "w", model) as shop:
        for work, settings in ((label_items, walk), (categorize_items, {"everything": True})):
            graph = build_graph(work, open_workspace=lambda: shop).compile()
            sent: list[Any] = [{"texts": [{"id": "1", "text": text}], "settings": settings} for text in texts]
            found = await asyncio.gather(*map(graph.ainvoke, sent))
            assert [row["results"][0]["id"] for row in found] == ["1"] * 3
            assert [text.split()[-1] in str(row["results"]) for row, text in zip(found, texts, strict=True)]
            assert found == [await graph.ainvoke(each) for each in sent]
            assert len({str(row["results"]) for row in found}) == 3


def test_without_a_workspace_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAXONAUT_WORKSPACE", raising=False)
    with pytest.raises(InputError, match="TAXONAUT_WORKSPACE is not set; set it to the folder"):
        get_workspace()


@pytest.mark.local
def test_updates_are_streamed_as_json(served: httpx.Client) -> None:
    sent = {"texts": [{"id": "b", "text": "a game for the family"}], "settings": {"top": 1}}
    body = {"assistant_id": "navigate", "input": sent, "stream_mode": ["custom"]}
    with served.stream("POST", "/runs/stream", json=body) as answer:
        rows = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    kinds = [row["kind"] for row in rows if "kind" in row]
    assert (kinds[:2], kinds[-2:]) == (["level_started", "node_opened"], ["item_finished", "progress"])
    assert [row["labels"] for row in rows if row.get("kind") == "item_finished"] == [["games"]]


@pytest.mark.local
@pytest.mark.parametrize(
    ("graph", "given", "said"),
    [
        ("navigate", {"texts": [7]}, "a text is 7; send a text, or an object with id and text"),
        ("insert_labels", {"labels": [{"id": "x"}]}, "a label is {'id': 'x'}; send an object with id, name"),
        ("categorize", {"texts": ["a"]}, "no expert was trained"),
    ],
)
def test_a_person_s_mistake_comes_back_in_words(
    served: httpx.Client, graph: str, given: Any, said: str
) -> None:
    assert said in run(served, graph, given)["error"]["message"]


@pytest.mark.local
def test_a_turn_of_a_conversation_that_changes_the_index_waits_for_yes(served: httpx.Client) -> None:
    thread = served.post("/threads", json={}).json()["thread_id"]
    said = {"role": "user", "content": "rename the category Games to 'Playthings'"}
    body = {"assistant_id": "chat", "input": {"messages": [said]}, "stream_mode": ["custom"]}
    with served.stream("POST", f"/threads/{thread}/runs/stream", json=body) as answer:
        rows = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    assert (rows[1]["kind"], rows[-1]["kind"]) == ("understood", "change_proposed")
    assert "Playthings" in " ".join(rows[-1]["diff"])
    state = served.get(f"/threads/{thread}/state").json()
    (waits,) = state["tasks"][0]["interrupts"]
    assert (waits["value"]["use"]["name"], waits["value"]["by_model"]) == ("rename_node", False)
    made = run(served, "chat", None, thread, command={"resume": True})
    assert "Playthings" in made["messages"][-1]["content"]


@pytest.mark.local
def test_labels_are_added_and_a_tree_is_built(served: httpx.Client) -> None:
    new = [{"id": "kites", "name": "Kites", "description": "They fly on a string"}]
    done = run(served, "insert_labels", {"labels": new})["done"]
    assert (list(done["inserted"]), done["known"]) == (["kites"], [])
    built = run(served, "build_index", {"method": "kmeans", "settings": {}})["done"]
    assert (built["method"], built["version"] != "") == ("kmeans", True)
