"""The tool `write_keywords`: describe an item by free keywords, without a vocabulary (AgenticTagger 6.3, B.3)."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec

FIELD = "keywords"
LONGEST = 60
"""Maximum characters of a keyword."""

_INVISIBLE = frozenset(["Cf", "Cs", "Co"])
"""Unicode categories of removed characters: format (direction, tags), surrogate, private use."""

_JOINERS = "\u200c\u200d"
"""Format characters kept within a word: Persian, Indic scripts and emoji need them."""


def write_keywords(arguments: Mapping[str, Any], most: int) -> list[str]:
    """Write keywords that describe the item, the most telling first; each a word or a few."""
    given = arguments.get(FIELD)
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ToolError(f"`{FIELD}` is a list of texts; {given!r} was given")
    return unique_keywords([clean_text(each) for each in given])[:most]


def write_keywords_spec(most: int) -> ToolSpec:
    """Return the tool with a schema for at most `most` keywords."""
    keywords = {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        "minItems": 1,
        "maxItems": most,
        "description": "Keywords, the most telling first.",
    }
    parameters = {
        "type": "object",
        "properties": {FIELD: keywords},
        "required": [FIELD],
        "additionalProperties": False,
    }
    return ToolSpec("write_keywords", write_keywords.__doc__ or "", parameters)


def clean_text(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, without invisible characters, of at most `longest` characters."""
    blank = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    shown = "".join(c for c in blank if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    return " ".join(word for each in shown.split() if (word := each.strip(_JOINERS)))[:longest].rstrip()


def unique_keywords(keywords: list[str]) -> list[str]:
    """Remove empty keywords and repeats, ignoring case."""
    first: dict[str, str] = {}
    for keyword in keywords:
        if keyword:
            first.setdefault(keyword.casefold(), keyword)
    return list(first.values())
