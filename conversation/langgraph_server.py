"""Graphs for a LangGraph server (langgraph.json): JSON in, JSON out, over one workspace.

The environment variable TAXONAUT_WORKSPACE names the workspace, which is opened once. Runs are stored in the
workspace only; threads of `chat` are stored by the server. Updates come with the stream mode `custom`, as JSON with
a `kind`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, cast

from taxonaut.agents.assistant import Assistant
from taxonaut.conversation.assistants import open_assistant
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


class GraphInput(TypedDict, total=False):
    """Input of a graph. `texts` holds texts, or objects with `id` and `text`; `labels` objects with `id` and `name`.

    `settings` override settings of the workspace for this run: those of `Workspace.classify`, `categorize`,
    `assign_vocabulary`, of the method of `build_index`, and `sample` of `build_vocabulary`.
    """

    texts: list[str | dict[str, Any]]
    labels: list[dict[str, Any]]
    method: str
    settings: dict[str, Any]


class GraphOutput(TypedDict, total=False):
    """Output of a graph: a row per item, or what was done to the index, or the error."""

    results: list[dict[str, Any]]
    done: dict[str, Any]
    error: dict[str, str]


class GraphState(GraphInput, GraphOutput, total=False):
    """State of a run: input and output."""


EMPTY: Mapping[str, Any] = {
    "texts": [],
    "labels": [],
    "method": "",
    "settings": {},
    "results": [],
    "done": {},
    "error": {},
}
"""Empty state, which a run leaves in its thread so that the next one starts afresh."""

Work = Callable[["Workspace", GraphInput], Awaitable[GraphOutput]]


def get_workspace() -> Workspace:
    """Return the workspace, opened once per process."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        raise InputError(f"{VARIABLE} is not set; set it to the folder of a workspace")
    with _OPENING:
        return open_cached(folder)


@lru_cache(maxsize=1)
def open_cached(folder: str) -> Workspace:
    """Open a workspace."""
    return Workspace.open(folder)


def build_graph(name: str, work: Work, open_workspace: Callable[[], Workspace] = get_workspace) -> Graph:
    """Build a graph of one step that does `work` on the workspace and streams its updates as JSON."""
    from langgraph.graph import END, START, StateGraph

    async def run(state: GraphState) -> GraphState:
        found: GraphOutput
        try:
            workspace = await asyncio.to_thread(open_workspace)
            found = await stream_updates(cast("Coroutine[Any, Any, GraphOutput]", work(workspace, state)))
        except TaxonautError as error:
            found = {"error": {"type": type(error).__name__, "message": str(error)}}
        return cast("GraphState", {key: empty for key, empty in EMPTY.items() if key in state} | found)

    graph = StateGraph(GraphState, input_schema=GraphInput, output_schema=GraphOutput)
    graph.add_node(name, run)
    graph.add_edge(START, name)
    graph.add_edge(name, END)
    return graph


async def stream_updates(work: Coroutine[Any, Any, GraphOutput]) -> GraphOutput:
    """Run work in a context of its own, so that its graphs are not nested; stream its updates in this run."""
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
    """Build the graph of `taxonaut classify`."""
    return build_graph("navigate", label_items)


async def label_items(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Classify the texts of an input."""
    found = await workspace.aclassify(parse_items(given), **given.get("settings", {}))
    return {"results": [result_row(result) for result in found]}


def categorize() -> Graph:
    """Build the graph of `taxonaut categorize`."""
    return build_graph("categorize", categorize_items)


async def categorize_items(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Categorize the texts of an input."""
    found = await workspace.acategorize(parse_items(given), **given.get("settings", {}))
    return {"results": [categorized_row(result) for result in found]}


def assign_vocabulary() -> Graph:
    """Build the graph of `taxonaut vocabulary assign`."""
    return build_graph("assign_vocabulary", assign_descriptors)


async def assign_descriptors(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Assign descriptors to the texts of an input; texts without an id are a trial, which no export has."""
    items = parse_items(given)
    settings = {"keep": not any(isinstance(each, str) for each in items), **given.get("settings", {})}
    found = await workspace.aassign_vocabulary(items, **settings)
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
    """Build the graph of `taxonaut index build`; `method` defaults to `agents`."""
    return build_graph("build_index", build_tree)


async def build_tree(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Build a tree over the labels."""
    method = given.get("method") or "agents"
    tree = await workspace.abuild_index(method, **given.get("settings", {}))
    return {"done": {"method": method, "nodes": len(tree.nodes), "version": workspace.index.version()}}


def insert_labels() -> Graph:
    """Build the graph of `taxonaut labels add`."""
    return build_graph("insert_labels", add_labels)


async def add_labels(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Add the labels of an input."""
    growth = await workspace.aadd_labels(parse_labels(given), **given.get("settings", {}))
    return {
        "done": {
            "inserted": {label: list(nodes) for label, nodes in growth.inserted.items()},
            "known": list(growth.known),
            "change": growth.change,
        }
    }


def build_vocabulary() -> Graph:
    """Build the graph of `taxonaut vocabulary build`."""
    return build_graph("build_vocabulary", build_descriptors)


async def build_descriptors(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Build a vocabulary from the texts of an input."""
    built = await workspace.abuild_vocabulary(parse_items(given), **given.get("settings", {}))
    return {"done": {"items": built.items, "groups": built.groups, "descriptors": built.descriptors}}


async def chat() -> Graph:
    """Build the graph of the conversation; a change interrupts it and waits for a resume with true or false."""
    return await asyncio.to_thread(build_conversation)


def build_conversation() -> Graph:
    """Build the graph of the conversation; its tools may not read files of the server."""
    workspace = get_workspace()
    return converse(get_assistant(), WorkspaceTools(workspace, allowed_files=()))


@lru_cache(maxsize=1)
def get_assistant() -> Assistant:
    """Return the workspace's assistant, shared by all threads."""
    return open_assistant(get_workspace())


def parse_items(given: GraphInput) -> Sequence[str | Item]:
    """Read the texts of an input. Raises InputError for invalid ones."""
    texts: Any = given.get("texts")
    if not isinstance(texts, list) or not texts:
        raise InputError(f"texts is {texts!r}; send a list of texts, or of objects with id and text")
    return [parse_item(each) for each in texts]


def parse_item(sent: Any) -> str | Item:
    """Read one text of an input."""
    if isinstance(sent, str):
        return sent
    if isinstance(sent, Mapping) and isinstance(sent.get("id"), str) and isinstance(sent.get("text"), str):
        return Item(ItemId(sent["id"]), sent["text"])
    raise InputError(f"a text is {sent!r}; send a text, or an object with id and text")


def parse_labels(given: GraphInput) -> list[Label]:
    """Read the labels of an input. Raises InputError for invalid ones."""
    labels: Any = given.get("labels")
    if not isinstance(labels, list) or not labels:
        raise InputError(f"labels is {labels!r}; send a list of objects with id and name")
    found = []
    for each in labels:
        fits = isinstance(each, Mapping) and all(isinstance(each.get(key), str) for key in ("id", "name"))
        if not fits or not isinstance(each.get("description", ""), str):
            raise InputError(f"a label is {each!r}; send an object with id, name and optionally description")
        others = each.get("alternatives", [])
        if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
            raise InputError(f"alternatives of label {each['id']!r} is {others!r}; send a list of names")
        found.append(
            Label(LabelId(each["id"]), each["name"], each.get("description", ""), alternatives=tuple(others))
        )
    return found
