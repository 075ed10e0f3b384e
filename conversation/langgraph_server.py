"""Graphs for a LangGraph server (langgraph.json): JSON in, JSON out, over one workspace.

The environment variable TAXONAUT_WORKSPACE names the workspace, which is opened once. Runs are stored in the
workspace only; threads of `chat` are stored by the server. The nodes are the steps of the work, which is done on a
loop of its own. Updates come with the stream mode `custom`, as JSON with a `kind`.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from taxonaut.agents.assistant import Assistant
from taxonaut.conversation.assistants import open_assistant
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.graphs.converse import converse
from taxonaut.graphs.served_steps import FINISH, Elsewhere, Steps, served_graph
from taxonaut.state.errors import InputError, TaxonautError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.build.builders import TreeSettings
from taxonaut.workspace.core.config import CategorizeSettings, WalkSettings
from taxonaut.workspace.expert.categorized_rows import categorized_row
from taxonaut.workspace.files.result_files import result_row
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

VARIABLE = "TAXONAUT_WORKSPACE"

_OPENING = Lock()

Graph: TypeAlias = "StateGraph[Any, Any, Any, Any]"
GraphInput: TypeAlias = Mapping[str, Any]
GraphOutput: TypeAlias = Mapping[str, Any]
"""A part of the output: `results`, `done` or `error`."""


class TextItem(TypedDict):
    """A text with an id of its own, by which its result is kept."""

    id: str
    text: str


class NavigateInput(TypedDict):
    """Input of `navigate`: texts, and settings of [walk] for this run."""

    texts: list[str | TextItem]
    settings: NotRequired[WalkSettings]


class CategorizeOptions(CategorizeSettings, total=False):
    """Settings of [categorize]. `everything`: the general expert decides all; `expert`: the trained one's number."""

    everything: bool
    expert: int | None


class CategorizeInput(TypedDict):
    """Input of `categorize`: texts, and settings of [categorize] for this run."""

    texts: list[str | TextItem]
    settings: NotRequired[CategorizeOptions]


class AssignOptions(TypedDict, total=False):
    """`every`: all descriptors that fit, not the best of each level; `keep`: the texts become items of it."""

    every: bool | None
    keep: bool


class AssignVocabularyInput(TypedDict):
    """Input of `assign_vocabulary`: texts, and how they are assigned."""

    texts: list[str | TextItem]
    settings: NotRequired[AssignOptions]


class VocabularyOptions(TypedDict, total=False):
    """`sample`: the vocabulary is built from a random sample of this size; 0: from all texts."""

    sample: int


class BuildVocabularyInput(TypedDict):
    """Input of `build_vocabulary`: the texts that it is built from."""

    texts: list[str | TextItem]
    settings: NotRequired[VocabularyOptions]


class BuildIndexInput(TypedDict, total=False):
    """Input of `build_index`: the method, `agents` unless given, and its settings."""

    method: Literal["agents", "kmeans"]
    settings: TreeSettings


class NewLabel(TypedDict):
    """A label to add."""

    id: str
    name: str
    description: NotRequired[str]
    alternatives: NotRequired[list[str]]


class InsertOptions(TypedDict, total=False):
    """`dry_run`: nothing is written; `note`: of the change in the log."""

    dry_run: bool
    note: str


class InsertLabelsInput(TypedDict):
    """Input of `insert_labels`: new labels."""

    labels: list[NewLabel]
    settings: NotRequired[InsertOptions]


class ResultsOutput(TypedDict, total=False):
    """Output: a row for each text, or the error."""

    results: list[dict[str, Any]]
    error: dict[str, str]


class DoneOutput(TypedDict, total=False):
    """Output: what was done to the index, or the error."""

    done: dict[str, Any]
    error: dict[str, str]


class GraphState(ResultsOutput, DoneOutput, total=False):
    """State of a run: input and output, and the key of its work."""

    texts: list[Any]
    labels: list[Any]
    method: str
    settings: dict[str, Any]
    run: str


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

STEPS: Mapping[str, Steps] = {
    "navigate": {
        "start": ("open_level", "retrieve"),
        "open_level": ("open_level", "retrieve"),
        "retrieve": ("rank",),
        "rank": (FINISH,),
    },
    "categorize": {"recommend": ("decide", "settle"), "decide": ("settle",), "settle": (FINISH,)},
    "assign_vocabulary": {"start": ("descend",), "descend": ("descend", "finish"), "finish": (FINISH,)},
    "build_index": {
        "start": ("take",),
        "take": ("propose", FINISH),
        "propose": ("assign",),
        "assign": ("validate",),
        "validate": ("take",),
    },
    "insert_labels": {"start": ("compare", FINISH), "compare": ("compare", FINISH)},
    "build_vocabulary": {
        "start": ("take",),
        "take": ("propose", FINISH),
        "propose": ("annotate",),
        "annotate": ("settle",),
        "settle": ("feedback",),
        "feedback": ("review",),
        "review": ("take",),
    },
}
"""The steps of the graphs of `graphs/`, each with those that may follow, as a server shows them."""

Work = Callable[["Workspace", GraphInput], Coroutine[Any, Any, GraphOutput]]


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


def build_graph(
    work: Work,
    given: type = NavigateInput,
    answer: type = ResultsOutput,
    steps: Steps = STEPS["navigate"],
    *,
    open_workspace: Callable[[], Workspace] = get_workspace,
) -> Graph:
    """Build a graph that does `work` on the workspace; an error of ours is its output."""

    async def run(sent: GraphInput) -> GraphOutput:
        try:
            workspace = await asyncio.to_thread(open_workspace)
            return await work(workspace, sent)
        except TaxonautError as error:
            return {"error": {"type": type(error).__name__, "message": str(error)}}

    return served_graph(run, GraphState, given, answer, steps, EMPTY)


def navigate() -> Graph:
    """Build the graph of `taxonaut classify`."""
    return build_graph(label_items, NavigateInput, ResultsOutput, STEPS["navigate"])


async def label_items(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Classify the texts of an input."""
    found = await workspace.aclassify(parse_items(given), **given.get("settings", {}))
    return {"results": [result_row(result) for result in found]}


def categorize() -> Graph:
    """Build the graph of `taxonaut categorize`."""
    return build_graph(categorize_items, CategorizeInput, ResultsOutput, STEPS["categorize"])


async def categorize_items(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Categorize the texts of an input."""
    found = await workspace.acategorize(parse_items(given), **given.get("settings", {}))
    return {"results": [categorized_row(result) for result in found]}


def assign_vocabulary() -> Graph:
    """Build the graph of `taxonaut vocabulary assign`."""
    return build_graph(assign_descriptors, AssignVocabularyInput, ResultsOutput, STEPS["assign_vocabulary"])


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
    return build_graph(build_tree, BuildIndexInput, DoneOutput, STEPS["build_index"])


async def build_tree(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Build a tree over the labels."""
    method = given.get("method") or "agents"
    tree = await workspace.abuild_index(method, **given.get("settings", {}))
    return {"done": {"method": method, "nodes": len(tree.nodes), "version": workspace.index.version()}}


def insert_labels() -> Graph:
    """Build the graph of `taxonaut labels add`."""
    return build_graph(add_labels, InsertLabelsInput, DoneOutput, STEPS["insert_labels"])


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
    return build_graph(build_descriptors, BuildVocabularyInput, DoneOutput, STEPS["build_vocabulary"])


async def build_descriptors(workspace: Workspace, given: GraphInput) -> GraphOutput:
    """Build a vocabulary from the texts of an input."""
    built = await workspace.abuild_vocabulary(parse_items(given), **given.get("settings", {}))
    return {"done": {"items": built.items, "groups": built.groups, "descriptors": built.descriptors}}


async def chat() -> Graph:
    """Build the graph of the conversation; a change interrupts it and waits for a resume with true or false."""
    return await asyncio.to_thread(build_conversation)


def build_conversation() -> Graph:
    """Build the graph of the conversation; its tools may not read files of the server.

    The assistant and the tools work on the portal's loop: what they load and import would hold up the server's.
    """
    tools = Elsewhere(WorkspaceTools(get_workspace(), allowed_files=()), "run", "preview", "apply")
    return converse(Elsewhere(get_assistant(), "step"), tools)


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
