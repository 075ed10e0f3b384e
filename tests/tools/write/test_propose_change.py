"""`propose_change` read from calls: what is created, what is widened, and which calls are refused."""

from typing import Any

import pytest

from taxonaut.state.errors import ToolError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.tools.write.propose_change import (
    LONGEST_PROBLEM,
    DescriptorChange,
    propose_change,
    propose_change_spec,
    short_texts,
    single_line,
)

PENS = Centre("Gel pens", "Pens with gel ink.", ("p1",), ("rollerballs",), ("ballpoints", "refills"))
PAPER = Centre("Paper", "Sheets to write on.")
CENTRES = (PENS, PAPER)
ORDER = (1, 0)
"""As the prompt lists them: 1 Paper, 2 Gel pens."""


def call(kind: str, **more: Any) -> dict[str, Any]:
    empty = {"descriptor": 0, "name": "", "description": "", "includes": [], "excludes": []}
    return {"problem": "small things", "change": kind, **empty, **more}


def test_a_new_descriptor() -> None:
    given = call(
        "create",
        name="  Sticky \n notes ",
        description="Notes that\nstick.",
        includes=["Post-its", " Post-its", "", "flags"],
        excludes=["tape"],
        descriptor=2,
    )
    made = Centre("Sticky notes", "Notes that stick.", (), ("Post-its", "flags"), ("tape",))
    assert propose_change(given, "Office", CENTRES, ORDER) == DescriptorChange("create", "small things", made)


def test_a_wider_descriptor_is_found_by_its_number_in_the_prompt() -> None:
    given = call(
        "expand", descriptor=2, name="Pens", description="All pens.", includes=["refills"], excludes=["ink"]
    )
    wide = Centre("Gel pens", "All pens.", ("p1",), ("rollerballs", "refills"), ("ballpoints", "ink"))
    assert propose_change(given, "Office", CENTRES, ORDER) == DescriptorChange(
        "expand", "small things", wide, 0
    )


def test_an_expansion_that_says_nothing_new_keeps_the_definition() -> None:
    given = call("expand", descriptor=1)
    assert propose_change(given, "Office", CENTRES, ORDER) == DescriptorChange(
        "expand", "small things", PAPER, 1
    )


def test_an_expanded_descriptor_does_not_grow_without_end() -> None:
    full = Centre("Pens", "", (), tuple(f"old {n}" for n in range(10)), tuple(f"out {n}" for n in range(10)))
    given = call("expand", descriptor=1, includes=list("abcd"), excludes=list("efgh"))
    found = propose_change(given, "", [full], [0]).centre
    assert found is not None
    assert found.includes == (*full.includes, "a", "b")
    assert found.excludes == (*full.excludes, "e", "f")


def test_outliers_are_left_alone_whatever_else_the_call_says() -> None:
    given = call("ignore", name="Other", descriptor=9, problem=f"  nothing\nin common {'x' * 300}")
    found = propose_change(given, "Office", CENTRES, ORDER)
    assert found == DescriptorChange("ignore", f"nothing in common {'x' * (LONGEST_PROBLEM - 18)}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (call("create"), "a category's name has 1 to 120 characters; 0 were given"),
        (call("create", name="Other"), "'Other' tells nothing apart; name what the category holds"),
        (
            call("create", name="gel pen"),
            "'Gel pens' stands under this node already; use it, or name what is different",
        ),
        (
            call("create", name="Pens with Gel"),
            "'Pens with Gel' says the same as its sibling 'Gel pens'; use that, or name what is different",
        ),
        (
            call("create", name="office"),
            "'office' is the name of its parent; name what sets this part of it apart",
        ),
        (call("expand"), "descriptor 0 is not there; expand one of 1 to 2"),
        (call("expand", descriptor=3), "descriptor 3 is not there; expand one of 1 to 2"),
    ],
)
def test_changes_that_cannot_be_made(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolError) as caught:
        propose_change(given, "Office", CENTRES, ORDER)
    assert str(caught.value) == message


def test_texts_are_short_and_each_is_there_once() -> None:
    assert single_line(" a\n b\tc ", 3) == "a b"
    assert short_texts(["a", " a ", "", "b" * 200, *"cdefgh"]) == ("a", "b" * 100, "c", "d")
    assert short_texts(None) == short_texts(7) == ()


def test_the_schema_has_the_numbers_on_offer() -> None:
    schema = propose_change_spec(7).parameters
    assert list(schema["properties"]) == schema["required"]
    assert schema["required"] == [
        "problem",
        "change",
        "descriptor",
        "name",
        "description",
        "includes",
        "excludes",
    ]
    assert schema["properties"]["change"]["enum"] == ["create", "expand", "ignore"]
    assert (schema["properties"]["descriptor"]["minimum"], schema["properties"]["descriptor"]["maximum"]) == (
        0,
        7,
    )
    assert schema["properties"]["name"]["minLength"] == 0
