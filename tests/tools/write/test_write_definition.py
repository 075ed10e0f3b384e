"""Definitions that a model wrote, made fit to be kept and shown; and those that none wrote."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from taxonaut.models.gguf.grammar import tool_grammar
from taxonaut.state.errors import ToolError
from taxonaut.tools.write.write_definition import (
    LONGEST_DEFINITION,
    LONGEST_TITLE,
    WrittenDefinition,
    compose_definition,
    write_definition,
    write_definition_spec,
)


def test_words_are_cleaned() -> None:
    given = {"title": " Beach\ntoys \u202e", "definition": "Toys\x00 for the beach.\n2. none " + "x" * 999}
    found = write_definition(given)
    assert found.title == "Beach toys"
    assert found.definition.startswith("Toys for the beach. 2. none xxx")
    assert len(found.definition) == LONGEST_DEFINITION
    assert len(write_definition({"title": "y" * 999, "definition": "z"}).title) == LONGEST_TITLE


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"title": "", "definition": "x"}, "`title` is a text with words; '' was given"),
        ({"title": "...", "definition": "x"}, "`title` is a text with words"),
        ({"title": "x"}, "`definition` is a text with words; None was given"),
        ({"title": "x", "definition": ["y"]}, "`definition` is a text with words"),
        ({"title": 3, "definition": "y"}, "`title` is a text with words; 3 was given"),
        (
            {"title": "x", "definition": "which is made of wood, " * 5},
            "`definition` repeats itself: 'which is",
        ),
    ],
)
def test_what_says_nothing_is_refused(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ToolError) as caught:
        write_definition(given)
    assert str(caught.value).startswith(wrong)


def test_the_schema_is_one_that_a_grammar_can_hold_to() -> None:
    schema = dict(write_definition_spec().parameters)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"title": "Beach toys", "definition": "Toys for the beach."})
    assert tool_grammar([write_definition_spec()]).longest < 1100


@pytest.mark.parametrize(
    ("parent", "terms", "examples", "definition"),
    [
        ("Toys", ["sand", "beach"], ["a bucket", "a\nspade"], "sand, beach; such as a bucket; a spade"),
        ("Toys", [], ["a", "b", "c", "d"], "such as a; b; c"),
        ("Toys", ["t"] * 9, [], "t, t, t, t, t, t"),
        ("Toys > Outdoor", [], [], "part of Toys > Outdoor"),
        ("", [], [], "Beach toys"),
    ],
)
def test_a_definition_is_composed_of_what_there_is(
    parent: str, terms: list[str], examples: list[str], definition: str
) -> None:
    assert compose_definition("Beach toys", parent, terms, examples) == WrittenDefinition(
        "Beach toys", definition
    )
