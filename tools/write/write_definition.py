"""The tool `write_definition`: write a name and a definition of a category (Dual-Expert 3.2.2)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec
from taxonaut.tools.write.write_keywords import clean_text

TITLE = "title"
DEFINITION = "definition"

LONGEST_TITLE = 80
LONGEST_DEFINITION = 400
"""Maximum characters of a descriptive name, and of a definition."""

LOOP = 16
"""Texts of at least so many words are refused if over half repeat: small models loop."""

TERMS_SHOWN = 6
EXAMPLES_SHOWN = 3
LONGEST_EXAMPLE = 80
"""Limits of a composed definition: terms, examples, characters of an example."""


class WrittenDefinition(NamedTuple):
    """A category's descriptive name and its definition."""

    title: str
    definition: str


def write_definition(arguments: Mapping[str, Any]) -> WrittenDefinition:
    """Write a category's descriptive name and its definition: what belongs in it, and where it ends."""
    found = []
    for field, longest in ((TITLE, LONGEST_TITLE), (DEFINITION, LONGEST_DEFINITION)):
        given = arguments.get(field)
        text = clean_text(given, longest) if isinstance(given, str) else ""
        if not any(character.isalnum() for character in text):
            raise ToolError(f"`{field}` is a text with words; {given!r} was given")
        words = text.casefold().split()
        if len(words) >= LOOP and len(set(words)) < len(words) / 2:
            raise ToolError(f"`{field}` repeats itself: {text[:LONGEST_TITLE]!r} …")
        found.append(text)
    return WrittenDefinition(*found)


def compose_definition(
    title: str, parent: str, terms: Sequence[str], examples: Sequence[str]
) -> WrittenDefinition:
    """Compose a definition without a language model, from distinctive terms and example products.

    Without either it only names the parent.
    """
    parts = []
    if terms:
        parts.append(", ".join(terms[:TERMS_SHOWN]))
    shown = [clean_text(text, LONGEST_EXAMPLE) for text in examples[:EXAMPLES_SHOWN]]
    if shown:
        parts.append(f"such as {'; '.join(shown)}")
    if not parts:
        parts.append(f"part of {parent}" if parent else title)
    return WrittenDefinition(title, clean_text("; ".join(parts), LONGEST_DEFINITION))


def write_definition_spec() -> ToolSpec:
    """Return the tool with its schema."""
    properties: dict[str, Any] = {
        TITLE: {
            "type": "string",
            "minLength": 2,
            "maxLength": LONGEST_TITLE,
            "description": "A name that says what the category holds, without its path.",
        },
        DEFINITION: {
            "type": "string",
            "minLength": 2,
            "maxLength": LONGEST_DEFINITION,
            "description": "What belongs in the category, what for, and where it ends; one or two sentences.",
        },
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [TITLE, DEFINITION],
        "additionalProperties": False,
    }
    return ToolSpec("write_definition", write_definition.__doc__ or "", parameters)
