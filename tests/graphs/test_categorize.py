"""Items between two experts: who decides at which threshold, and that nobody decides by default."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from taxonaut.agents.category_expert import CategoryExpert, CategoryText
from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.graphs.categorize import categorize
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.graph_states.categorize import UNREACHABLE_THRESHOLD, CategorizeState, JudgedItem
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.state.records import Item

BOOTS, BALL, PUCK = LabelId("boots"), LabelId("ball"), LabelId("puck")
PATHS = {
    BOOTS: ("Clothes", "Shoes", "Boots"),
    BALL: ("Sports", "Balls", "Footballs"),
    PUCK: ("Sports", "Balls", "Pucks"),
}
SURE, HALF, UNSURE = ItemId("sure"), ItemId("half"), ItemId("unsure")
ROWS = {SURE: (0.9, 0.06, 0.04), HALF: (0.3, 0.5, 0.2), UNSURE: (0.3, 0.3, 0.4)}


class Fixed:
    """A classifier that knows the probabilities of each text."""

    name = "expert/1"
    labels = (BOOTS, BALL, PUCK)

    def __init__(self, rows: Mapping[Any, Sequence[float]] = ROWS) -> None:
        self.rows = rows
        self.seen: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> Any:
        self.seen += texts
        return np.array([self.rows[ItemId(text)] for text in texts], np.float32)


def takes(label: str) -> Any:
    """A rule that takes the option of this text, or none."""

    def rule(request: ModelRequest) -> list[int]:
        return [choice.id for choice in request.choices if choice.texts[0].endswith(label)] or [0]

    return rule


def route(
    index: Index,
    database: Database,
    threshold: float,
    model: ScriptedModel | None,
    known: Mapping[str, Any] | None = None,
    classifier: Fixed | None = None,
) -> CategorizeState:
    classifier = classifier or Fixed()
    texts = {label: CategoryText(path[-1], path) for label, path in PATHS.items()}
    general = CategoryExpert(model, PromptLibrary()) if model is not None else None
    domain = DomainExpert(classifier, 2)
    graph = categorize(index, domain, general, lambda labels: texts, threshold).compile()
    given = {"items": [Item(item, str(item)) for item in classifier.rows]}
    state: CategorizeState = asyncio.run(graph.ainvoke({**given, **(known or {})}))
    return state


def verdicts(state: CategorizeState) -> dict[str, tuple[str, str | None]]:
    return {item: (found.verdict, found.label_id) for item, found in state["categorized"].items()}


def test_what_is_sure_stands_and_the_rest_is_asked_together(index: Index, database: Database) -> None:
    batches: list[list[str]] = []

    class Watched(ScriptedModel):
        async def answer(self, requests: Sequence[ModelRequest]) -> list[Any]:
            batches.append([request.text for request in requests])
            return await super().answer(requests)

    state = route(index, database, 0.6, Watched(rule=takes("Boots")))
    assert batches == [["half", "unsure"]]
    half, sure = (
        Recommendation(HALF, (BALL, BOOTS), (0.5, 0.3)),
        Recommendation(SURE, (BOOTS, BALL), (0.9, 0.06)),
    )
    assert state["categorized"][SURE] == Categorized(SURE, BOOTS, PATHS[BOOTS], "domain", sure)
    assert state["categorized"][HALF] == Categorized(
        HALF, BOOTS, PATHS[BOOTS], "general", half, ranking=(BOOTS,)
    )
    assert [(row.agent, row.item_id, row.model) for row in state["decisions"]] == [
        ("domain_expert", "sure", "expert/1"),
        ("domain_expert", "half", "expert/1"),
        ("domain_expert", "unsure", "expert/1"),
        ("general_expert", "half", "scripted"),
        ("general_expert", "unsure", "scripted"),
    ]


@pytest.mark.parametrize(
    ("threshold", "sent"),
    [
        (0.0, []),
        (0.4, []),
        (0.41, [UNSURE]),
        (0.9, [HALF, UNSURE]),
        (UNREACHABLE_THRESHOLD, [SURE, HALF, UNSURE]),
    ],
)
def test_what_a_threshold_sends(
    index: Index, database: Database, threshold: float, sent: list[ItemId]
) -> None:
    model = ScriptedModel(rule=takes("Footballs"))
    state = route(index, database, threshold, model)
    assert [request.text for request in model.history] == sent
    assert [item for item, found in state["categorized"].items() if found.verdict != "domain"] == sent


def test_without_a_general_expert_the_domain_expert_decides_all(index: Index, database: Database) -> None:
    state = route(index, database, UNREACHABLE_THRESHOLD, None)
    assert verdicts(state) == {
        "sure": ("domain", BOOTS),
        "half": ("domain", BALL),
        "unsure": ("domain", PUCK),
    }


def test_nobody_decides_by_default(index: Index, database: Database) -> None:
    replies = {"sure": [0], "half": [-1], "unsure": ModelReplyError("no call")}
    model = ScriptedModel(rule=lambda request: replies[request.text])
    state = route(index, database, UNREACHABLE_THRESHOLD, model)
    assert verdicts(state) == {
        "sure": ("none", None),
        "half": ("undecided", None),
        "unsure": ("failed", None),
    }
    assert [(found.path, found.ranking) for found in state["categorized"].values()] == [((), ())] * 3
    assert state["categorized"][UNSURE].error == "no call"


def test_an_item_without_candidates_goes_nowhere(index: Index, database: Database) -> None:
    model = ScriptedModel()
    state = route(index, database, UNREACHABLE_THRESHOLD, model, classifier=Fixed({SURE: (0.0, 0.0, 0.0)}))
    assert state["categorized"] == {
        SURE: Categorized(SURE, None, (), "undecided", Recommendation(SURE, (), ()))
    }
    assert model.history == []


def test_only_candidates_are_on_offer(index: Index, database: Database) -> None:
    model = ScriptedModel(rule=takes("Pucks"))
    state = route(index, database, UNREACHABLE_THRESHOLD, model)
    assert verdicts(state) == {"sure": ("none", None), "half": ("none", None), "unsure": ("general", PUCK)}


def test_what_is_known_is_not_asked_again_and_counts_only_below_the_threshold(
    index: Index, database: Database
) -> None:
    half = Recommendation(HALF, (BALL, BOOTS), (0.5, 0.3))
    known = {
        "recommended": {HALF: half},
        "judged": {item: JudgedItem(item, (BOOTS,), "general", "said before") for item in (SURE, HALF)},
    }
    model, classifier = ScriptedModel(rule=takes("Pucks")), Fixed()
    state = route(index, database, 0.6, model, known, classifier)
    assert (classifier.seen, [request.text for request in model.history]) == (["sure", "unsure"], ["unsure"])
    assert verdicts(state) == {
        "sure": ("domain", BOOTS),
        "half": ("general", BOOTS),
        "unsure": ("general", PUCK),
    }
    assert state["categorized"][HALF].reason == "said before"
    assert len(state["decisions"]) == 3
