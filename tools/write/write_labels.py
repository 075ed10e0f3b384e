"""The tool `write_labels`: write labels freely, to be matched with the label set (ICXML)."""

from collections.abc import Mapping
from typing import Any

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec

FIELD = "labels"
LONGEST = 80
"""Maximum characters of a written label."""


def write_labels(arguments: Mapping[str, Any], most: int) -> list[str]:
    """Write labels that would fit the text, as they might be called in the label set; they need not be in it."""
    given = arguments.get(FIELD)
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ToolError(f"`{FIELD}` is a list of texts; {given!r} was given")
    clean = [" ".join(each.split())[:LONGEST] for each in given]
    return list({each.casefold(): each for each in reversed(clean) if each}.values())[::-1][:most]


def write_labels_spec(most: int) -> ToolSpec:
    """Return the tool with a schema for at most `most` labels."""
    labels = {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        "minItems": 1,
        "maxItems": most,
        "description": "Names of labels that would fit, the best first.",
    }
    parameters = {
        "type": "object",
        "properties": {FIELD: labels},
        "required": [FIELD],
        "additionalProperties": False,
    }
    return ToolSpec("write_labels", write_labels.__doc__ or "", parameters)
