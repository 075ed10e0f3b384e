"""Whole vocabularies as values: scripted agents over goods of several kinds, round by round, level by level."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from goods import Goods, central, of

from taxonaut.models.requests import ModelRequest
from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.updates import Progress, Update, listening

LAMPS = Centre("Lamps", "They give light.")
WIDER = Centre("Paper", "", (), ("clips",))
ROOT = RefinedGroup(
    (
        Centre("Pens"),
        replace(WIDER, examples=central("clip")),
        replace(LAMPS, examples=central("lamp")),
    ),
    (of("gel", "fountain"), of("note", "copy", "clip"), of("lamp")),
    of("odd"),
    2,
    (
        Round(
            33,
            24,
            (
                ChangeProposal("create", "they give light", 4, central("lamp"), LAMPS, None, True, "fits"),
                ChangeProposal("expand", "they hold paper", 4, central("clip"), WIDER, 1, True, "fits"),
                ChangeProposal("ignore", "an item like no other", 1, of("odd")),
            ),
        ),
        Round(33, 32),
    ),
)
PENS = RefinedGroup(
    (Centre("Gel pens"), Centre("Fountain pens")), (of("gel"), of("fountain")), (), 2, (Round(12, 12),)
)
PAPER = RefinedGroup(
    (Centre("Notes"), Centre("Copies")),
    (of("note"), of("copy")),
    of("clip"),
    2,
    (Round(16, 12, (ChangeProposal("ignore", "nothing in common", 4, central("clip")),)),),
)


def test_two_levels_with_rounds_that_create_and_expand() -> None:
    crew = Goods()
    state = crew.build()
    assert state["refined"] == {"": ROOT, "0": PENS, "1": PAPER}
    assert [[each.coverage for each in refined.rounds] for refined in state["refined"].values()] == [
        [24 / 33, 32 / 33],
        [1.0],
        [0.75],
    ]
    # Two rounds of 33 items, then 12 and 16 of them, five in a request.
    assert crew.asked == [3, 7 + 7 + 3 + 4, 3, 1]
    assert len(state["decisions"]) == sum(crew.asked)


def test_annotators_words_and_the_items_of_a_cluster_are_in_the_request_for_a_change() -> None:
    crew = Goods()
    crew.build()
    assert crew.writer.history[0].item.splitlines() == [
        "Items without a descriptor:",
        "4 in all, such as:",
        *(f"- {item}" for item in central("lamp")),
        "Annotators said:",
        "- nothing for lamp",
        "- nothing for clip, lamp",
    ]
    assert crew.reviewer.history[0].item.splitlines() == [
        "Proposals:",
        "1. Create 'Lamps': They give light. — for 4 items: they give light",
        "2. Expand 'Paper' (includes: clips) — for 4 items: they hold paper",
    ]


def test_a_group_knows_its_path_and_its_neighbours() -> None:
    crew = Goods()
    crew.build()
    assert crew.architect.history[1].context.splitlines()[:4] == [
        "The group: Pens. Every descriptor must be more specific than that.",
        "Neighbouring groups, which these items do not belong to:",
        "- Paper (such as note 0; note 1; note 2)",
        "- Lamps (such as lamp 0; lamp 1; lamp 2)",
    ]


def test_all_groups_of_a_step_are_in_flight_together() -> None:
    crew, sizes = Goods(), []
    answer = crew.annotator.answer

    async def counting(requests: Sequence[ModelRequest]) -> list[Any]:
        sizes.append(len(requests))
        return await answer(requests)

    crew.annotator.answer = counting  # type: ignore[method-assign]
    crew.build()
    # Nothing changed in the last round of Paper, so that it is not annotated again.
    assert sizes == [7, 7, 3 + 4]


def test_progress_says_how_many_groups_are_done_and_known() -> None:
    told: list[Update] = []
    with listening(told.append):
        Goods().build()
    counts = [(update.done, update.total) for update in told if isinstance(update, Progress)]
    assert counts == [(0, 1), (0, 1), (1, 3), (2, 3), (3, 3)]
