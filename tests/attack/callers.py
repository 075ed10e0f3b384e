"""Many callers at a time whose items have equal ids and different texts: each gets the answers to its own texts."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack.report import Report
from fakes import in_every_role, packaged_embedder, refusing_embedder
from shop_expert import WordExpert

from taxonaut.conversation.langgraph_server import (
    assign_descriptors,
    build_graph,
    categorize_items,
    label_items,
)
from taxonaut.models.embedder import Embedder
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import ModelError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Item, ItemResult, Label, Tree, TreeNode
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.expert.training_data import Example
from taxonaut.workspace.workspace import Workspace

COLOURS = ("red", "grey", "blue", "white", "green", "black", "brown", "pink")
THINGS = ("lamps", "boots", "tents", "pens", "knives", "puzzles", "chairs", "kettles")
NAMES = {LabelId(f"{colour}-{thing}"): f"{colour} {thing}" for thing in THINGS for colour in COLOURS}
ITEMS = 3
"""Items of a caller; their ids are the same for all callers."""

LONGEST_S = 0.01

Answer = tuple[Any, ...]
Ask = Callable[[Workspace, Sequence[Item]], Awaitable[Sequence[Answer]]]


@dataclass(frozen=True)
class Way:
    """A way to ask. `kept`: the workspace keeps the answers, so a later call asks no model."""

    name: str
    ask: Ask
    kind: str = "labels"
    kept: bool = True


def run(count: int, seed: int, folder: Path, report: Report) -> None:
    """Let so many callers ask at a time, in each way as tasks and as threads."""
    for number, way in enumerate(WAYS):
        base = folder / str(number)
        base.mkdir()
        texts = [[text(caller, at) for at in range(ITEMS)] for caller in range(count)]
        expected = answers_alone(way, base / "alone", [each for given in texts for each in given])
        for how, at_once in (("tasks", as_tasks), ("threads", as_threads)):
            place, row = base / how, f"{way.name}, {how}"
            with opened(place, way.kind, random.Random(f"{seed} {row}")) as workspace:
                found = at_once(workspace, way.ask, [items(given) for given in texts])
            compare(report, row, texts, found, expected)
            report.count(row, callers=count, items=count * ITEMS)
            if way.kept:
                with opened(place, way.kind, None) as workspace:
                    again = [asyncio.run(collect(way.ask(workspace, items(given)))) for given in texts]
                compare(report, row, texts, again, expected)
                report.count(row, after_reopening=count * ITEMS)


def text(caller: int, at: int) -> str:
    """The text of an item of a caller: no two callers up to 64 have the same at a place."""
    names = list(NAMES.values())
    return f"{names[(caller + 17 * at) % len(names)]} of caller {caller}"


def items(texts: Sequence[str]) -> list[Item]:
    """Items with ids that are the same for every caller."""
    return [Item(ItemId(str(at + 1)), each) for at, each in enumerate(texts)]


def answers_alone(way: Way, folder: Path, texts: Sequence[str]) -> dict[str, Answer]:
    """The answer to each text where no two items share an id, and nobody else asks."""
    given = [Item(ItemId(f"alone {at}"), each) for at, each in enumerate(texts)]
    with opened(folder, way.kind, random.Random(0)) as workspace:
        found = asyncio.run(collect(way.ask(workspace, given)))
    return dict(zip(texts, found, strict=True))


async def collect(given: Awaitable[Sequence[Answer]]) -> Sequence[Answer]:
    return await given


def as_tasks(workspace: Workspace, ask: Ask, given: Sequence[list[Item]]) -> list[Any]:
    """Ask from tasks of one loop."""

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(ask(workspace, each) for each in given), return_exceptions=True)

    return asyncio.run(all_at_once())


def as_threads(workspace: Workspace, ask: Ask, given: Sequence[list[Item]]) -> list[Any]:
    """Ask from threads, each with a loop of its own."""

    def one(each: list[Item]) -> Any:
        try:
            return asyncio.run(collect(ask(workspace, each)))
        except Exception as error:  # noqa: BLE001
            return error

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(one, given))


def compare(
    report: Report,
    row: str,
    texts: Sequence[Sequence[str]],
    found: Sequence[Any],
    expected: Mapping[str, Answer],
) -> None:
    """Note each answer that is not the one to its text."""
    for given, answers in zip(texts, found, strict=True):
        if isinstance(answers, BaseException):
            report.lose(row, f"{given}: {answers!r}")
            continue
        for each, answer in zip(given, answers, strict=True):
            if answer != expected[each]:
                report.lose(row, f"{each!r} got {answer}, alone {expected[each]}")


# The workspaces


class Hesitant:
    """Answers by the words of the text after a moment that is drawn; without `chance` it fails when asked."""

    reads_prompts = True
    name = "scripted"

    def __init__(self, chance: random.Random | None) -> None:
        self.chance = chance
        self.model = ScriptedModel(rule=by_words)

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        if self.chance is None:
            raise AssertionError("a model was asked again")
        await asyncio.sleep(self.chance.random() * LONGEST_S)
        return await self.model.answer(requests)


def by_words(request: ModelRequest) -> Any:
    """Take the options all of whose words are in the text; of several texts for each."""
    if request.texts:
        found = [fitting(request, each) for each in request.texts]
        return {**{str(at): ids for at, ids in enumerate(found, start=1)}, "why": ""}
    return fitting(request, request.text)


def fitting(request: ModelRequest, given: str) -> list[int]:
    words = set(given.split())
    fits = [each.id for each in request.choices if set(each.texts[0].split(" > ")[-1].split()) <= words]
    return fits[: request.most] or [0]


@contextmanager
def opened(folder: Path, kind: str, chance: random.Random | None) -> Iterator[Workspace]:
    """Open a workspace with labels, with a vocabulary, or for the encoder; make it first if it is not there."""
    embedder: Embedder = packaged_embedder()
    if chance is None:
        embedder = refusing_embedder(embedder.name, embedder.dimension)
    given: dict[str, Any] = {"embedder": embedder, "classifier": WordExpert(NAMES)}
    if kind != "encoder":
        given |= {"models": in_every_role(Hesitant(chance))}
    if kind == "labels":
        given |= {"walk": {"shortlist": "tree", "candidates": 0}}
    if not folder.exists():
        with Workspace.init(folder, **given) as workspace:
            fill(workspace, labels=kind != "vocabulary")
    with Workspace.open(folder, **given) as workspace:
        yield workspace


def fill(workspace: Workspace, *, labels: bool) -> None:
    """Put the names into the index as labels with an expert that knows them, or as descriptors."""
    tops = [TreeNode(key, thing) for key, thing in enumerate(THINGS, start=1)]
    edges = [(0, node.key) for node in tops]
    if labels:
        places = [(THINGS.index(name.split()[1]) + 1, label) for label, name in NAMES.items()]
        workspace.index.add_labels([Label(label, name) for label, name in NAMES.items()])
        workspace.index.load_tree(Tree("made", tuple(tops), tuple(edges), tuple(places)))
        examples = [Example(Item(ItemId(f"t{label}"), name), (label,)) for label, name in NAMES.items()]
        workspace.experts.save(ExpertCard("head", {"products": len(NAMES)}), lambda _: None, examples)
    else:
        below = [TreeNode(100 + at, name) for at, name in enumerate(NAMES.values())]
        edges += [(THINGS.index(node.name.split()[1]) + 1, node.key) for node in below]
        workspace.index.load_tree(Tree("vocabulary", (*tops, *below), tuple(edges), ()))


# The ways


def labels(result: ItemResult) -> Answer:
    return (result.error, *((each.label_id, each.path) for each in result.labels))


def category(found: Categorized) -> Answer:
    return found.label_id, found.verdict, found.path


def path(tagging: Tagging) -> Answer:
    return tagging.error, tagging.path, tagging.others


async def classify(workspace: Workspace, given: Sequence[Item]) -> list[Answer]:
    return [labels(each) for each in await workspace.aclassify(given)]


async def categorize(workspace: Workspace, given: Sequence[Item]) -> list[Answer]:
    return [category(each) for each in await workspace.acategorize(given, everything=True)]


async def assign(workspace: Workspace, given: Sequence[Item]) -> list[Answer]:
    return [path(each) for each in await workspace.aassign_vocabulary(given)]


async def navigate(workspace: Workspace, given: Sequence[Item]) -> list[Answer]:
    state = await workspace.graph().compile().ainvoke({"items": given})
    return [labels(state["results"][each.id]) for each in given]


def served(work: Any, settings: Mapping[str, Any]) -> Ask:
    """Ask through a graph of langgraph.json."""

    async def ask(workspace: Workspace, given: Sequence[Item]) -> list[Answer]:
        texts = [{"id": each.id, "text": each.text} for each in given]
        graph = build_graph(work, open_workspace=lambda: workspace).compile()
        found = await graph.ainvoke({"texts": texts, "settings": dict(settings)})
        rows = found["results"]
        return [tuple((key, str(row[key])) for key in sorted(row) if key != "id") for row in rows]

    return ask


WAYS = (
    Way("classify", classify),
    Way("classify by the encoder", classify, "encoder"),
    Way("categorize", categorize),
    Way("vocabulary assign", assign, "vocabulary"),
    Way("graph of the walk", navigate, kept=False),
    Way("served navigate", served(label_items, {})),
    Way("served categorize", served(categorize_items, {"everything": True})),
    Way("served assign_vocabulary", served(assign_descriptors, {}), "vocabulary"),
)
