"""Goods of several kinds, and scripted agents that build a vocabulary of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.agents.architect import DESCRIPTORS, Architect
from taxonaut.agents.change_reviewer import ChangeReviewer
from taxonaut.agents.support.texts import TextTable
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
from taxonaut.agents.writers.change_writer import ChangeWriter
from taxonaut.graphs.build_vocabulary import build_vocabulary
from taxonaut.graphs.policies import VocabularyPolicy
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.graph_states.build_vocabulary import VocabularyState
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.stores.runs import RunUnits

COUNTS = {"gel": 6, "fountain": 6, "note": 6, "copy": 6, "lamp": 4, "clip": 4, "odd": 1}
GOODS = tuple(f"{kind} {number}" for kind, count in COUNTS.items() for number in range(count))
POLICY = VocabularyPolicy(
    categories=4,
    split_threshold=8,
    per_descriptor=1,
    max_refinement_cycles=3,
    anomaly_threshold=3,
    coverage=0.99,
    proposals=3,
    depth=3,
)
HOMES = {
    "gel": ["Pens", "Gel pens"],
    "fountain": ["Pens", "Fountain pens"],
    "note": ["Paper", "Notes"],
    "copy": ["Paper", "Copies"],
    "lamp": ["Lamps"],
    "clip": ["clips"],
}
"""The names or inclusions of the descriptors that a kind of goods fits, best first."""

PROPOSED = {"": ("Pens", "Paper"), "Pens": ("Gel pens", "Fountain pens"), "Paper": ("Notes", "Copies")}


def of(*kinds: str) -> tuple[ItemId, ...]:
    """The items of some kinds, in order."""
    return tuple(ItemId(item) for item in GOODS if item.split()[0] in kinds)


def change(kind: str, problem: str = "", **more: Any) -> dict[str, Any]:
    empty = {"descriptor": 0, "name": "", "description": "", "includes": [], "excludes": []}
    return {"problem": problem, "change": kind, **empty, **more}


CHANGES = {
    "lamp": change("create", "they give light", name="Lamps", description="They give light."),
    "clip": change("expand", "they hold paper", descriptor="Paper", includes=["clips"]),
}
"""What annotators propose for a cluster of a kind; a descriptor by its name."""


def suggestions(items: Sequence[str]) -> VectorClusters[ItemId]:
    """Each kind of goods in a direction of its own, each item a little off it."""
    kinds = list(COUNTS)
    vectors = np.zeros((len(items), len(kinds) + 1), np.float32)
    for row, item in enumerate(items):
        kind, number = item.split()
        vectors[row, kinds.index(kind)] = 1
        vectors[row, -1] = 0.05 * int(number)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return VectorClusters(lambda: TextTable([ItemId(item) for item in items], list(items), vectors))


def central(kind: str) -> tuple[ItemId, ...]:
    """The items of a kind, the most central first."""
    found = suggestions(GOODS).medoids(VectorQuery(of(kind), 8, 0))
    return tuple(found)


def listed(request: ModelRequest) -> dict[str, int]:
    """The numbers of descriptors by their names, as a prompt without choices lists them."""
    rows = (line.split(". ", 1) for line in request.context.splitlines() if line[:1].isdigit())
    return {name.split(" (")[0].split(":")[0]: int(number) for number, name in rows}


@dataclass
class Crew:
    """Scripted agents that know where goods belong; the rules may be replaced one by one."""

    proposed: Mapping[str, Sequence[str]] = field(default_factory=lambda: PROPOSED)
    homes: Mapping[str, Sequence[str]] = field(default_factory=lambda: HOMES)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: CHANGES)
    rejected: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.architect = ScriptedModel(rule=self.propose)
        self.annotator = ScriptedModel(rule=self.assign)
        self.writer = ScriptedModel(rule=self.write)
        self.reviewer = ScriptedModel(rule=self.review)

    def propose(self, request: ModelRequest) -> Any:
        first = request.context.splitlines()[0].removeprefix("The group: ")
        path = "" if first == "all items" else first.split(". ")[0].split(" > ")[-1]
        about = {"description": "", "includes": [], "excludes": []}
        return {"categories": [{"name": name, **about} for name in self.proposed[path]]}

    def assign(self, request: ModelRequest) -> Any:
        found = [
            [
                choice.id
                for home in self.homes.get(text.split()[0], ())
                for choice in request.choices
                if home in choice.texts
            ]
            for text in request.texts
        ]
        strange = sorted({t.split()[0] for t, ids in zip(request.texts, found, strict=True) if not ids})
        return {
            **{str(place): ids or [0] for place, ids in enumerate(found, start=1)},
            "why": f"nothing for {', '.join(strange)}" if strange else "",
        }

    def write(self, request: ModelRequest) -> Any:
        kind = request.text.splitlines()[1].split()[1]
        call = dict(self.changes.get(kind, change("ignore", "nothing in common")))
        if isinstance(call.get("descriptor"), str):
            call["descriptor"] = listed(request)[call["descriptor"]]
        return call

    def review(self, request: ModelRequest) -> Any:
        lines = request.item.splitlines()[1:]
        verdicts = [not any(f"'{name}'" in line for name in self.rejected) for line in lines]
        return {
            str(n): {"approve": yes, "reason": "fits" if yes else "overlaps"}
            for n, yes in enumerate(verdicts, start=1)
        }

    def build(
        self,
        items: Sequence[str] = GOODS,
        policy: VocabularyPolicy = POLICY,
        units: RunUnits | None = None,
        batch: int = 5,
    ) -> VocabularyState:
        table, prompts = suggestions(items), PromptLibrary()
        graph = build_vocabulary(
            table,
            Architect(self.architect, prompts, table, kind=DESCRIPTORS),
            Annotator(self.annotator, prompts, AnnotatorSettings(batch=batch), kind=ASSIGN_ITEMS),
            ChangeWriter(self.writer, prompts, table.text),
            ChangeReviewer(self.reviewer, prompts, table.text),
            policy,
            units,
        ).compile()
        state: VocabularyState = asyncio.run(
            graph.ainvoke({"items": [Item(ItemId(text), text) for text in items]}, {"recursion_limit": 999})
        )
        return state

    @property
    def asked(self) -> list[int]:
        return [len(m.history) for m in (self.architect, self.annotator, self.writer, self.reviewer)]


class Goods(Crew):
    """Clips are taken into paper at the first level; below it nothing is done about them."""

    def write(self, request: ModelRequest) -> Any:
        if "from: Paper" in request.context:
            return change("ignore", "nothing in common")
        return super().write(request)
