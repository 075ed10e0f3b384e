"""When a group is done, what is left out of it, and what a build does when agents fail or it is killed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from goods import COUNTS, GOODS, HOMES, POLICY, Crew, Goods, change, of, suggestions
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.agents.architect import DESCRIPTORS, Architect
from taxonaut.agents.change_reviewer import ChangeReviewer
from taxonaut.agents.support.texts import TextTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.agents.writers.change_writer import ChangeWriter
from taxonaut.graphs.build_vocabulary import build_vocabulary
from taxonaut.graphs.policies import VocabularyPolicy
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.descriptors import RefinedGroup
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.runs import Runs
from taxonaut.state.updates import Progress, Update, listening

pytestmark = pytest.mark.slow

TOP = replace(POLICY, depth=1)
"""The first level only: 33 items, of which 24 fit Pens or Paper at first."""


def names(refined: RefinedGroup) -> list[str]:
    return [centre.name for centre in refined.centres]


def rounds(refined: RefinedGroup) -> list[tuple[int, list[tuple[str, bool | None]]]]:
    """How many items were assigned in each round, and the kinds of its changes with the verdicts."""
    return [(r.assigned, [(c.kind, c.approved) for c in r.changes]) for r in refined.rounds]


LAMPS_CLIPS = [("create", True), ("expand", True), ("ignore", None)]


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (TOP, [(24, LAMPS_CLIPS), (32, [])]),
        # Nine items fit nothing: fewer than ten are few, and 24 of 33 are 72.7 %.
        (replace(TOP, anomaly_threshold=10), [(24, [])]),
        (replace(TOP, anomaly_threshold=9), [(24, [("create", True)]), (28, [])]),
        (replace(TOP, coverage=0.72), [(24, [])]),
        (replace(TOP, coverage=0.73), [(24, LAMPS_CLIPS), (32, [])]),
        (replace(TOP, max_refinement_cycles=0), [(24, [])]),
        # The one item that is left makes a round of its own, in which nothing is asked and nothing changes.
        (replace(TOP, anomaly_threshold=1, coverage=1.0), [(24, LAMPS_CLIPS), (32, [("ignore", None)])]),
        # One cluster in a round: lamps and clips come in one after the other, until the cycles are over.
        (replace(TOP, proposals=1, max_refinement_cycles=1), [(24, [("create", True)]), (28, [])]),
        (
            replace(TOP, proposals=1, max_refinement_cycles=2),
            [(24, [("create", True)]), (28, [("expand", True)]), (32, [])],
        ),
    ],
)
def test_when_rounds_end(policy: VocabularyPolicy, found: list[Any]) -> None:
    assert rounds(Crew().build(policy=policy)["refined"][""]) == found


def test_a_round_in_which_nothing_is_approved_is_the_last() -> None:
    crew = Crew(rejected=("Lamps", "Paper"))
    root = crew.build(policy=TOP)["refined"][""]
    assert rounds(root) == [(24, [("create", False), ("expand", False), ("ignore", None)])]
    assert {change.reason for change in root.rounds[0].changes} == {"overlaps", ""}
    assert (names(root), root.uncovered) == (["Pens", "Paper"], of("lamp", "clip", "odd"))
    assert len(crew.annotator.history) == 7


def test_what_is_rejected_is_not_made_and_the_rest_is() -> None:
    root = Crew(rejected=("Paper",)).build(policy=TOP)["refined"][""]
    assert rounds(root) == [
        (24, [("create", True), ("expand", False), ("ignore", None)]),
        (28, [("expand", False), ("ignore", None)]),
    ]
    assert (names(root), root.uncovered) == (["Pens", "Paper", "Lamps"], of("clip", "odd"))
    assert root.centres[1].includes == ()


def test_of_two_new_descriptors_with_one_name_the_second_is_rejected_after_all() -> None:
    both = {kind: change("create", name=name) for kind, name in (("lamp", "Lamps"), ("clip", "lamp"))}
    root = Crew(changes=both).build(policy=TOP)["refined"][""]
    assert names(root) == ["Pens", "Paper", "Lamps"]
    assert [(each.approved, each.reason) for each in root.rounds[0].changes] == [
        (True, "fits"),
        (False, "'Lamps' stands under this node already; use it, or name what is different"),
        (None, ""),
    ]


def test_two_changes_may_expand_one_descriptor() -> None:
    both = {
        "lamp": change("expand", descriptor="Paper", includes=["Lamps"], excludes=["clips", "ink"]),
        "clip": change("expand", descriptor="Paper", includes=["clips"]),
    }
    root = Crew(changes=both).build(policy=TOP)["refined"][""]
    assert rounds(root) == [(24, [("expand", True), ("expand", True), ("ignore", None)]), (32, [])]
    assert root.centres[1].includes == ("Lamps", "clips")
    assert set(root.centres[1].examples) == set(of("lamp", "clip"))
    assert root.members[1] == of("note", "copy", "lamp", "clip")


def test_a_descriptor_with_too_few_items_is_left_out_and_changes_name_the_others_by_their_places() -> None:
    wider = {"clip": change("expand", descriptor="Paper", includes=["clips"])}
    crew = Crew({"": ("Odd things", "Pens", "Paper")}, {**HOMES, "odd": ["Odd things"]}, wider)
    root = crew.build(policy=TOP)["refined"][""]
    assert (names(root), root.initial, root.uncovered) == (["Pens", "Paper"], 2, of("lamp", "odd"))
    # Paper was the third of three and is the second of two.
    assert [(each.kind, each.at) for each in root.rounds[0].changes] == [
        ("expand", 1),
        ("ignore", None),
        ("ignore", None),
    ]
    assert names(crew.build(policy=replace(TOP, smallest=1))["refined"][""])[0] == "Odd things"


def test_a_change_to_a_descriptor_that_is_left_out_names_none() -> None:
    lone = {"lamp": change("expand", descriptor="Odd things", includes=["nothing"])}
    crew = Crew({"": ("Odd things", "Pens", "Paper")}, {**HOMES, "odd": ["Odd things"]}, lone)
    root = crew.build(policy=TOP)["refined"][""]
    expanding = [each for each in root.rounds[0].changes if each.kind == "expand"]
    assert {(each.approved, each.at) for each in expanding} == {(True, None)}


def test_a_group_that_falls_into_one_is_not_divided() -> None:
    homes = {**HOMES, "fountain": ["Pens", "Gel pens"]}
    state = Crew(homes=homes).build(of("gel", "fountain", "note", "copy"))
    pens = state["refined"]["0"]
    assert (pens.centres, pens.members, pens.uncovered) == ((), (), of("gel", "fountain"))
    assert pens.problems == ("only 1 of 2 descriptors have 2 or more items",)
    assert [(each.items, each.assigned) for each in pens.rounds] == [(12, 12)]
    assert list(state["refined"]) == ["", "0", "1"]


@pytest.mark.parametrize(
    ("items", "members"),
    [
        (("gel 0", "note 0", "note 1"), (("gel 0",), ("note 0", "note 1"))),
        (("gel 0", "gel 1"), (("gel 0", "gel 1"),)),
        (("odd 0", "lamp 0"), ()),
    ],
)
def test_few_items_are_divided_all_the_same(items: Sequence[str], members: Any) -> None:
    root = Crew().build(items)["refined"][""]
    assert root.members == members


@pytest.mark.parametrize("items", [(), ("gel 0",)])
def test_nothing_is_asked_about_one_item(items: Sequence[str]) -> None:
    crew = Crew()
    assert (crew.build(items)["refined"], crew.asked) == ({}, [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("branching", "members"),
    [
        (1, (of("gel", "fountain"), of("note"), of("copy"))),
        (2, (of("gel", "fountain", "note"), of("note", "copy"), of("gel", "copy"))),
        (0, (of("gel", "fountain", "note"), of("gel", "note", "copy"), of("gel", "note", "copy"))),
    ],
)
def test_branching(branching: int, members: Any) -> None:
    homes = {
        "gel": ["Pens", "Tape", "Paper"],
        "fountain": ["Pens"],
        "note": ["Paper", "Pens", "Tape"],
        "copy": ["Tape", "Paper"],
    }
    crew = Crew({"": ("Pens", "Paper", "Tape")}, homes)
    items = of("gel", "fountain", "note", "copy")
    root = crew.build(items, replace(TOP, branching=branching))["refined"][""]
    assert (root.members, root.uncovered) == (members, ())


@pytest.mark.parametrize(
    ("proposed", "problems"),
    [
        (
            ("Pens", "pen"),
            (
                "'Pens' stands under this node already; use it, or name what is different",
                "1 usable descriptors were proposed; word statistics gave these",
            ),
        ),
        (("Other", "Misc"), ("'Other' tells nothing apart; name what the category holds",
                             "'Misc' tells nothing apart; name what the category holds",
                             "0 usable descriptors were proposed; word statistics gave these")),
    ],
)  # fmt: skip
def test_word_statistics_stand_in_for_an_architect_who_names_too_few(proposed: Any, problems: Any) -> None:
    items = of("gel", "note")
    root = Crew({"": proposed}, {kind: [kind] for kind in COUNTS}).build(items, TOP)["refined"][""]
    assert root.problems == problems
    assert {centre.name for centre in root.centres} <= {"gel", "note"}
    assert all(
        set(centre.examples) <= set(members)
        for centre, members in zip(root.centres, root.members, strict=True)
    )


def test_bad_replies_of_each_agent_are_lived_with() -> None:
    crew = Crew()
    bad = ModelReplyError("no call")
    crew.architect.enqueue(bad)
    crew.annotator.rule = lambda request: bad if "gel 0" in request.texts else crew.assign(request)
    crew.writer.rule = lambda request: bad
    root = crew.build(policy=TOP)["refined"][""]
    assert root.problems == (
        "no call",
        "0 usable descriptors were proposed; word statistics gave these",
        "no call",
    )
    assert "gel 0" in root.uncovered
    assert {each.problem for each in root.rounds[0].changes if each.size > 1} == {
        "no proposal could be had: no call"
    }


def test_proposals_that_nobody_reviewed_are_rejected() -> None:
    crew = Crew()
    crew.reviewer.enqueue(ModelReplyError("no call"))
    root = crew.build(policy=TOP)["refined"][""]
    assert [(each.approved, each.reason) for each in root.rounds[0].changes] == [
        (False, "there was no review: no call"),
        (False, "there was no review: no call"),
        (None, ""),
    ]


Agents = Callable[[Crew], ScriptedModel]


@pytest.mark.parametrize(
    ("agent", "requests"),
    [
        (lambda crew: crew.architect, 1),
        (lambda crew: crew.annotator, 1 + 7),
        (lambda crew: crew.writer, 1 + 7 + 2),
        (lambda crew: crew.reviewer, 1 + 7 + 2 + 1),
    ],
)
def test_a_model_that_is_gone_stops_the_build_and_what_was_spent_is_kept(
    database: Database, agent: Agents, requests: int
) -> None:
    runs = Runs(database)
    run = runs.open("vocabulary", "goods", {})
    crew = Crew()
    agent(crew).enqueue(ModelUnavailableError("the server is gone"))
    with pytest.raises(ModelUnavailableError, match="the server is gone"):
        crew.build(units=runs.units(run))
    totals = Decisions(database).totals(run)
    assert (totals.requests + totals.comparisons, totals.errors) == (requests, 1)


@pytest.mark.parametrize("error", [ModelUnavailableError("gone"), None])
def test_a_killed_build_asks_only_for_the_groups_that_are_left(database: Database, error: Any) -> None:
    """The first call ends in the review of the last of three groups; the second one asks about that group only."""
    whole = Goods().build()["refined"]
    runs = Runs(database)
    run = runs.open("vocabulary", "goods", {})
    first = Goods()

    def ends(request: ModelRequest) -> Any:
        if "from: Paper" not in request.context:
            return first.write(request)
        if error is None:
            raise ZeroDivisionError
        return error

    first.writer.rule = ends
    with pytest.raises((ModelUnavailableError, ZeroDivisionError)):
        first.build(units=runs.units(run))
    assert set(runs.finished(run, ["", "0", "1"])) == {"", "0"}
    told: list[Update] = []
    second = Goods()
    with listening(told.append):
        state = second.build(units=runs.units(run))
    assert state["refined"] == whole
    assert [request.context.splitlines()[0] for request in second.architect.history] == [
        "The group: Paper. Every descriptor must be more specific than that."
    ]
    assert second.asked == [1, 4, 1, 0]
    counts = [(update.done, update.total) for update in told if isinstance(update, Progress)]
    assert counts == [(2, 3), (2, 3), (3, 3)]
    third = Goods()
    assert third.build(units=runs.units(run))["refined"] == whole
    assert third.asked == [0, 0, 0, 0]


def test_decisions_of_a_finished_build_are_all_kept(database: Database) -> None:
    runs = Runs(database)
    run = runs.open("vocabulary", "goods", {})
    crew = Goods()
    state = crew.build(units=runs.units(run))
    totals = Decisions(database).totals(run)
    assert (totals.requests + totals.comparisons, state["decisions"]) == (sum(crew.asked), [])


def test_identical_items_come_to_an_end() -> None:
    ids = [ItemId(str(number)) for number in range(40)]
    table = VectorClusters(lambda: TextTable(ids, ["twin"] * 40, np.ones((40, 4), np.float32) / 2))
    refuser = ScriptedModel(rule=lambda request: {str(n): [0] for n in range(1, len(request.texts) + 1)})
    names = iter(range(1000))
    about = {"description": "", "includes": [], "excludes": []}
    architect = ScriptedModel(rule=lambda _: {"categories": [{"name": n, **about} for n in ("one", "two")]})
    writer = ScriptedModel(rule=lambda _: change("create", name=f"twins {next(names)}"))
    reviewer = ScriptedModel(
        rule=lambda request: {n: {"approve": True, "reason": ""} for n in request.tool.parameters["required"]}
    )
    prompts = PromptLibrary()
    graph = build_vocabulary(
        table,
        Architect(architect, prompts, table, kind=DESCRIPTORS),
        Annotator(refuser, prompts, AnnotatorSettings(batch=40), kind=ASSIGN_ITEMS),
        ChangeWriter(writer, prompts, table.text),
        ChangeReviewer(reviewer, prompts, table.text),
        VocabularyPolicy(),
    ).compile()
    state = asyncio.run(graph.ainvoke({"items": [Item(id_, "twin") for id_ in ids]}))
    (root,) = state["refined"].values()
    assert (root.centres, root.members, root.uncovered, len(root.rounds)) == ((), (), tuple(ids), 4)


@settings(deadline=None, max_examples=8)
@given(st.integers(2, 40), st.integers(0, 2**32 - 1), st.integers(0, 2), st.integers(1, 3))
def test_whatever_the_agents_answer_every_item_is_accounted_for(
    count: int, seed: int, branching: int, depth: int
) -> None:
    items = GOODS[:count] if count <= len(GOODS) else GOODS
    random = np.random.default_rng(seed)
    crew = Crew()

    def name() -> str:
        return str(random.choice(["Other", "Pens", "pen", *(f"thing {n}" for n in range(12))]))

    def numbers(request: ModelRequest) -> list[int]:
        given = random.permutation(len(request.choices))[: random.integers(0, 3)] + 1
        return given.tolist() or [0]

    about = {"description": "", "includes": [], "excludes": []}
    crew.architect.rule = lambda _: {
        "categories": [{"name": name(), **about} for _ in range(random.integers(1, 5))]
    }
    crew.annotator.rule = lambda request: (
        ModelReplyError("no call")
        if random.random() < 0.1
        else {str(n): numbers(request) for n in range(1, len(request.texts) + 1)}
    )
    crew.writer.rule = lambda _: change(
        str(random.choice(["create", "expand", "ignore"])), name=name(), descriptor=int(random.integers(0, 4))
    )
    crew.reviewer.rule = lambda request: {
        n: {"approve": bool(random.integers(2)), "reason": ""} for n in request.tool.parameters["required"]
    }
    policy = replace(POLICY, branching=branching, depth=depth)
    refined = crew.build(items, policy)["refined"]
    groups = {"": tuple(map(ItemId, items))}
    for key, each in refined.items():
        held = {item for members in each.members for item in members}
        assert held | set(each.uncovered) == set(groups[key])
        assert not held & set(each.uncovered)
        assert len(each.centres) == len(each.members) != 1 or not key
        assert len({centre.name for centre in each.centres}) == len(each.centres) >= each.initial
        assert 1 <= len(each.rounds) <= 1 + policy.max_refinement_cycles
        assert key.count(".") < depth
        groups |= {f"{key}.{n}" if key else str(n): members for n, members in enumerate(each.members)}
    large = {key for key, members in groups.items() if len(members) >= POLICY.split_threshold}
    assert {key for key in large if (key.count(".") + 1 if key else 0) < depth} <= set(refined)


def test_the_kinds_of_goods_are_told_apart_by_their_vectors() -> None:
    table = suggestions(GOODS)
    alike = table.vectors(of("gel")) @ table.vectors(of("note")).T
    assert float(alike.max()) < 0.1
