"""What became of a group survives being written as JSON."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round, centre_from_row
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId

words = st.text(max_size=8)
lists = st.lists(words, max_size=3).map(tuple)
items = st.lists(words.map(ItemId), max_size=4).map(tuple)
numbers = st.integers(0, 10**6)
centres = st.builds(Centre, words, words, lists, lists, lists)
changes = st.builds(
    ChangeProposal,
    st.sampled_from(["create", "expand", "ignore"]),
    words,
    numbers,
    items,
    st.none() | centres,
    st.none() | numbers,
    st.none() | st.booleans(),
    words,
)
rounds = st.builds(Round, numbers, numbers, st.lists(changes, max_size=3).map(tuple))
groups = st.builds(
    RefinedGroup,
    st.lists(centres, max_size=3).map(tuple),
    st.lists(items, max_size=3).map(tuple),
    items,
    numbers,
    st.lists(rounds, max_size=3).map(tuple),
    lists,
)


@settings(max_examples=40, deadline=None)
@given(groups)
def test_a_group_comes_back_as_it_was(refined: RefinedGroup) -> None:
    assert RefinedGroup.from_row(refined.to_row()) == refined
    assert RefinedGroup.from_row(json.loads(json.dumps(refined.to_row()))) == refined


def test_a_group_as_it_is_kept() -> None:
    pens = Centre("Pens", "to write with", ("p1",), ("gel pens",), ("ink",))
    create = ChangeProposal("create", "pens", 9, (ItemId("p1"),), pens, None, True, "fits")
    ignore = ChangeProposal("ignore", "odd", 1, (ItemId("x"),))
    refined = RefinedGroup(
        (pens,),
        ((ItemId("p1"),),),
        (ItemId("x"),),
        0,
        (Round(2, 0, (create, ignore)), Round(2, 1)),
        ("late",),
    )
    pens_row = {
        "name": "Pens",
        "description": "to write with",
        "examples": ["p1"],
        "includes": ["gel pens"],
        "excludes": ["ink"],
    }
    assert json.loads(json.dumps(refined.to_row())) == {
        "centres": [pens_row],
        "members": [["p1"]],
        "uncovered": ["x"],
        "initial": 0,
        "rounds": [
            {
                "items": 2,
                "assigned": 0,
                "changes": [
                    {
                        "kind": "create",
                        "problem": "pens",
                        "size": 9,
                        "items": ["p1"],
                        "centre": pens_row,
                        "at": None,
                        "approved": True,
                        "reason": "fits",
                    },
                    {
                        "kind": "ignore",
                        "problem": "odd",
                        "size": 1,
                        "items": ["x"],
                        "centre": None,
                        "at": None,
                        "approved": None,
                        "reason": "",
                    },
                ],
            },
            {"items": 2, "assigned": 1, "changes": []},
        ],
        "problems": ["late"],
    }


def test_the_coverage_of_a_round() -> None:
    assert [Round(8, 6).coverage, Round(8, 0).coverage, Round(0, 0).coverage] == [0.75, 0.0, 1.0]


def test_a_centre_of_a_former_version_has_no_lists() -> None:
    assert centre_from_row({"name": "Pens", "description": "to write with"}) == Centre(
        "Pens", "to write with"
    )
