"""Whatever the policy, the tree and the model: the walk keeps to its rules, and its explanation is what it did."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxonaut import WalkPolicy, navigate
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelError, ModelUnavailableError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId, LabelId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Label, Tree, TreeNode
from taxonaut.workspace.walk.explanation import Step, build_explanation, shown_labels
from taxonaut.workspace.walk.label_outcomes import WalkRecord, label_outcomes

pytestmark = pytest.mark.slow

LABELS = [LabelId(f"l{number}") for number in range(12)]
ITEM = Item(ItemId("i"), "text")


class Random:
    """A retriever that scores labels by chance, always the same."""

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        scored = [(label, random.Random(label).random()) for label in LABELS]
        return [sorted(scored, key=lambda pair: -pair[1])[:k] for _ in texts]

    async def scores(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        return [[random.Random(label).random() for label in labels] for _, labels in shortlists]


@st.composite
def dags(draw: st.DrawFn) -> Tree:
    """A tree of up to ten nodes, each below one or more earlier ones, with every label somewhere."""
    count = draw(st.integers(1, 10))
    edges = [
        (parent, key)
        for key in range(1, count + 1)
        for parent in draw(st.sets(st.integers(0, key - 1), min_size=1, max_size=3))
    ]
    places = [
        (node, label)
        for label in LABELS
        for node in draw(st.sets(st.integers(0, count), min_size=1, max_size=2))
    ]
    nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, count + 1))
    return Tree("drawn", nodes, tuple(edges), tuple(places))


policies = st.builds(
    WalkPolicy,
    shortlist=st.sampled_from(["tree", "both", "dense"]),
    terminals=st.integers(1, 5),
    dense=st.integers(1, 4),
    inherit=st.sampled_from([0.0, 0.15, 1.0]),
    order=st.sampled_from(["breadth", "depth"]),
    ancestors=st.sampled_from([None, True, False]),
    beam=st.integers(0, 3),
    threshold=st.sampled_from([None, 0.3, 0.6]),
    start=st.sampled_from(["root", "anchored"]),
    anchors=st.integers(1, 5),
)


def chance(seed: int) -> ScriptedModel:
    """A model that chooses by chance, and sometimes fails."""

    def rule(request: ModelRequest) -> Sequence[int] | ModelError:
        rng = random.Random(f"{seed} {request.context}")
        if rng.random() < 0.1:
            return ModelUnavailableError("away")
        ids = [choice.id for choice in request.choices]
        return rng.sample(ids, rng.randint(0, min(len(ids), request.most))) or [0]

    return ScriptedModel(rule=rule)


def drawn(step: Step) -> list[Step]:
    return [step, *(below for child in step.steps for below in drawn(child))]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dags(), policies, st.integers(0, 10**6), st.integers(1, 4))
def test_any_walk_on_any_tree(tree: Tree, policy: WalkPolicy, seed: int, options: int) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        index.add_labels([Label(label, label) for label in LABELS])
        index.load_tree(tree)
        navigator = Navigator(chance(seed), PromptLibrary(), NavigatorSettings(options_per_request=options))
        graph = navigate(index, navigator, retriever=Random(), policy=policy)  # type: ignore[arg-type]
        given: Any = {"items": [ITEM]}
        output: Any = graph.compile().invoke(given, {"recursion_limit": 1000})
        trail: Trail = output["trails"][ITEM.id]
        keeps_to_its_rules(index, policy, output, trail)
        explains_itself(index, output, trail)


def keeps_to_its_rules(index: Index, policy: WalkPolicy, output: Any, trail: Trail) -> None:
    opened = [way.node for way in trail.opened]
    assert len(set(opened)) == len(opened)
    branches = [way.node for way in trail.opened if way.how == "branch"]
    assert sum(map(index.is_terminal, branches)) <= policy.terminals
    asked = Counter((decision.node_id, decision.seed) for decision in output["decisions"])
    assert set(asked.values()) <= {1}
    assert {node for node, _ in asked} <= set(opened)
    for place, way in enumerate(trail.opened):
        below = {"branch": (way.via, way.node), "climb": (way.node, way.via)}.get(way.how)
        if below is not None:
            assert below[1] in [child.id for child in index.children(below[0])]
            assert way.via in opened[:place]
            assert policy.threshold is None or way.score >= policy.threshold
    assert not {node for nodes in trail.dropped.values() for node in nodes} & set(opened)
    found = {label for labels in index.labels_under(opened).values() for label in labels}
    shortlist = output["shortlists"][ITEM.id]
    assert set(shortlist) == found | set(trail.retrieved)
    assert list(shortlist.values()) == sorted(shortlist.values(), key=lambda known: -known.score)
    if policy.shortlist == "dense":
        assert opened == []


def explains_itself(index: Index, output: Any, trail: Trail) -> None:
    """The drawing opens what the walk opened; a label is lost if and only if it is not on the shortlist."""
    decisions = output["decisions"]
    told = build_explanation(index, RunId(1), ITEM, trail, decisions, ())
    steps = drawn(told.root)
    assert {step.node for step in steps if step.opened} == {way.node for way in trail.opened}
    held = {label for step in steps for label in step.labels}
    assert held | set(trail.retrieved) == set(output["shortlists"][ITEM.id])
    by_node: dict[Any, Any] = {}
    for decision in decisions:
        by_node.setdefault(decision.node_id, []).append(decision)
    walked = WalkRecord(index, trail, (), shown_labels(()))
    for fate in label_outcomes(walked, LABELS, by_node):
        assert (fate.outcome == "failed" and fate.node is None) == (
            fate.label in output["shortlists"][ITEM.id]
        )
        if fate.node is not None and fate.branch != fate.node:
            assert fate.node in {way.node for way in trail.opened}
            assert fate.branch in {child.id for child in index.children(fate.node)}
            assert fate.branch not in {way.node for way in trail.opened}
