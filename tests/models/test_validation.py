"""What counts as a valid tool call, and what a model is told otherwise."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.requests import Choice, ModelRequest
from taxonaut.models.validation import cannot_decide, checked, chosen_ids, parse_arguments
from taxonaut.state.errors import ModelReplyError
from taxonaut.tools.assign_label import assign_labels_spec
from taxonaut.tools.choose_category import choose_category_spec
from taxonaut.tools.expand_node import expand_node_spec
from taxonaut.tools.write.propose_category import propose_categories_spec

CHOICES = tuple(Choice(number, (str(number),)) for number in (1, 2, 3))
REQUEST = ModelRequest("", "", "", "", "", expand_node_spec(3, 2), "branches", CHOICES, 2)
NEEDS = "a list of at most 2 of the ids 1, 2, 3, best first, or [0] if none fits"
MANY = ModelRequest("", "", "", "", "", assign_labels_spec(3, 3, 2), "", CHOICES, 2, ("a", "b", "c"))
OPEN = ModelRequest("", "", "", "", "", propose_categories_spec(3), "", CHOICES, 3)
FREE = ModelRequest(
    "", "", "", "", "", choose_category_spec("rank", 3, 2), "categories", CHOICES, 2, may_be_undecided=True
)
"""A request whose answer may be that it cannot be decided."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([2], (2,)),
        ([3, 1], (3, 1)),
        ([1, 2, 3], (1, 2)),
        ([2, 2, 1], (2, 1)),
        ([0], ()),
        ([0, 3], (3,)),
        (2, (2,)),
        (0, ()),
        ("3", (3,)),
        (["1", " 2 "], (1, 2)),
        ([1.0], (1,)),
    ],
)
def test_valid_choices(given: Any, chosen: tuple[int, ...]) -> None:
    assert chosen_ids(REQUEST, {"branches": given}) == chosen


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, f"expand_node needs `branches`: {NEEDS}."),
        ([], f"expand_node needs `branches`: {NEEDS}."),
        ([4], f"[4] is not on offer. `branches` takes {NEEDS}."),
        ([1, -1, 9], f"[-1, 9] is not on offer. `branches` takes {NEEDS}."),
        ([True], f"[true] is not on offer. `branches` takes {NEEDS}."),
        ([None], f"[null] is not on offer. `branches` takes {NEEDS}."),
        ([1.5], f"[1.5] is not on offer. `branches` takes {NEEDS}."),
        ([[1]], f"[[1]] is not on offer. `branches` takes {NEEDS}."),
        ({"id": 1}, f'[{{"id": 1}}] is not on offer. `branches` takes {NEEDS}.'),
        ("Shoes", f'["Shoes"] is not on offer. `branches` takes {NEEDS}.'),
        (["9" * 9999], f'["{"9" * 198} is not on offer. `branches` takes {NEEDS}.'),
    ],
)
def test_faulty_choices_are_told_what_there_is(given: Any, message: str) -> None:
    with pytest.raises(ModelReplyError) as caught:
        chosen_ids(REQUEST, {"branches": given})
    assert str(caught.value) == message


@given(json_values)
def test_whatever_a_model_writes_is_a_choice_or_a_reply_error(value: Any) -> None:
    try:
        chosen = chosen_ids(REQUEST, {"branches": value})
    except ModelReplyError:
        return
    assert len(chosen) <= 2
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= {1, 2, 3}
    assert all(type(number) is int for number in chosen)


@given(st.text(max_size=30))
def test_whatever_arguments_are_they_are_an_object_or_a_reply_error(text: str) -> None:
    with contextlib.suppress(ModelReplyError):
        assert isinstance(parse_arguments(REQUEST, "expand_node", text), dict)


def test_arguments_come_as_text_or_as_an_object() -> None:
    assert parse_arguments(REQUEST, "expand_node", '{"branches": [1]}') == {"branches": [1]}
    assert parse_arguments(REQUEST, "expand_node", {"branches": [1]}) == {"branches": [1]}


def test_another_tool_is_refused_by_name() -> None:
    with pytest.raises(ModelReplyError, match=r"^There is no tool 'rm' here\. Call expand_node\.$"):
        parse_arguments(REQUEST, "rm", "{}")


def test_a_call_about_several_texts_has_a_choice_for_each() -> None:
    assert checked(MANY, {"1": [2, 1, 3], "2": [0], "3": 3}) == ((), ((2, 1), (), (3,)))
    assert checked(REQUEST, {"branches": [2]}) == ((2,), ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"1": [1], "2": [2]}, f"assign_label needs `3`: {NEEDS}."),
        ({"1": [1], "2": [], "3": [1]}, f"assign_label needs `2`: {NEEDS}."),
        ({"1": [1], "2": [2], "3": [7]}, f"[7] is not on offer. `3` takes {NEEDS}."),
        ({"a": [1], "b": [2], "c": [1]}, f"assign_label needs `1`: {NEEDS}."),
        ({}, f"assign_label needs `1`: {NEEDS}."),
    ],
)
def test_what_is_wrong_with_a_call_about_several_texts(arguments: Any, message: str) -> None:
    with pytest.raises(ModelReplyError) as caught:
        checked(MANY, arguments)
    assert str(caught.value) == message


def categories(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "description": "things"} for name in names]


def test_an_open_call_is_whatever_its_schema_allows() -> None:
    assert checked(OPEN, {"categories": categories("shoes", "hats")}) == ((), ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, '`propose_category` does not keep to its schema, which has required: ["categories"].'),
        (
            {"categories": categories("shoes")},
            "`categories` does not keep to its schema, which has minItems: 2.",
        ),
        (
            {"categories": categories("a1", "b1", "c1", "d1")},
            "`categories` does not keep to its schema, which has maxItems: 3.",
        ),
        (
            {"categories": "shoes and hats"},
            '`categories` does not keep to its schema, which has type: "array".',
        ),
        (
            {"categories": [{"name": "shoes", "description": ""}, {"name": "hats"}]},
            '`categories.1` does not keep to its schema, which has required: ["name", "description"].',
        ),
        (
            {"categories": [*categories("shoes"), {"name": 7, "description": ""}]},
            '`categories.1.name` does not keep to its schema, which has type: "string".',
        ),
        (
            {"categories": categories("shoes", "hats"), "mood": "good"},
            "`propose_category` does not keep to its schema, which has additionalProperties: false.",
        ),
        (
            {"categories": categories("shoes", "x" * 61)},
            "`categories.1.name` does not keep to its schema, which has maxLength: 60.",
        ),
    ],
)
def test_what_is_wrong_with_an_open_call(arguments: Any, message: str) -> None:
    with pytest.raises(ModelReplyError) as caught:
        checked(OPEN, arguments)
    assert str(caught.value) == message


@given(st.dictionaries(st.sampled_from(["1", "2", "3", "categories"]), json_values))
def test_whatever_a_call_holds_it_is_valid_or_a_reply_error(arguments: dict[str, Any]) -> None:
    for request in (MANY, OPEN):
        with contextlib.suppress(ModelReplyError):
            chosen, each = checked(request, arguments)
            assert chosen == ()
            assert len(each) == len(request.texts)
            assert all(set(numbers) <= {1, 2, 3} for numbers in each)


@pytest.mark.parametrize(
    ("given", "chosen", "undecided"),
    [
        ([-1], (), True),
        (-1, (), True),
        (["-1"], (), True),
        ([0, -1], (), True),
        ([-1, 2], (2,), False),
        ([0], (), False),
        ([3, 1], (3, 1), False),
    ],
)
def test_a_model_may_be_free_not_to_decide(given: Any, chosen: tuple[int, ...], undecided: bool) -> None:
    arguments = {"categories": given, "reason": "why"}
    assert checked(FREE, arguments) == (chosen, ())
    assert cannot_decide(FREE, arguments) is undecided


@pytest.mark.parametrize(("request_", "given"), [(FREE, [-2]), (FREE, ["--1"]), (FREE, [4]), (REQUEST, [-1])])
def test_not_to_decide_is_on_offer_where_it_says_so_only(request_: ModelRequest, given: Any) -> None:
    with pytest.raises(ModelReplyError) as caught:
        checked(request_, {request_.field: given})
    offered = f"{NEEDS}, or [-1] if it cannot be decided" if request_ is FREE else NEEDS
    assert str(caught.value).endswith(f"takes {offered}.")
    assert not cannot_decide(REQUEST, {"branches": [-1]})


@given(json_values)
def test_whatever_is_written_is_a_choice_an_abstention_or_a_reply_error(value: Any) -> None:
    arguments = {"categories": value}
    with contextlib.suppress(ModelReplyError):
        (chosen, _) = checked(FREE, arguments)
        assert set(chosen) <= {1, 2, 3}
        assert not (chosen and cannot_decide(FREE, arguments))
