"""Whole builds as values: scripted agents, and whatever they answer, no label is lost."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.agents.annotator import Annotator, AnnotatorSettings
from taxonaut.agents.architect import Architect
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.graphs.build_index import build_index
from taxonaut.graphs.merge_partitions import build_tree, list_nodes, merge_splits
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.graph_states.build_index import Split
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.stores.runs import Runs, RunUnits

pytestmark = pytest.mark.slow

ZOO = (
    "red fox",
    "grey wolf",
    "lion",
    "tiger",
    "blue whale",
    "grey seal",
    "eagle",
    "sparrow",
    "penguin",
    "bat",
)
Proposals = Callable[[ModelRequest], Sequence[Mapping[str, str]]]


def table_of(names: Sequence[str]) -> LabelTable:
    """Labels whose ids are their names, with vectors that differ."""
    vectors = np.random.default_rng(7).normal(size=(len(names), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return LabelTable([LabelId(name) for name in names], list(names), vectors)


def categories(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "description": f"all {name}"} for name in names]


def architect(names: Sequence[str], proposals: Proposals) -> tuple[Architect, ScriptedModel]:
    model = ScriptedModel(rule=lambda request: {"categories": list(proposals(request))})
    return Architect(model, PromptLibrary(), VectorClusters(lambda: table_of(names))), model


def offered(request: ModelRequest) -> dict[str, int]:
    return {choice.texts[0]: choice.id for choice in request.choices}


def annotator(homes: Mapping[str, Sequence[str]], most: int = 3) -> tuple[Annotator, ScriptedModel]:
    """An annotator that knows where each label belongs, and says so wherever that is on offer."""

    def rule(request: ModelRequest) -> Mapping[str, Any]:
        numbers = offered(request)
        return {
            str(place): [numbers[home] for home in homes[text] if home in numbers] or [0]
            for place, text in enumerate(request.texts, start=1)
        }

    model = ScriptedModel(rule=rule)
    return Annotator(model, PromptLibrary(), AnnotatorSettings(batch=4, most=most)), model


def split_up(
    names: Sequence[str],
    architects: Architect,
    annotators: Annotator,
    policy: BuildPolicy,
    units: RunUnits | None = None,
) -> dict[str, Split]:
    suggestions = VectorClusters(lambda: table_of(names))
    graph = build_index(suggestions, architects, annotators, policy, units).compile()
    state = asyncio.run(
        graph.ainvoke({"label_ids": [LabelId(name) for name in names]}, {"recursion_limit": 999})
    )
    splits: dict[str, Split] = state["splits"]
    return splits


def built(names: Sequence[str], splits: Mapping[str, Split]) -> Tree:
    part = merge_splits(splits, [LabelId(name) for name in names])
    return build_tree(part, [()] * len(list_nodes(part)))


HOMES = {
    "red fox": ["land", "dogs"],
    "grey wolf": ["land", "dogs"],
    "lion": ["land", "cats"],
    "tiger": ["land", "cats"],
    "blue whale": ["sea"],
    "grey seal": ["land", "sea"],
    "eagle": ["sky"],
    "sparrow": ["sky"],
    "penguin": ["sea", "sky"],
    "bat": [],
}


def zoo_proposals(request: ModelRequest) -> Sequence[Mapping[str, str]]:
    return (
        categories("dogs", "cats")
        if "The part: land" in request.context
        else categories("land", "sea", "sky")
    )


def test_labels_go_to_all_centres_that_fit_and_the_rest_to_the_predecessor() -> None:
    architects, _ = architect(ZOO, zoo_proposals)
    annotators, asked = annotator(HOMES)
    splits = split_up(ZOO, architects, annotators, BuildPolicy(terminal_size=4))
    assert splits[""].members == (
        ("red fox", "grey wolf", "lion", "tiger", "grey seal"),
        ("blue whale", "grey seal", "penguin"),
        ("eagle", "sparrow", "penguin"),
    )
    assert splits[""].other == ("bat",)
    assert built(ZOO, splits) == Tree(
        "agents",
        tuple(
            TreeNode(key, name, f"all {name}")
            for key, name in enumerate(("land", "sea", "sky", "dogs", "cats"), start=1)
        ),
        ((0, 1), (0, 2), (0, 3), (1, 4), (1, 5)),
        (
            (0, "bat"),
            (1, "grey seal"),
            (2, "blue whale"),
            (2, "grey seal"),
            (2, "penguin"),
            (3, "eagle"),
            (3, "sparrow"),
            (3, "penguin"),
            (4, "red fox"),
            (4, "grey wolf"),
            (5, "lion"),
            (5, "tiger"),
        ),
    )
    assert [request.texts for request in asked.history] == [
        ("red fox", "grey wolf", "lion", "tiger"),
        ("blue whale", "grey seal", "eagle", "sparrow"),
        ("penguin", "bat"),
        ("red fox", "grey wolf", "lion", "tiger"),
        ("grey seal",),
    ]


def test_the_architect_sees_what_the_sibling_partitions_hold() -> None:
    architects, asked = architect(ZOO, zoo_proposals)
    split_up(ZOO, architects, annotator(HOMES)[0], BuildPolicy(terminal_size=4))
    context = asked.history[-1].context
    assert "The part: land" in context
    assert "- sea (such as blue whale; grey seal; penguin)" in context
    assert "- sky (such as eagle; sparrow; penguin)" in context


@pytest.mark.parametrize(
    ("proposed", "reason"),
    [
        (categories("land", "sea", "sky", "space"), "no label belongs to 'space'; leave it out"),
        (categories("animals", "sea"), "'animals' takes 10 of 10 labels; divide what is in it"),
        (
            categories("land", "sea", "seas", "sky", "birds"),
            "'sky' and 'birds' hold the same labels; make one of them, or tell them apart",
        ),
        (categories("sea", "sky"), "5 of 10 labels fit no category; add categories that hold them"),
        (
            categories("other", "sky"),
            "'other' tells nothing apart; name what the category holds",
        ),
    ],
)
def test_a_bad_split_is_refused_and_the_reason_is_in_the_next_prompt(
    proposed: list[dict[str, str]], reason: str
) -> None:
    homes = {name: [*home, "animals", *(["birds"] if "sky" in home else [])] for name, home in HOMES.items()}
    tries: list[ModelRequest] = []

    def proposals(request: ModelRequest) -> Sequence[Mapping[str, str]]:
        if "The part: all labels" not in request.context:
            return zoo_proposals(request)
        tries.append(request)
        return proposed if len(tries) == 1 else categories("land", "sea", "sky")

    architects, _ = architect(ZOO, proposals)
    splits = split_up(ZOO, architects, annotator(homes, most=9)[0], BuildPolicy(terminal_size=4))
    assert len(tries) == 2
    assert f"A former proposal was refused:\n- {reason}" in tries[1].context or reason in tries[1].context
    assert reason in splits[""].problems
    assert [centre.name for centre in splits[""].centres] == ["land", "sea", "sky"]
    assert not splits[""].fallback


def test_what_is_nearly_good_is_repaired_after_the_last_attempt() -> None:
    architects, model = architect(
        ZOO,
        lambda request: (
            categories("land", "space", "sea", "sky")
            if "all labels" in request.context
            else categories("dogs", "cats")
        ),
    )
    splits = split_up(ZOO, architects, annotator(HOMES)[0], BuildPolicy(terminal_size=4, attempts=2))
    assert [centre.name for centre in splits[""].centres] == ["land", "sea", "sky"]
    assert splits[""].problems == ("no label belongs to 'space'; leave it out",) * 2
    assert not splits[""].fallback
    assert sum("The part: all labels" in request.context for request in model.history) == 2


def test_what_agents_cannot_split_is_parted_by_vectors() -> None:
    architects, _ = architect(ZOO, lambda _: categories("animals", "things"))
    homes = {name: ["animals"] for name in ZOO}
    splits = split_up(ZOO, architects, annotator(homes)[0], BuildPolicy(terminal_size=4, attempts=2))
    assert splits[""].fallback
    assert sorted(label for members in splits[""].members for label in members) == sorted(ZOO)
    tree = built(ZOO, splits)
    assert sorted(label for _, label in tree.placements) == sorted(ZOO)


def test_identical_labels_are_parted_all_the_same() -> None:
    names = [f"twin {number}" for number in range(40)]
    table = LabelTable([LabelId(name) for name in names], ["twin"] * 40, np.ones((40, 4), np.float32) / 2)
    model = ScriptedModel(rule=lambda _: {"categories": categories("one", "two")})
    suggestions = VectorClusters(lambda: table)
    refuser = ScriptedModel(
        rule=lambda request: {str(place): [0] for place in range(1, len(request.texts) + 1)}
    )
    graph = build_index(
        suggestions,
        Architect(model, PromptLibrary(), suggestions),
        Annotator(refuser, PromptLibrary()),
        BuildPolicy(terminal_size=10, attempts=1),
    ).compile()
    state = asyncio.run(graph.ainvoke({"label_ids": list(table.labels)}))
    tree = built(names, state["splits"])
    assert sorted(label for _, label in tree.placements) == sorted(names)
    held = [sum(node == key for node, _ in tree.placements) for key in {node for node, _ in tree.placements}]
    assert max(held) <= 10


def test_a_build_goes_on_from_what_is_kept(database: Database) -> None:
    runs = Runs(database)
    run = runs.open("build", "zoo", {})
    architects, _ = architect(ZOO, zoo_proposals)
    first = split_up(ZOO, architects, annotator(HOMES)[0], BuildPolicy(terminal_size=4), runs.units(run))
    silent, never = architect(ZOO, lambda _: pytest.fail("the architect was asked again"))
    again = split_up(ZOO, silent, annotator({})[0], BuildPolicy(terminal_size=4), runs.units(run))
    assert again == first
    assert never.history == []


def test_a_failed_request_stops_the_build_and_keeps_what_was_spent(database: Database) -> None:
    from taxonaut.state.stores.decisions import Decisions

    runs = Runs(database)
    run = runs.open("build", "zoo", {})
    gone = ScriptedModel(rule=lambda _: ModelUnavailableError("the server is gone"))
    architects, _ = architect(ZOO, zoo_proposals)
    with pytest.raises(ModelUnavailableError, match="the server is gone"):
        split_up(
            ZOO, architects, Annotator(gone, PromptLibrary()), BuildPolicy(terminal_size=4), runs.units(run)
        )
    totals = Decisions(database).totals(run)
    assert (totals.requests + totals.comparisons, totals.errors) == (2, 1)


def test_a_reply_that_is_no_valid_call_is_a_failed_try() -> None:
    tries: list[ModelRequest] = []

    def proposals(request: ModelRequest) -> Sequence[Mapping[str, str]]:
        tries.append(request)
        return [{"title": "land"}] * 2 if len(tries) == 1 else zoo_proposals(request)

    architects, _ = architect(ZOO, proposals)
    splits = split_up(ZOO, architects, annotator(HOMES)[0], BuildPolicy(terminal_size=4))
    assert [centre.name for centre in splits[""].centres] == ["land", "sea", "sky"]
    assert len(splits[""].problems) == 2
    assert splits[""].problems[0].startswith("`categories.0` does not keep to its schema")


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(2, 9))
def test_whatever_the_agents_answer_no_label_is_lost(count: int, seed: int, attempts: int, size: int) -> None:
    names = [f"label {number}" for number in range(count)]
    random = np.random.default_rng(seed)

    def proposals(request: ModelRequest) -> Sequence[Mapping[str, str]]:
        return categories(*(f"centre {number}" for number in random.integers(0, 30, random.integers(2, 6))))

    def rule(request: ModelRequest) -> Mapping[str, Any]:
        numbers = range(1, len(request.choices) + 1)
        return {
            str(place): [int(n) for n in random.permutation(numbers)[: random.integers(0, 3)]] or [0]
            for place in range(1, len(request.texts) + 1)
        }

    architects, _ = architect(names, proposals)
    annotators = Annotator(ScriptedModel(rule=rule), PromptLibrary(), AnnotatorSettings(batch=7))
    policy = BuildPolicy(terminal_size=size, attempts=attempts, depth=4)
    tree = built(names, split_up(names, architects, annotators, policy))
    with Database.in_memory() as database:
        index = Index(database)
        index.add_labels([Label(LabelId(name), name) for name in names])
        index.load_tree(tree)
        assert index.stats().labels_unplaced == 0
