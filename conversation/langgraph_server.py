"""The graphs as a LangGraph server has them (langgraph.json): JSON in, JSON out, over one workspace.

The workspace is the folder that the environment variable TAXONAUT_WORKSPACE names; it is opened once. Nothing is
kept of a run but what the workspace keeps; threads of `chat` are the server's own. Updates come with the stream
mode `custom`, as JSON with a `kind`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, cast

from taxonaut.agents.assistant import Assistant
from taxonaut.conversation.assistants import assistant_of
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.graphs.converse import converse
from taxonaut.state.errors import InputError, TaxonautError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.state.updates import Update, as_row, listening
from taxonaut.workspace.expert.categorized_rows import categorized_row
from taxonaut.workspace.files.result_files import result_row
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

VARIABLE = "TAXONAUT_WORKSPACE"

_OPENING = Lock()

Graph: TypeAlias = "StateGraph[Any, Any, Any, Any]"


class Given(TypedDict, total=False):
    """What is sent to a graph. `texts` are texts, or objects with `id` and `text`; `labels` have `id` and `name`.

    `settings` replace settings of the workspace for this run: those of `Workspace.classify`, `categorize`,
    `assign_vocabulary`, of the method of `build_index`, and `sample` of `build_vocabulary`.
    """

    texts: list[str | dict[str, Any]]
    labels: list[dict[str, Any]]
    method: str
    settings: dict[str, Any]


class Found(TypedDict, total=False):
    """What comes back: a row for each item, or what was done to the index, or what was wrong with what was sent."""

    results: list[dict[str, Any]]
    done: dict[str, Any]
    error: dict[str, str]


class Served(Given, Found, total=False):
    """A run: what was sent, and what came of it."""


NOTHING: Mapping[str, Any] = {
    "texts": [],
    "labels": [],
    "method": "",
    "settings": {},
    "results": [],
    "done": {},
    "error": {},
}
"""What is left of a run in its thread, so that the next one there starts anew."""

Work = Callable[["Workspace", Given], Awaitable[Found]]


def opened() -> Workspace:
    """Return the workspace, opened once for as long as the server runs."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        raise InputError(f"{VARIABLE} is not set; let it name the folder of a workspace")
    with _OPENING:
        return opened_once(folder)


@lru_cache(maxsize=1)
def opened_once(folder: str) -> Workspace:
    """Open a workspace."""
    return Workspace.open(folder)


def graph_of(name: str, work: Work, open_workspace: Callable[[], Workspace] = opened) -> Graph:
    """Return a graph of one step, which does some work on the workspace and tells what it tells as JSON."""
    from langgraph.graph import END, START, StateGraph

    async def run(state: Served) -> Served:
        found: Found
        try:
            workspace = await asyncio.to_thread(open_workspace)
            found = await told(cast("Coroutine[Any, Any, Found]", work(workspace, state)))
        except TaxonautError as error:
            found = {"error": {"type": type(error).__name__, "message": str(error)}}
        return cast("Served", {key: empty for key, empty in NOTHING.items() if key in state} | found)

    graph = StateGraph(Served, input_schema=Given, output_schema=Found)
    graph.add_node(name, run)
    graph.add_edge(START, name)
    graph.add_edge(name, END)
    return graph


async def told(work: Coroutine[Any, Any, Found]) -> Found:
    """Await work whose graphs are runs of their own; what they tell goes into the stream of this run."""
    from langchain_core.runnables.config import var_child_runnable_config
    from langgraph.config import get_stream_writer

    here, write = copy_context(), get_stream_writer()

    def tell(update: Update) -> None:
        here.copy().run(write, as_row(update))

    with listening(tell):
        apart = copy_context()
    apart.run(var_child_runnable_config.set, None)
    return await asyncio.get_running_loop().create_task(work, context=apart)


def navigate() -> Graph:
    """The walk and its ranking, as `taxonaut classify` does it."""
    return graph_of("navigate", label_items)


async def label_items(workspace: Workspace, given: Given) -> Found:
    found = await workspace.aclassify(items_of(given), **given.get("settings", {}))
    return {"results": [result_row(result) for result in found]}


def categorize() -> Graph:
    """One category each, by two experts, as `taxonaut categorize` does it."""
    return graph_of("categorize", categorize_items)


async def categorize_items(workspace: Workspace, given: Given) -> Found:
    found = await workspace.acategorize(items_of(given), **given.get("settings", {}))
    return {"results": [categorized_row(result) for result in found]}


def assign_vocabulary() -> Graph:
    """A vocabulary's descriptors for each text, as `taxonaut vocabulary assign` puts them."""
    return graph_of("assign_vocabulary", assign_descriptors)


async def assign_descriptors(workspace: Workspace, given: Given) -> Found:
    found = await workspace.aassign_vocabulary(items_of(given), **given.get("settings", {}))
    nodes = {node for each in found for node in (*each.path, *each.others)}
    names = {node.id: node.name for node in workspace.index.nodes(sorted(nodes))}
    return {
        "results": [
            {
                "id": each.item_id,
                "path": [names[node] for node in each.path],
                "others": [names[node] for node in each.others],
                "error": each.error,
            }
            for each in found
        ]
    }


def build_index() -> Graph:
    """A new tree over the labels, as `taxonaut index build` makes it; `method` is `agents` unless it is given."""
    return graph_of("build_index", build_tree)


async def build_tree(workspace: Workspace, given: Given) -> Found:
    method = given.get("method") or "agents"
    tree = await workspace.abuild_index(method, given.get("settings", {}))
    return {"done": {"method": method, "nodes": len(tree.nodes), "version": workspace.index.version()}}


def insert_labels() -> Graph:
    """New labels for the index, as `taxonaut labels add` adds them."""
    return graph_of("insert_labels", add_labels)


async def add_labels(workspace: Workspace, given: Given) -> Found:
    growth = await workspace.aadd_labels(labels_of(given), **given.get("settings", {}))
    return {
        "done": {
            "inserted": {label: list(nodes) for label, nodes in growth.inserted.items()},
            "known": list(growth.known),
            "change": growth.change,
        }
    }


def build_vocabulary() -> Graph:
    """A vocabulary of descriptors from texts, as `taxonaut vocabulary build` makes it."""
    return graph_of("build_vocabulary", build_descriptors)


async def build_descriptors(workspace: Workspace, given: Given) -> Found:
    built = await workspace.abuild_vocabulary(items_of(given), **given.get("settings", {}))
    return {"done": {"items": built.items, "groups": built.groups, "descriptors": built.descriptors}}


async def chat() -> Graph:
    """The conversation; a change stops at an interrupt and waits for a resume with true or false."""
    return await asyncio.to_thread(conversation)


def conversation() -> Graph:
    """Build the graph of a conversation over the workspace; files of the server's machine are not read for it."""
    workspace = opened()
    return converse(assistant(), WorkspaceTools(workspace, allowed_files=()))


@lru_cache(maxsize=1)
def assistant() -> Assistant:
    """Return the workspace's assistant, which is the same for all threads."""
    return assistant_of(opened())


def items_of(given: Given) -> Sequence[str | Item]:
    """Return the texts that were sent; InputError if they are none."""
    texts: Any = given.get("texts")
    if not isinstance(texts, list) or not texts:
        raise InputError(f"texts is {texts!r}; send a list of texts, or of objects with id and text")
    return [item_of(each) for each in texts]


def item_of(sent: Any) -> str | Item:
    """Return one text that was sent."""
    if isinstance(sent, str):
        return sent
    if isinstance(sent, Mapping) and isinstance(sent.get("id"), str) and isinstance(sent.get("text"), str):
        return Item(ItemId(sent["id"]), sent["text"])
    raise InputError(f"a text is {sent!r}; send a text, or an object with id and text")


def labels_of(given: Given) -> list[Label]:
    """Return the labels that were sent; InputError if they are none."""
    labels: Any = given.get("labels")
    if not isinstance(labels, list) or not labels:
        raise InputError(f"labels is {labels!r}; send a list of objects with id and name")
    found = []
    for each in labels:
        fits = isinstance(each, Mapping) and all(isinstance(each.get(key), str) for key in ("id", "name"))
        if not fits or not isinstance(each.get("description", ""), str):
            raise InputError(f"a label is {each!r}; send an object with id, name and perhaps description")
        found.append(Label(LabelId(each["id"]), each["name"], each.get("description", "")))
    return found
