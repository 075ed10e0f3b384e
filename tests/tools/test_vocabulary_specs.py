"""The calls with which a vocabulary is built: a grammar holds to each, and validation takes what it should."""

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from taxonaut.models.gguf.grammar import tool_grammar
from taxonaut.models.requests import Choice, ModelRequest
from taxonaut.models.validation import checked
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec
from taxonaut.tools.assign_label import LONGEST_REPORT, assign_items_spec
from taxonaut.tools.write.propose_category import (
    MOST_LISTED,
    SHORT_NAME,
    SHORT_TEXT,
    propose_categories_spec,
    propose_descriptors_spec,
)
from taxonaut.tools.write.propose_change import propose_change_spec
from taxonaut.tools.write.review_changes import review_changes_spec

PENS = {"name": "Pens", "description": "To write with.", "includes": ["gel pens"], "excludes": []}
PAPER = {"name": "Paper", "description": "To write on.", "includes": [], "excludes": ["books"]}
CHANGE = {"problem": "", "change": "ignore", "descriptor": 0, "name": "", **dict(list(PENS.items())[1:])}
VERDICT = {"reason": "", "approve": True}

SPECS = [
    propose_descriptors_spec(15),
    propose_descriptors_spec(2),
    propose_change_spec(15),
    propose_change_spec(0),
    review_changes_spec(10),
    review_changes_spec(1),
    assign_items_spec(20, 15, 3),
    assign_items_spec(1, 1, 1),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name}")
def test_a_grammar_holds_to_each(spec: ToolSpec) -> None:
    Draft202012Validator.check_schema(dict(spec.parameters))
    assert tool_grammar([spec]).text.startswith("root ::= ")


def request(spec: ToolSpec, texts: tuple[str, ...] = (), options: int = 0) -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in range(1, options + 1))
    return ModelRequest("", "", "", "", "", spec, "", choices, 2, texts)


@pytest.mark.parametrize(
    ("spec", "call"),
    [
        (propose_descriptors_spec(3), {"categories": [PENS, PAPER]}),
        (propose_change_spec(4), CHANGE),
        (propose_change_spec(4), {**CHANGE, "change": "expand", "descriptor": 4}),
        (review_changes_spec(2), {"1": VERDICT, "2": VERDICT}),
    ],
)
def test_calls_that_are_valid(spec: ToolSpec, call: Mapping[str, Any]) -> None:
    assert checked(request(spec), call) == ((), ())


@pytest.mark.parametrize(
    ("spec", "call", "message"),
    [
        (
            propose_descriptors_spec(3),
            {"categories": [PENS]},
            "`categories` does not keep to its schema, which has minItems: 2.",
        ),
        (
            propose_descriptors_spec(2),
            {"categories": [PENS, PAPER, PENS]},
            "`categories` does not keep to its schema, which has maxItems: 2.",
        ),
        (
            propose_descriptors_spec(2),
            {"categories": [PENS, {"name": "Paper", "description": ""}]},
            "`categories.1` does not keep to its schema, which has required: "
            '["name", "description", "includes", "excludes"].',
        ),
        (
            propose_change_spec(4),
            {**CHANGE, "change": "expand", "descriptor": 5},
            "`descriptor` does not keep to its schema, which has maximum: 4.",
        ),
        (
            propose_change_spec(4),
            {**CHANGE, "change": "merge"},
            '`change` does not keep to its schema, which has enum: ["create", "expand", "ignore"].',
        ),
        (
            review_changes_spec(2),
            {"1": VERDICT},
            '`review_changes` does not keep to its schema, which has required: ["1", "2"].',
        ),
        (
            review_changes_spec(1),
            {"1": {"reason": "yes", "approve": "yes"}},
            '`1.approve` does not keep to its schema, which has type: "boolean".',
        ),
    ],
)
def test_calls_that_are_not(spec: ToolSpec, call: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ModelReplyError) as caught:
        checked(request(spec), call)
    assert str(caught.value) == message


def test_the_descriptors_of_a_group_have_all_their_texts() -> None:
    spec = propose_descriptors_spec(9)
    listed = spec.parameters["properties"]["categories"]
    one = listed["items"]
    assert (spec.name, listed["minItems"], listed["maxItems"]) == ("propose_category", 2, 9)
    assert list(one["properties"]) == one["required"] == ["name", "description", "includes", "excludes"]
    assert one["properties"]["name"]["maxLength"] == SHORT_NAME
    assert one["properties"]["description"]["maxLength"] == SHORT_TEXT
    for key in ("includes", "excludes"):
        assert one["properties"][key]["items"] == {"type": "string", "maxLength": SHORT_NAME}
        assert one["properties"][key]["maxItems"] == MOST_LISTED
    categories = propose_categories_spec(9).parameters["properties"]["categories"]["items"]
    assert categories["required"] == ["name", "description"]


def test_items_get_numbers_and_what_fits_none_a_word_on_why() -> None:
    spec = assign_items_spec(2, 5, 3)
    assert list(spec.parameters["properties"]) == spec.parameters["required"] == ["1", "2", "why"]
    assert spec.parameters["properties"]["why"]["maxLength"] == LONGEST_REPORT
    assert spec.parameters["properties"]["1"] == {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": 5},
        "minItems": 1,
        "maxItems": 3,
    }
    asked = request(spec, ("one", "two"), 5)
    assert checked(asked, {"1": [5, 2], "2": [0], "why": "a lamp"}) == ((), ((5, 2), ()))
    assert checked(asked, {"1": [1], "2": [2]}) == ((), ((1,), (2,)))
    with pytest.raises(ModelReplyError, match=r"\[6\] is not on offer"):
        checked(asked, {"1": [6], "2": [1], "why": ""})
