"""The tool `explain_fit`: why a label fits a text or does not (XMC-Agent 2.3, deductive reasoning)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec
from taxonaut.tools.write.write_keywords import clean_text

REASONS = "reasons"
FITS = "fits"

LONGEST_REASONS = 400
"""Maximum characters of the reasons."""

LOOP = 16
"""Reasons of at least so many words are refused if over half repeat: small models loop."""


class FitReasons(NamedTuple):
    """The reasons, and whether the label fits."""

    reasons: str
    fits: bool


def explain_fit(arguments: Mapping[str, Any]) -> FitReasons:
    """Say why a label fits the text or does not, and whether it fits."""
    given, fits = arguments.get(REASONS), arguments.get(FITS)
    reasons = clean_text(given, LONGEST_REASONS) if isinstance(given, str) else ""
    if not any(character.isalnum() for character in reasons):
        raise ToolError(f"`{REASONS}` is a text with words; {given!r} was given")
    words = reasons.casefold().split()
    if len(words) >= LOOP and len(set(words)) < len(words) / 2:
        raise ToolError(f"`{REASONS}` repeats itself: {reasons[:80]!r} …")
    if not isinstance(fits, bool):
        raise ToolError(f"`{FITS}` is true or false; {fits!r} was given")
    return FitReasons(reasons, fits)


def explain_fit_spec(known: bool | None) -> ToolSpec:
    """Return the tool with its schema; where it is `known` whether the label fits, nothing else can be said."""
    verdict: dict[str, Any] = {"type": "boolean"} if known is None else {"type": "boolean", "enum": [known]}
    parameters = {
        "type": "object",
        "properties": {
            REASONS: {
                "type": "string",
                "minLength": 2,
                "maxLength": LONGEST_REASONS,
                "description": "Why the label fits or does not, in one or two sentences.",
            },
            FITS: {**verdict, "description": "Whether the label fits."},
        },
        "required": [REASONS, FITS],
        "additionalProperties": False,
    }
    return ToolSpec("explain_fit", explain_fit.__doc__ or "", parameters)
